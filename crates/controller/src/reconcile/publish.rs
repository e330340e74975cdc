//! The last step: events, metrics and the console say what is stored.

use std::sync::Arc;

use tagwatch_console::WorkloadInput;
use tagwatch_k8s::report::{IssueChanges, ReportedIssues};

use super::evaluate::Evaluation;
use super::judge::JudgedWorkload;
use super::write::WriteOutcome;
use crate::console::shown;
use crate::controller::Controller;
use crate::workload_states::WorkloadState;
use crate::writer::WriteError;

/// Publishes the results of a workload once their report was tried to be written. After a write that failed, what was
/// published before stays: the next try publishes.
pub(super) fn publish(
    controller: &Controller,
    evaluation: &Evaluation<'_>,
    judged: &JudgedWorkload,
    issues: &ReportedIssues<'_>,
    written: &Result<WriteOutcome, WriteError>,
) {
    let is_stored = match written {
        Ok(WriteOutcome::Stored | WriteOutcome::Unchanged) => true,
        // There is no report to wait for.
        Ok(WriteOutcome::ApiAbsent | WriteOutcome::Deferred(_) | WriteOutcome::NameTaken)
        | Err(WriteError::NamespaceTerminating) => false,
        // Without the right to write reports, metrics and the console are all there is.
        Err(error) if error.code() == Some(403) => false,
        Err(_) => return,
    };
    let Evaluation { key, report, workload, fields, memory, engine, .. } = evaluation;
    let mut state = WorkloadState::new(workload, &judged.judgement, &judged.issues);
    if controller.has_console {
        let states = controller.states.lock();
        let history = states.memory(key).map(|memory| memory.history.clone()).unwrap_or_default();
        drop(states);
        let input = WorkloadInput {
            workload,
            uid: key.uid(),
            verdicts: &judged.judgement.verdicts,
            issues: &judged.issues,
            policy: engine.policy(),
        };
        state.console = Some(Arc::new(shown(&input, &history, fields)));
    }
    let mut states = controller.states.lock();
    states.publish(key, state);
    if !is_stored {
        return;
    }
    states.mark_stored(key);
    drop(states);
    if let Some(events) = &controller.events {
        events.announce(key, report, &IssueChanges::between(memory.last_stored(), issues));
    }
}

/// Publishes that a workload could not be evaluated.
pub(super) fn publish_failure(controller: &Controller, evaluation: &Evaluation<'_>) {
    let Evaluation { key, report, memory, .. } = evaluation;
    let mut states = controller.states.lock();
    if states.memory(key).is_none_or(|memory| memory.is_unread) {
        states.remember(key, report, memory.clone());
    }
    states.publish(key, WorkloadState::failed());
}
