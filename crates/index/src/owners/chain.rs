//! Chains of controllers: under which workload an object is reported, and what changes with a chain.

use std::collections::BTreeSet;

use tagwatch_core::workload::{Unfollowed, UnfollowedController};
use tagwatch_k8s::key::WorkloadKey;

use super::{MAX_DEPENDENTS, MAX_DEPTH, OwnedObject, OwnerIndex};

/// Where a chain of controllers ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Top {
    /// Reported under this workload.
    Workload(WorkloadKey),
    /// This controller of a kind that we watch is not known: not seen yet, or gone and about to take its
    /// dependents with it. Nothing is reported until it appears or is given up.
    Missing(WorkloadKey),
}

impl Top {
    /// What is to be evaluated: the workload, or the controller, to find out whether it is still missing.
    pub(crate) fn into_key(self) -> WorkloadKey {
        match self {
            Self::Workload(key) | Self::Missing(key) => key,
        }
    }
}

impl OwnerIndex {
    /// The workload under which an object is reported (`docs/design/verdicts.md`, "Where images are found"): up the chain
    /// of controllers, until one that is reported on its own, has no controller, or is of a kind that is not watched.
    pub(crate) fn top(&self, start: &WorkloadKey) -> Top {
        let mut current = start;
        for _ in 0..=MAX_DEPTH {
            let Some(node) = self.node(current) else {
                let current = current.clone();
                return if self.watches(&current) { Top::Missing(current) } else { Top::Workload(current) };
            };
            match self.reported_under(node) {
                Some(controller) => current = controller,
                None => return Top::Workload(current.clone()),
            }
        }
        Top::Workload(start.clone())
    }

    /// A pod or an object that named one controller names another. Where both lead to one that is missing, the grace time goes
    /// on, whatever it named between them.
    pub(crate) fn move_grace(
        &mut self,
        dependent: &WorkloadKey,
        former: Option<&WorkloadKey>,
        named: Option<&WorkloadKey>,
    ) {
        let before = former.and_then(|former| self.end(former)).cloned();
        // Where a chain comes to a workload, nothing is hidden, and no evaluation would end a grace time beyond it.
        let now = named.and_then(|named| match self.top(named) {
            Top::Missing(end) => Some(end),
            Top::Workload(_) => None,
        });
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.missing.leave(dependent, &before);
        }
        if let Some(now) = now {
            self.missing.join(dependent, &now);
        }
    }

    /// The controller at the end of a chain that is not there, given up or not.
    fn end<'a>(&'a self, start: &'a WorkloadKey) -> Option<&'a WorkloadKey> {
        let mut current = start;
        for _ in 0..=MAX_DEPTH {
            let Some(node) = self.node(current) else { return Some(current) };
            current = node.controller.as_ref()?;
        }
        None
    }

    /// The controller that a workload names and is not reported under, unless that is of a kind whose objects are workloads
    /// whatever owns them.
    pub(crate) fn unfollowed(&self, key: &WorkloadKey) -> Option<UnfollowedController> {
        let node = self.node(key)?;
        let controller = node.controller.as_ref()?;
        let why = if self.reported_under(node).is_some() {
            Unfollowed::Endless
        } else if !node.has_credible_controller && node.yields_to_any_owner() {
            Unfollowed::NeverControls
        } else if self.missing.is_given_up(controller) {
            Unfollowed::Missing
        } else {
            return None;
        };
        Some(UnfollowedController { id: controller.workload_id(), why })
    }

    /// Whether an object is reported on its own.
    pub(crate) fn is_top(&self, key: &WorkloadKey) -> bool {
        matches!(self.top(key), Top::Workload(top) if top == *key)
    }

    /// The controller of an object that is not reported by itself.
    pub(super) fn reported_under<'a>(&self, node: &'a OwnedObject) -> Option<&'a WorkloadKey> {
        self.followed(node).filter(|controller| !self.missing.is_given_up(controller))
    }

    /// The controller of an object under which that is reported once it is there.
    fn followed<'a>(&self, node: &'a OwnedObject) -> Option<&'a WorkloadKey> {
        let yields = |controller: &&WorkloadKey| {
            node.has_credible_controller && (node.yields_to_any_owner() || self.custom.covers(controller))
        };
        node.controller.as_ref().filter(yields)
    }

    /// The workloads whose report an object is or may be a part of, where its place among others stays.
    pub(super) fn reported_with(&self, key: &WorkloadKey, node: &OwnedObject) -> BTreeSet<WorkloadKey> {
        let top = self.reported_under(node).map(|controller| self.top(controller).into_key());
        top.into_iter().chain([key.clone()]).collect()
    }

    /// The workloads whose report an object is or may be a part of, and those below it.
    pub(super) fn affected_by(&self, key: &WorkloadKey, node: &OwnedObject) -> BTreeSet<WorkloadKey> {
        let mut affected = self.reported_with(key, node);
        // Only below others, or below custom kinds, can a chain grow too long.
        if self.reported_under(node).is_some() || key.watched_kind().is_none() {
            affected.extend(self.tops_below(key));
        }
        affected
    }

    /// The workloads under which everything is or was reported that names an object as its controller, and what depends on it.
    /// What names it and is not followed there is left out: anyone who may create objects makes any number of those. At most
    /// [`MAX_DEPENDENTS`] objects are looked at; those beyond are evaluated with everything else, after minutes.
    pub(crate) fn tops_below(&self, key: &WorkloadKey) -> BTreeSet<WorkloadKey> {
        let (mut tops, mut left) = (BTreeSet::new(), MAX_DEPENDENTS);
        self.add_tops_below(key, MAX_DEPTH, &mut left, &mut tops);
        tops
    }

    fn add_tops_below(
        &self,
        key: &WorkloadKey,
        depth: usize,
        left: &mut usize,
        tops: &mut BTreeSet<WorkloadKey>,
    ) {
        for claimant in self.children.get(key).into_iter().flatten() {
            if *left == 0 {
                return;
            }
            *left -= 1;
            if self.node(claimant).and_then(|node| self.followed(node)).is_none() {
                continue;
            }
            tops.insert(self.top(claimant).into_key());
            if depth > 0 {
                self.add_tops_below(claimant, depth - 1, left, tops);
            }
        }
    }
}
