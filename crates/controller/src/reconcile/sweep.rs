//! Which workloads an evaluation of everything still waits for.

use std::collections::HashSet;

use tagwatch_index::WorkloadKey;

/// It has ended when each workload that existed at its start has been evaluated.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    remaining: HashSet<WorkloadKey>,
}

impl Sweep {
    /// Begins again. Returns whether there is nothing to evaluate.
    pub(super) fn begin(&mut self, keys: impl IntoIterator<Item = WorkloadKey>) -> bool {
        self.remaining = keys.into_iter().collect();
        self.remaining.is_empty()
    }

    /// Returns whether this was the last workload.
    pub(super) fn mark_evaluated(&mut self, key: &WorkloadKey) -> bool {
        self.remaining.remove(key) && self.remaining.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_ends_once_with_its_last_workload() {
        let key = |name: &str| WorkloadKey::new("apps/v1", "Deployment", "shop", name, name);
        let mut sweep = Sweep::default();
        assert!(!sweep.begin([key("a"), key("b")]));
        assert!(!sweep.mark_evaluated(&key("a")));
        assert!(!sweep.mark_evaluated(&key("a")));
        assert!(!sweep.mark_evaluated(&key("new")));
        assert!(sweep.mark_evaluated(&key("b")));
        assert!(!sweep.mark_evaluated(&key("b")));
        assert!(sweep.begin([]));
    }
}
