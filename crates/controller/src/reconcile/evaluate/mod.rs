//! One evaluation of a workload, as a pipeline with a file for each step: assemble → judge → build → write → publish.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::engine::Engine;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Absence, Assembled, WorkloadKey};

use super::Next;
use super::build::{Built, build};
use super::judge::{Judged, judge};
use super::publish::{publish, publish_failure};
use super::write::{WriteOutcome, read_unremembered, write};
use crate::console::FieldOwner;
use crate::controller::Controller;
use crate::metrics::ControllerMetrics;
use crate::report::{Known, ReportKey};
use crate::workload_states::ReportMemory;
use crate::writer::WriteError;

/// How long garbage collection has to remove the report of a workload that is gone, before we do.
const COLLECTION_GRACE: Duration = Duration::from_secs(10);

/// What the steps of one evaluation work on.
pub(super) struct Evaluation<'a> {
    pub(super) key: &'a WorkloadKey,
    pub(super) report: &'a ReportKey,
    pub(super) workload: Workload,
    /// Where the fields of its containers are, for the console.
    pub(super) fields: FieldOwner,
    /// What is remembered from before this evaluation.
    pub(super) memory: ReportMemory,
    pub(super) engine: Arc<Engine>,
    pub(super) now: Timestamp,
}

/// Evaluates one workload and brings its report up to date.
pub(super) async fn evaluate(controller: &Controller, key: &WorkloadKey) -> Next {
    let now = controller.clock.now();
    let report = ReportKey::of(key);
    let (assembled, fields) = {
        let mut index = controller.index.lock();
        let assembled = index.assemble(key, &controller.stores, now);
        (assembled, FieldOwner::of(key, &index, &controller.stores))
    };
    let absence = match assembled {
        Assembled::Workload { workload, look_again } => {
            if let Err(error) = read_unremembered(controller, key, &report).await {
                tracing::warn!(workload = ?key, report = %report.name, %error,
                    "cannot read the report; trying again");
                return counted(controller, "failed", Next::Retry);
            }
            let memory = remembered(controller, key, &report);
            let engine = controller.engine.current();
            let workload = *workload;
            let evaluation = Evaluation { key, report: &report, workload, fields, memory, engine, now };
            match report_on(controller, &evaluation, look_again).await {
                Some(next) => return next,
                None => None,
            }
        }
        Assembled::Absent(absence) => Some(absence),
    };
    controller.states.lock().remove(key);
    if absence == Some(Absence::Gone) && !controller.collection_is_over(key, COLLECTION_GRACE) {
        let stored = controller.reports.lock().known(&report);
        let next = if matches!(stored, Known::Absent) { Next::Wait } else { Next::Again(COLLECTION_GRACE) };
        return counted(controller, "gone", next);
    }
    let written = write(controller, &report, None).await;
    next(controller, key, &report, &written)
}

/// When results were first seen, and what is over: as it is remembered, else as the stored report says. Memory comes
/// first, since anybody may edit a report; unless it began while no report could be read.
fn remembered(controller: &Controller, key: &WorkloadKey, report: &ReportKey) -> ReportMemory {
    let mut memory = match controller.states.lock().memory(key) {
        Some(memory) if !memory.is_unread => return memory.clone(),
        memory => memory.cloned().unwrap_or_default(),
    };
    let reports = controller.reports.lock();
    match reports.known(report) {
        Known::Fresh(stored) | Known::Stale(stored) => memory.behind(&stored),
        Known::Absent => {
            memory.is_unread = !reports.is_ready(&report.namespace);
            memory
        }
    }
}

/// The steps behind assembling. `None` for a workload outside the policy's scope: it has no report.
async fn report_on(
    controller: &Controller,
    evaluation: &Evaluation<'_>,
    look_again: Option<Duration>,
) -> Option<Next> {
    let Evaluation { key, report, .. } = *evaluation;
    let judged = match guarded(&controller.metrics, || judge(evaluation)) {
        Some(Judged::Issues(judged)) => judged,
        Some(Judged::OutOfScope) => return None,
        None => return Some(panicked(controller, evaluation)),
    };
    let Some(Built { wanted, issues, memory }) = guarded(&controller.metrics, || build(evaluation, &judged))
    else {
        return Some(panicked(controller, evaluation));
    };
    // Before the write, so that the report is known to be wanted while it is under way.
    controller.states.lock().remember(key, report, memory);
    let written = write(controller, report, Some(wanted)).await;
    let published = guarded(&controller.metrics, || {
        publish(controller, evaluation, &judged, &issues, &written);
    });
    if published.is_none() {
        return Some(panicked(controller, evaluation));
    }
    let due = look_again.into_iter().chain(judged.judgement.due_in).min();
    Some(next(controller, key, report, &written).or_again(due))
}

/// Runs what must not take the process down, whatever object it looks at. A panic is counted.
fn guarded<T>(metrics: &ControllerMetrics, work: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    if outcome.is_err() {
        metrics.panics.inc();
    }
    outcome.ok()
}

/// A panic is shown as an error of this workload; its stored report stays as it is.
fn panicked(controller: &Controller, evaluation: &Evaluation<'_>) -> Next {
    let key = evaluation.key;
    tracing::error!(workload = ?key, "judging this workload ended in a panic; this is a bug in tagwatch");
    publish_failure(controller, evaluation);
    counted(controller, "panic", Next::Wait)
}

/// Counts what came of a write, and says what is to be done next.
fn next(
    controller: &Controller,
    key: &WorkloadKey,
    report: &ReportKey,
    written: &Result<WriteOutcome, WriteError>,
) -> Next {
    let (result, next) = match written {
        Ok(WriteOutcome::Stored) => ("written", Next::Wait),
        Ok(WriteOutcome::Unchanged) => ("unchanged", Next::Wait),
        Ok(WriteOutcome::ApiAbsent) => ("no_report_api", Next::Wait),
        Ok(WriteOutcome::Deferred(delay)) => {
            if let Some(events) = &controller.events {
                events.report_contested(key, report);
            }
            controller.notify_policy_changed();
            ("held_back", Next::Again(*delay))
        }
        Ok(WriteOutcome::NameTaken) => {
            tracing::warn!(workload = ?key, report = %report.name,
                "a report with this name and without our label exists; leaving it alone");
            ("blocked", Next::Wait)
        }
        Err(WriteError::NamespaceTerminating) => ("namespace_terminating", Next::Wait),
        Err(error) => {
            tracing::warn!(workload = ?key, report = %report.name, %error,
                "cannot write the report; trying again");
            ("failed", Next::Retry)
        }
    };
    counted(controller, result, next)
}

fn counted(controller: &Controller, result: &str, next: Next) -> Next {
    controller.metrics.reconciles.with_label_values(&[result]).inc();
    next
}

#[cfg(test)]
mod tests;
