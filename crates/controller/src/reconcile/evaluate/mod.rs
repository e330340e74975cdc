//! One evaluation of a workload, as a pipeline: assemble → judge → build → write → publish.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tagwatch_index::{Absence, Collected, SettledController, WorkloadKey};
use tagwatch_k8s::report::{ReportFailure, ReportOwner};

use super::gone::COLLECTION_GRACE;
use super::pool::{Admission, Effort};
use super::{Next, Reconciler};
use crate::judge::{Evaluation, JudgeOutcome, WantedReport};
use crate::publish::{Failure, WriteError, WriteOutcome};
use crate::state::metrics::ControllerMetrics;
use crate::state::{Noted, ReportKey};

impl Reconciler {
    /// Evaluates one workload and brings its report up to date.
    #[cfg(test)]
    pub(super) async fn evaluate(&self, key: &WorkloadKey) -> Next {
        self.evaluate_with(key, &Effort::default()).await
    }

    /// The same, and adds up how long that computes. What is known of a namespace that was lost may be outdated or half of
    /// it: everything stays as it is until it is followed again, and evaluated then.
    pub(super) async fn evaluate_with(&self, key: &WorkloadKey, effort: &Effort) -> Next {
        if !self.watches.is_followed(key.namespace()) {
            return self.counted("not_followed", Next::Wait);
        }
        let now = self.clock.now();
        let report = self.writer.reports.lock().shared(ReportKey::of(key));
        // Anyone who may create objects decides how many name this one, so these count as its work, too.
        let SettledController { affected, look_again } = effort.spend(|| self.assembler.settle(key, now));
        self.queue.request(affected);
        self.bring_up_to_date(key, &report, now, effort).await.or_again(look_again)
    }

    async fn bring_up_to_date(
        &self,
        key: &WorkloadKey,
        report: &ReportKey,
        now: Timestamp,
        effort: &Effort,
    ) -> Next {
        let collected = effort.spend(|| self.assembler.collect(key, now));
        let weight = collected.as_ref().map_or(0, Collected::weight);
        let admission = self.pool.admit(weight, effort).await;
        let assembled =
            collected.and_then(|collected| admission.run(|| self.assembler.assemble(key, collected, now)));
        let absence = match assembled {
            Ok(assembled) => {
                if let Err(error) = self.writer.read_unremembered(key, report).await {
                    if self.note(key, error.failure()) {
                        tracing::warn!(workload = ?key, report = %report.name, %error,
                            "cannot read the report; trying again");
                    }
                    let failure = Failure::of(&error, &report.namespace);
                    return self.counted("failed", Next::Retry(failure));
                }
                let look_again = assembled.look_again;
                let evaluation = self.assembler.begin(key, report, assembled, now);
                match self.report_on(&evaluation, look_again, admission).await {
                    Some(next) => return next,
                    None => None,
                }
            }
            Err(absence) => Some(absence),
        };
        self.publisher.remove(key, now);
        self.note(key, None);
        if absence == Some(Absence::Gone) && !self.gone.mark_gone(key) {
            let next =
                if self.writer.has_report(report) { Next::Again(COLLECTION_GRACE) } else { Next::Wait };
            return self.counted("gone", next);
        }
        let written = self.writer.write(report, None).await;
        self.next(key, report, &written)
    }

    /// The steps behind assembling. `None` for a workload outside the policy's scope: it has no report.
    async fn report_on(
        &self,
        evaluation: &Evaluation<'_>,
        look_again: Option<Duration>,
        admission: Admission<'_>,
    ) -> Option<Next> {
        let Evaluation { key, report, .. } = *evaluation;
        let judged = match admission.run(|| guarded(&self.metrics, || evaluation.judge())) {
            Some(JudgeOutcome::Issues(judged)) => judged,
            Some(JudgeOutcome::OutOfScope) => return None,
            None => return Some(self.panicked(evaluation)),
        };
        let built = admission.run(|| guarded(&self.metrics, || evaluation.build(&judged)));
        let Some(WantedReport { report: wanted, issues, memory }) = built else {
            return Some(self.panicked(evaluation));
        };
        let followed = self.publisher.remember(evaluation, memory);
        // Others compute while this one waits for the API server.
        let again = admission.release();
        let written = self.writer.write(report, Some(wanted)).await;
        if let Some(memory) = followed
            && matches!(written, Ok(WriteOutcome::Stored | WriteOutcome::Unchanged))
        {
            self.publisher.remember_stored(evaluation, memory);
        }
        let publish = || self.publisher.publish(evaluation, &judged, &issues, &written);
        let published = again.admit().await.run(|| guarded(&self.metrics, publish));
        if published.is_none() {
            return Some(self.panicked(evaluation));
        }
        let due = look_again.into_iter().chain(judged.judgement.due_in).min();
        Some(self.next(key, report, &written).or_again(due))
    }

    /// A panic is shown as an error of this workload; its stored report stays as it is.
    fn panicked(&self, evaluation: &Evaluation<'_>) -> Next {
        let key = evaluation.key;
        tracing::error!(workload = ?key, "judging this workload ended in a panic; this is a bug in tagwatch");
        self.publisher.publish_failure(evaluation);
        self.counted("panic", Next::Wait)
    }

    /// Counts the result of a write. Returns what follows from it.
    fn next(
        &self,
        key: &WorkloadKey,
        report: &ReportKey,
        written: &Result<WriteOutcome, WriteError>,
    ) -> Next {
        let is_news = self.note(key, failure(written));
        let (result, next) = match written {
            Ok(WriteOutcome::Stored) => ("written", Next::Wait),
            Ok(WriteOutcome::Unchanged) => ("unchanged", Next::Wait),
            Ok(WriteOutcome::ApiAbsent) => ("no_report_api", Next::Wait),
            Ok(WriteOutcome::Deferred(delay)) => {
                self.publisher.report_contested(key, report);
                self.status.notify();
                ("held_back", Next::Again(*delay))
            }
            Ok(WriteOutcome::Returned(delay)) => {
                self.status.notify();
                ("held_back", Next::Again(*delay))
            }
            Ok(WriteOutcome::NameTaken(ReportOwner::Instance(instance))) => {
                if is_news {
                    tracing::warn!(workload = ?key, report = %report.name, instance,
                        "another instance of tagwatch has written the report of this workload; leaving it alone");
                }
                ("blocked", Next::Wait)
            }
            Ok(WriteOutcome::NameTaken(_)) => {
                if is_news {
                    tracing::warn!(workload = ?key, report = %report.name,
                        "a report with this name and without our label exists; leaving it alone");
                }
                ("blocked", Next::Wait)
            }
            Err(WriteError::NamespaceTerminating) => ("namespace_terminating", Next::Wait),
            // At the beginning of a term everything is evaluated again.
            Err(WriteError::NotLeading) => ("standby", Next::Wait),
            Err(error) => {
                if is_news {
                    tracing::warn!(workload = ?key, report = %report.name, %error,
                        "cannot write the report; trying again");
                }
                ("failed", Next::Retry(Failure::of(error, &report.namespace)))
            }
        };
        self.counted(result, next)
    }

    /// Notes whether the report of a workload is stored as it should be. Returns whether a failure is to be logged: each is
    /// once, until the report is stored; one of no known reason always is.
    fn note(&self, key: &WorkloadKey, failure: Option<ReportFailure>) -> bool {
        let Noted { is_news, has_changed } = self.unwritten.lock().note(key, failure);
        if has_changed {
            self.status.notify();
        }
        is_news || failure.is_none()
    }

    fn counted(&self, result: &str, next: Next) -> Next {
        self.metrics.reconciles.with_label_values(&[result]).inc();
        next
    }
}

/// Why a report is not stored. That the API of reports is absent, and that another client contests a report, is reported of
/// all of them.
fn failure(written: &Result<WriteOutcome, WriteError>) -> Option<ReportFailure> {
    match written {
        Ok(WriteOutcome::NameTaken(_)) => Some(ReportFailure::NameTaken),
        Ok(
            WriteOutcome::Stored
            | WriteOutcome::Unchanged
            | WriteOutcome::ApiAbsent
            | WriteOutcome::Deferred(_)
            | WriteOutcome::Returned(_),
        ) => None,
        Err(error) => error.failure(),
    }
}

/// Runs what must not take the process down, whatever object it looks at. A panic is counted.
fn guarded<T>(metrics: &ControllerMetrics, work: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // No object is known that makes a step panic: each would be a bug.
        #[cfg(test)]
        tests::panic_if_planned();
        work()
    }));
    if outcome.is_err() {
        metrics.panics.inc();
    }
    outcome.ok()
}

#[cfg(test)]
mod tests;
