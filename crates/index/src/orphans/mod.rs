//! What becomes of pods and objects whose controller is not there (`docs/design/verdicts.md`, "Where images are found").

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::kinds::WorkloadKind;
use tagwatch_core::workload::{Unfollowed, UnfollowedController};
use tagwatch_k8s::key::WorkloadKey;

use crate::index::Index;
use crate::pods::{PodShape, seconds};

/// What [`Index::settle_controller`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SettledController {
    /// Workloads that are to be evaluated, since other pods and objects are reported under them now.
    pub affected: BTreeSet<WorkloadKey>,
    /// In how long the controller is to be looked for again.
    pub look_again: Option<Duration>,
}

impl Index {
    /// Looks whether what names a key as its controller is to be reported under it. To be called before
    /// [`Index::collect`], and once every list of a built-in kind is complete: until then, anything can be missing.
    pub fn settle_controller(&mut self, key: &WorkloadKey, now: Timestamp) -> SettledController {
        let now = seconds(now);
        if !self.is_missing(key) {
            let was_given_up = self.owners.missing.remove(key);
            return self.take_back(key, was_given_up, now);
        }
        let was_given_up = self.owners.missing.is_given_up(key);
        if self.pods.shapes(key).next().is_none() && self.owners.children(key).next().is_none() {
            if !was_given_up {
                self.owners.missing.remove(key);
            }
            return SettledController::default();
        }
        let left = self.owners.missing.mark_missing(key, now);
        if left > 0 {
            let look_again = Some(Duration::from_secs(left.into()));
            return SettledController { affected: BTreeSet::new(), look_again };
        }
        self.give_up(key, was_given_up, now)
    }

    /// The controller that a workload names and is not reported under.
    pub(crate) fn unfollowed(&self, key: &WorkloadKey) -> Option<UnfollowedController> {
        let is_pod = key.watched_kind().is_some_and(WorkloadKind::is_pod);
        if !is_pod {
            return self.owners.unfollowed(key);
        }
        let is_unfollowed = |shape: &PodShape| shape.unfollowed.is_some();
        let (shape, _) = self.pods.shapes(key).find(|(shape, _)| is_unfollowed(shape))?;
        let controller = shape.unfollowed.as_ref()?;
        let why = if !controller.may_control(key.group(), key.kind()) {
            Unfollowed::NeverControls
        } else if shape.is_terminating {
            Unfollowed::Terminating
        } else {
            Unfollowed::Missing
        };
        Some(UnfollowedController { id: controller.workload_id(), why })
    }

    /// Whether a key is of a kind whose objects are all known, and is none of them.
    fn is_missing(&self, key: &WorkloadKey) -> bool {
        if key.watched_kind().is_some_and(WorkloadKind::is_pod) {
            return !self.pods.is_live(key);
        }
        self.owners.watches(key) && self.owners.node(key).is_none()
    }

    fn give_up(&mut self, key: &WorkloadKey, was_given_up: bool, now: u32) -> SettledController {
        let of_pods = self.pods.detach_pods(key, now).all();
        let mut affected = self.tops(&of_pods);
        if !was_given_up {
            affected.extend(self.owners.tops_below(key));
        }
        affected.remove(key);
        tracing::debug!(controller = ?key, workloads = affected.len(),
            "a controller that objects name does not exist; they are reported on their own");
        let has_more = self.pods.shapes(key).next().is_some();
        SettledController { affected, look_again: has_more.then_some(Duration::ZERO) }
    }

    /// A controller that was given up is there, or is of a kind that is not watched any more. Its pods and objects were
    /// workloads of their own until now.
    fn take_back(&mut self, key: &WorkloadKey, was_given_up: bool, now: u32) -> SettledController {
        let mut affected = self.pods.attach_pods(key, now).all();
        affected.extend(self.tops(&affected));
        if was_given_up {
            affected.extend(self.owners.children(key).map(|(child, _)| child.clone()));
            affected.extend(self.owners.tops_below(key));
        }
        affected.remove(key);
        let has_more = self.pods.is_to_attach(key);
        SettledController { affected, look_again: has_more.then_some(Duration::ZERO) }
    }
}

#[cfg(test)]
mod tests;
