//! Which workloads an evaluation of everything still waits for, and by which policy.

use std::collections::HashSet;

use tagwatch_index::WorkloadKey;

use crate::state::PolicyRevision;

/// It has ended when each workload that existed at its start has been evaluated from beginning to end since.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    revision: PolicyRevision,
    remaining: HashSet<WorkloadKey>,
    /// What is being evaluated.
    running: HashSet<WorkloadKey>,
    /// Evaluations that go on since before the start: they may be by an earlier policy. The queue holds another one of each.
    outdated: HashSet<WorkloadKey>,
}

impl Sweep {
    /// Begins again, by this policy or a later one. Returns whether there is nothing to evaluate.
    pub(super) fn begin(
        &mut self,
        revision: PolicyRevision,
        keys: impl IntoIterator<Item = WorkloadKey>,
    ) -> bool {
        self.revision = revision;
        self.remaining = keys.into_iter().collect();
        self.outdated.clone_from(&self.running);
        self.remaining.is_empty()
    }

    /// The policy that was in use at its start.
    pub(super) fn revision(&self) -> PolicyRevision {
        self.revision
    }

    /// How many workloads are being evaluated.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// The evaluation of a workload begins.
    pub(super) fn mark_begun(&mut self, key: WorkloadKey) {
        self.running.insert(key);
    }

    /// The evaluation of a workload has ended. Returns whether it was the last one.
    pub(super) fn mark_evaluated(&mut self, key: &WorkloadKey) -> bool {
        self.running.remove(key);
        !self.outdated.remove(key) && self.remaining.remove(key) && self.remaining.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> WorkloadKey {
        WorkloadKey::new("apps/v1", "Deployment", "shop", name, name)
    }

    #[test]
    fn what_was_being_evaluated_at_the_start_is_waited_for_once_more() {
        let (mut sweep, revision) = (Sweep::default(), PolicyRevision::default());
        sweep.mark_begun(key("a"));
        assert_eq!(sweep.running(), 1);
        assert!(!sweep.begin(revision, [key("a")]));
        assert!(!sweep.mark_evaluated(&key("a")), "perhaps by the policy before");
        sweep.mark_begun(key("a"));
        assert!(sweep.mark_evaluated(&key("a")));
        assert_eq!(sweep.running(), 0);
    }

    #[test]
    fn a_sweep_ends_once_with_its_last_workload() {
        let (mut sweep, revision) = (Sweep::default(), PolicyRevision::default());
        assert!(!sweep.begin(revision, [key("a"), key("b")]));
        assert!(!sweep.mark_evaluated(&key("a")));
        assert!(!sweep.mark_evaluated(&key("a")));
        assert!(!sweep.mark_evaluated(&key("new")));
        assert!(sweep.mark_evaluated(&key("b")));
        assert!(!sweep.mark_evaluated(&key("b")));
        assert!(sweep.begin(revision, []));
    }
}
