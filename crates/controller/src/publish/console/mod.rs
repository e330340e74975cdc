//! What the console shows of an evaluated workload.

use tagwatch_console as console;
use tagwatch_k8s::report::{History, MAX_HISTORY};

use crate::judge::{Evaluation, FieldOwner};

/// The workload with its history, and with the ways in which its containers can be changed.
pub(crate) fn shown(
    input: &console::WorkloadInput<'_>,
    history: &History,
    fields: &FieldOwner,
) -> console::Workload {
    with_history(input.facts(|container| fields.edit_mode(container)), history)
}

/// A workload on which the evaluation failed, with what its report says of the past.
pub(crate) fn failed(evaluation: &Evaluation<'_>) -> console::Workload {
    let facts = console::Workload::failed(&evaluation.workload, evaluation.engine.policy());
    with_history(facts, &evaluation.memory.history)
}

fn with_history(facts: console::Workload, history: &History) -> console::Workload {
    console::Workload {
        closed: history.closed.to_vec(),
        is_history_full: history.closed.len() >= MAX_HISTORY,
        image_changes: history.images.to_vec(),
        ..facts
    }
}

#[cfg(test)]
mod tests;
