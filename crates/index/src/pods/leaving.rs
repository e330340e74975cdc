//! Pods that are being deleted and still run (`docs/design/verdicts.md`, "Where images are found").
//!
//! Most are gone within seconds, so of a pod that has a controller nothing is reported meanwhile: a report that changes with
//! each pod of each rollout tells nothing. But who may delete a pod decides how long that takes: with a grace period of years
//! its containers run for years. So does a pod whose node does not answer. A pod whose deletion takes longer than
//! [`LONG_DELETION`] is reported on its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tagwatch_k8s::slim::{PodDeletion, SlimPod};

use super::detached::MAX_RECOUNTED;
use super::name::PodName;
use super::record::PodRecord;
use super::{PodChanges, PodFacts, PodIndex, PodNames, seconds};

/// Longest grace period with which nothing is reported of a pod that is being deleted, and how long after its end a pod may
/// still be there, in seconds. The kubelet needs a moment behind the end, and nodes restart.
pub(crate) const LONG_DELETION: u32 = 600;

/// From when on a pod that is being deleted is reported on its own, in Unix seconds. `None` for a pod that is not being
/// deleted, or that runs nothing: it has ended, or no node has it, and none will (`assignPod` in
/// `pkg/registry/core/pod/storage/storage.go` refuses it).
pub(super) fn reported_from(pod: &SlimPod) -> Option<u32> {
    let PodDeletion { deadline, grace } = pod.deletion()?;
    if pod.is_finished() || pod.node().is_none() {
        return None;
    }
    let is_short = grace.is_some_and(|grace| grace <= LONG_DELETION.into());
    Some(if is_short { seconds(deadline).saturating_add(LONG_DELETION) } else { 0 })
}

/// Pods of which nothing is reported, because they are being deleted, and not for long yet.
#[derive(Debug, Default)]
pub(super) struct LeavingPods {
    /// As each is to be counted if it stays.
    pods: BTreeMap<(Arc<str>, Box<str>), (u32, PodRecord)>,
    /// The same, in the order of the times from which they are reported.
    due: BTreeSet<(u32, Arc<str>, Box<str>)>,
}

impl LeavingPods {
    fn insert(&mut self, namespace: Arc<str>, record: PodRecord, from: u32) {
        let name: Box<str> = record.name.name().into();
        self.due.insert((from, Arc::clone(&namespace), name.clone()));
        self.pods.insert((namespace, name), (from, record));
    }

    fn take(&mut self, namespace: &str, name: &str) -> Option<PodRecord> {
        if self.pods.is_empty() {
            return None;
        }
        let ((namespace, name), (from, record)) = self.pods.remove_entry(&(namespace.into(), name.into()))?;
        self.due.remove(&(from, namespace, name));
        Some(record)
    }

    /// One that has stayed until this time.
    fn take_overdue(&mut self, now: u32) -> Option<(Arc<str>, PodRecord)> {
        if self.due.first()?.0 > now {
            return None;
        }
        let (_, namespace, name) = self.due.pop_first()?;
        let ((namespace, _), (_, record)) = self.pods.remove_entry(&(namespace, name))?;
        Some((namespace, record))
    }

    /// Those of the watched namespace (or of all) that a complete list did not name.
    fn unlisted(&self, scope: Option<&str>, listed: &PodNames) -> Vec<(Arc<str>, Box<str>)> {
        let in_scope = |key: &&(Arc<str>, Box<str>)| scope.is_none_or(|only| only == &*key.0);
        self.pods.keys().filter(in_scope).filter(|key| !listed.contains(*key)).cloned().collect()
    }
}

impl PodIndex {
    /// Takes a pod in that is being deleted and may still run.
    pub(super) fn apply_leaving(&mut self, mut pod: PodFacts<'_>, from: u32, now: u32) -> PodChanges {
        let mut changes = self.note_run(&pod, now);
        let is_reported = from <= now || pod.controller == pod.own_key();
        // A pod that is reported on its own is so until it is gone.
        pod.stand_alone();
        let (namespace, name) = (pod.namespace, PodName::new(pod.name, pod.uid));
        let shape = self.shapes.share(super::PodShape { is_terminating: true, ..pod.shape });
        let controller = self.shared(&pod.controller).cloned().unwrap_or(pod.controller);
        // What it runs was noted. Nothing is started in it, and nothing pulled for it, so drift does not concern it.
        let record =
            PodRecord { name, controller, shape, node: None, platform: None, states: Box::default() };
        if is_reported {
            self.forget_leaving(namespace, pod.name);
            let known = self.known(namespace, pod.name);
            if known.as_deref() == Some(&record) {
                return changes;
            }
            changes.extend(self.replace(namespace, known, record, now));
            return changes;
        }
        changes.extend(self.delete(namespace, pod.name, now));
        let namespace = self
            .pods
            .get_key_value(namespace)
            .map_or_else(|| namespace.into(), |(known, _)| Arc::clone(known));
        self.leaving.insert(namespace, record, from);
        changes
    }

    /// Counts pods that have been leaving for too long, at most [`MAX_RECOUNTED`] of them. To be called now and then.
    pub(crate) fn settle_leaving(&mut self, now: u32) -> PodChanges {
        let mut changes = PodChanges::default();
        for _ in 0..MAX_RECOUNTED {
            let Some((namespace, record)) = self.leaving.take_overdue(now) else { break };
            changes.extend(self.replace(&namespace, None, record, now));
        }
        changes
    }

    /// A pod is gone, or there again.
    pub(super) fn forget_leaving(&mut self, namespace: &str, name: &str) {
        if let Some(record) = self.leaving.take(namespace, name) {
            self.shapes.release(&record.shape);
        }
    }

    /// Forgets those that a complete list did not name.
    pub(super) fn retain_leaving(&mut self, scope: Option<&str>, listed: &PodNames) {
        for (namespace, name) in self.leaving.unlisted(scope, listed) {
            self.forget_leaving(&namespace, &name);
        }
    }

    #[cfg(test)]
    pub(crate) fn leaving_count(&self) -> usize {
        self.leaving.pods.len().max(self.leaving.due.len())
    }
}
