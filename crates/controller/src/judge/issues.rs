//! The second step: what the policy says of a workload.

use tagwatch_core::engine::Judgement;
use tagwatch_core::issue::{Issue, ResultKeys};
use tagwatch_core::policy::Decision;

use super::assemble::Evaluation;

/// The result of judging a workload.
pub(crate) enum JudgeOutcome {
    /// The workload is in the policy's scope and was checked.
    Issues(JudgedWorkload),
    /// The policy's scope leaves it out.
    OutOfScope,
}

/// The results of a workload.
pub(crate) struct JudgedWorkload {
    pub(crate) judgement: Judgement,
    pub(crate) issues: Vec<Issue>,
}

impl Evaluation<'_> {
    /// What the policy says of the workload.
    pub(crate) fn judge(&self) -> JudgeOutcome {
        let Self { key, workload, memory, engine, now, .. } = self;
        let judgement = engine.assess(workload, |image| engine.read_image(image));
        if judgement.in_scope == Decision::No {
            return JudgeOutcome::OutOfScope;
        }
        let keys = ResultKeys::new(key.uid(), &workload.containers);
        let issues = memory.first_seen.issues(workload, &judgement.verdicts, &keys, *now);
        JudgeOutcome::Issues(JudgedWorkload { judgement, issues })
    }
}
