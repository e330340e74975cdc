//! The engine's step: what the policy says of a workload.

use tagwatch_core::engine::Judgement;
use tagwatch_core::issue::{Issue, ResultKeys};
use tagwatch_core::policy::Decision;

use super::evaluation::Evaluation;

/// The result of judging a workload.
pub(crate) enum Judged {
    /// Its results.
    Issues(JudgedWorkload),
    /// The policy's scope leaves it out.
    OutOfScope,
}

/// The results of a workload.
pub(crate) struct JudgedWorkload {
    pub(crate) judgement: Judgement,
    pub(crate) issues: Vec<Issue>,
}

pub(crate) fn judge(evaluation: &Evaluation<'_>) -> Judged {
    let Evaluation { key, workload, memory, engine, now, .. } = evaluation;
    let judgement = engine.assess(workload, |image| engine.read_image(image));
    if judgement.in_scope == Decision::No {
        return Judged::OutOfScope;
    }
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let first_seen = |id| memory.first_seen.get(id, *now);
    let issues = Issue::all(workload, &judgement.verdicts, &keys, first_seen);
    Judged::Issues(JudgedWorkload { judgement, issues })
}
