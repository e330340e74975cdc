//! What the console shows of an evaluated workload.

use tagwatch_console as console;
use tagwatch_k8s::report::{History, MAX_HISTORY};

use crate::judge::FieldOwner;

/// The workload with its history, and with the ways in which its containers can be changed.
pub(crate) fn shown(
    input: &console::WorkloadInput<'_>,
    history: &History,
    fields: &FieldOwner,
) -> console::Workload {
    let mut facts = input.facts(|container| fields.edit_mode(container));
    facts.closed = history.closed.to_vec();
    facts.is_history_full = history.closed.len() >= MAX_HISTORY;
    facts.image_changes = history.images.to_vec();
    facts
}

#[cfg(test)]
mod tests;
