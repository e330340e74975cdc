//! The third step: the report that is wanted.

use tagwatch_k8s::report::{self, BuiltReport, PolicyReport, ReportInput, ReportedIssues};

use super::assemble::Evaluation;
use super::issues::JudgedWorkload;
use crate::state::ReportMemory;

/// A report to be written.
pub(crate) struct WantedReport<'a> {
    pub(crate) report: PolicyReport,
    /// The results in the report.
    pub(crate) issues: ReportedIssues<'a>,
    /// What is remembered for the next evaluation.
    pub(crate) memory: ReportMemory,
}

impl Evaluation<'_> {
    /// The report of these results.
    pub(crate) fn build<'a>(&'a self, judged: &'a JudgedWorkload) -> WantedReport<'a> {
        let Self { key, instance, workload, memory, engine, now, .. } = self;
        let BuiltReport { report, issues } = report::build(&ReportInput {
            workload,
            instance,
            uid: key.uid(),
            issues: &judged.issues,
            policy: engine.policy(),
            namespace_labels: engine.policy().metric_labels(),
            first_seen: &memory.first_seen,
            history: &memory.history,
            image_changes: &memory.image_changes(workload, *now),
            now: *now,
        });
        let memory = memory.after(workload, &report, &issues);
        WantedReport { report, issues, memory }
    }
}
