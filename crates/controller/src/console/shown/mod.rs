//! From an evaluated workload to what the console shows of it.

use tagwatch_console as console;
use tagwatch_core::engine::{Engine, Judgement};
use tagwatch_core::issue::{Issue, ResultKeys};
use tagwatch_core::workload::Workload;
use tagwatch_k8s::report::{History, MAX_HISTORY};

use super::FieldOwner;

/// An evaluated workload with all that the console shows of it.
pub(crate) struct Shown<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) uid: &'a str,
    pub(crate) judgement: &'a Judgement,
    pub(crate) issues: &'a [Issue],
    pub(crate) history: &'a History,
    pub(crate) engine: &'a Engine,
    pub(crate) fields: &'a FieldOwner,
}

impl Shown<'_> {
    pub(crate) fn facts(&self) -> console::Workload {
        let keys = ResultKeys::new(self.uid, &self.workload.containers);
        let judged = console::Judged {
            workload: self.workload,
            verdicts: &self.judgement.verdicts,
            issues: self.issues,
            keys: &keys,
            policy: self.engine.policy(),
        };
        let mut facts = judged.facts(|container| self.fields.edit_mode(container));
        facts.closed = self.history.closed.to_vec();
        facts.is_history_full = self.history.closed.len() >= MAX_HISTORY;
        facts.image_changes = self.history.images.to_vec();
        facts
    }
}

#[cfg(test)]
mod tests;
