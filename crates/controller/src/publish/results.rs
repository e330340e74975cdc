//! What the results of an evaluation change outside the report: events once the report is stored; metrics and the
//! console once its write was tried.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tagwatch_console::{DepartedWorkload, WorkloadInput};
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::{IssueChanges, ReportFailure, ReportedIssues};

use super::console::{failed, shown};
use super::events::EventPublisher;
use super::report_writer::WriteOutcome;
use super::writer::WriteError;
use crate::judge::{Evaluation, JudgedWorkload};
use crate::state::{
    DepartureLog, Leadership, MemoryBasis, ReportKey, ReportMemory, WorkloadState, WorkloadStates,
};

/// Publishes the results of evaluations.
pub(crate) struct ResultPublisher {
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) leadership: Leadership,
    /// `None` unless `--events` is set.
    pub(crate) events: Option<EventPublisher>,
    /// `None` unless the console is served: more of each workload is kept for it, also once that has left.
    pub(crate) departures: Option<Arc<Mutex<DepartureLog>>>,
}

impl ResultPublisher {
    /// Publishes the results of a workload once their report was tried to be written. While it is not known whether that
    /// succeeded, what was published before stays: the next try publishes.
    pub(crate) fn publish(
        &self,
        evaluation: &Evaluation<'_>,
        judged: &JudgedWorkload,
        issues: &ReportedIssues<'_>,
        written: &Result<WriteOutcome, WriteError>,
    ) {
        let is_stored = match written {
            Ok(WriteOutcome::Stored | WriteOutcome::Unchanged) => true,
            // There is no report to wait for.
            Ok(WriteOutcome::ApiAbsent | WriteOutcome::Deferred(_) | WriteOutcome::Returned(_) | WriteOutcome::NameTaken(_))
            // Another replica stores the report: it says so to the console of this one.
            | Err(WriteError::NamespaceTerminating | WriteError::NotLeading) => false,
            // Where reports are refused, metrics and the console are all there is.
            Err(error) if error.failure().is_some_and(ReportFailure::is_refusal) => false,
            Err(_) => return,
        };
        let Evaluation { key, report, workload, fields, memory, engine, .. } = evaluation;
        let mut state = WorkloadState::new(workload, &judged.judgement, &judged.issues);
        if self.departures.is_some() {
            let history = self.states.lock().memory(key).map(|memory| memory.history.clone());
            let input = WorkloadInput {
                workload,
                uid: key.uid(),
                status: state.status,
                verdicts: &judged.judgement.verdicts,
                issues: &judged.issues,
                engine,
                exemptions: state.exemptions.as_deref(),
            };
            state.console = Some(Arc::new(shown(&input, &history.unwrap_or_default(), fields)));
        }
        let mut states = self.states.lock();
        states.publish(key, state);
        if !is_stored {
            return;
        }
        states.mark_stored(key);
        drop(states);
        if let Some(events) = &self.events {
            events.announce(key, report, &IssueChanges::between(memory.last_stored(), issues));
        }
    }

    /// Reports that another client keeps changing the report of a workload.
    pub(crate) fn report_contested(&self, key: &WorkloadKey, report: &ReportKey) {
        if let Some(events) = &self.events {
            events.report_contested(key, report);
        }
    }

    /// Remembers a report before it is written, so that it is known to be wanted while the write is under way. On a standby
    /// the memory from before stays, and the other is returned for [`remember_stored`](Self::remember_stored).
    pub(crate) fn remember(&self, evaluation: &Evaluation<'_>, memory: ReportMemory) -> Option<ReportMemory> {
        let Evaluation { key, report, memory: before, .. } = evaluation;
        let (remembered, followed) = if self.leadership.may_write() {
            (memory, None)
        } else {
            (before.clone().of_standby(), Some(memory.of_standby()))
        };
        self.states.lock().remember(key, report, remembered);
        followed
    }

    /// On a standby: the report is stored as this replica would have written it.
    pub(crate) fn remember_stored(&self, evaluation: &Evaluation<'_>, memory: ReportMemory) {
        self.states.lock().remember(evaluation.key, evaluation.report, memory);
    }

    /// Removes a workload that has no report any more. The console goes on showing what was found in it.
    pub(crate) fn remove(&self, key: &WorkloadKey, now: Timestamp) {
        if let Some(departures) = &self.departures {
            let workload = self.states.lock().console(key);
            // Before the states change: what is put together after that holds it.
            if let Some(departed) = workload.map(|workload| DepartedWorkload::new(&workload, now)) {
                departures.lock().add(departed);
            }
        }
        self.states.lock().remove(key);
    }

    /// Publishes that a workload could not be evaluated.
    pub(crate) fn publish_failure(&self, evaluation: &Evaluation<'_>) {
        let Evaluation { key, report, memory, .. } = evaluation;
        let shown = self.departures.is_some().then(|| Arc::new(failed(evaluation)));
        let mut states = self.states.lock();
        if states.memory(key).is_none_or(|memory| memory.basis != MemoryBasis::Own) {
            states.remember(key, report, memory.clone());
        }
        states.publish(key, WorkloadState { console: shown, ..WorkloadState::failed() });
    }
}
