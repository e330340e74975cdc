//! One evaluation, as a pipeline: assemble, judge, build, compare, write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::policy::Decision;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Absence, Assembled, WorkloadKey};
use tagwatch_k8s::report::{self, IssueChanges, PolicyReport, ReportInput, ReportPlan, plan};
use tokio::time::Instant;

use super::Next;
use crate::console::{Holder, shown};
use crate::controller::Controller;
use crate::live::{Judged, Past};
use crate::metrics::ControllerMetrics;
use crate::report::{Known, Refusal, ReportKey};

/// How long garbage collection has to remove the report of a workload that is gone, before we do.
const COLLECTION_GRACE: Duration = Duration::from_secs(10);
/// How often a write is decided anew because the report changed under it, before it waits.
const ATTEMPTS: usize = 3;

/// What a write came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The report is stored (or removed) now.
    Yes,
    /// It was as it should be.
    Unchanged,
    /// The report API is not there; its return evaluates everything again.
    NotYet,
    /// Somebody else changed it again and again; not before this time.
    Later(Duration),
    /// A report of somebody else has the name.
    Blocked,
}

/// What judging a workload came to.
enum Verdict {
    /// The report that is wanted, and in how long a rule has to be asked again.
    Report(Box<PolicyReport>, Option<Duration>),
    /// The policy's scope leaves it out.
    OutOfScope,
    /// A panic: a bug of ours.
    Panic,
}

/// Evaluates one workload and brings its report up to date.
pub(super) async fn evaluate(controller: &Controller, key: &WorkloadKey) -> Next {
    let now = controller.clock.now();
    let (assembled, holder) = {
        let mut index = controller.index.lock();
        let assembled = index.assemble(key, &controller.stores, now);
        (assembled, Holder::of(key, &index, &controller.stores))
    };
    let report_key = report_key(key);
    let absence = match assembled {
        Assembled::Workload { workload, look_again } => {
            if let Err(error) = make_known(controller, key, &report_key).await {
                tracing::warn!(workload = ?key, report = report_key.1, %error, "cannot read the report; trying again");
                return counted(controller, "failed", Next::Retry);
            }
            match judge(controller, key, &report_key, (&workload, &holder), now) {
                Verdict::Report(report, graced) => {
                    let next = bring_up_to_date(controller, key, &report_key, Some(*report)).await;
                    return next.or_again(look_again.into_iter().chain(graced).min());
                }
                Verdict::OutOfScope => None,
                Verdict::Panic => return counted(controller, "panic", Next::Wait),
            }
        }
        Assembled::Absent(absence) => Some(absence),
    };
    controller.live.lock().remove(key);
    if absence == Some(Absence::Gone) && !controller.collection_is_over(key, COLLECTION_GRACE) {
        let stored = controller.reports.lock().known(&report_key);
        let next = if matches!(stored, Known::Absent) { Next::Wait } else { Next::Again(COLLECTION_GRACE) };
        return counted(controller, "gone", next);
    }
    bring_up_to_date(controller, key, &report_key, None).await
}

async fn bring_up_to_date(
    controller: &Controller,
    key: &WorkloadKey,
    report_key: &ReportKey,
    wanted: Option<PolicyReport>,
) -> Next {
    match store(controller, report_key, wanted).await {
        Ok(Written::Yes) => counted(controller, "written", Next::Wait),
        Ok(Written::Unchanged) => counted(controller, "unchanged", Next::Wait),
        Ok(Written::NotYet) => counted(controller, "no_report_api", Next::Wait),
        Ok(Written::Later(delay)) => {
            if let Some(announcer) = &controller.announcer {
                announcer.contested(key, report_key);
            }
            controller.policy_is_touched();
            counted(controller, "held_back", Next::Again(delay))
        }
        Ok(Written::Blocked) => {
            tracing::warn!(workload = ?key, report = report_key.1,
                "a report with this name and without our label exists; leaving it alone");
            counted(controller, "blocked", Next::Wait)
        }
        Err(Refusal::NamespaceTerminating) => counted(controller, "namespace_terminating", Next::Wait),
        Err(error) => {
            tracing::warn!(workload = ?key, report = report_key.1, %error, "cannot write the report; trying again");
            counted(controller, "failed", Next::Retry)
        }
    }
}

fn counted(controller: &Controller, result: &str, next: Next) -> Next {
    controller.metrics.reconciles.with_label_values(&[result]).inc();
    next
}

/// The report of a workload, by namespace and name.
fn report_key(key: &WorkloadKey) -> ReportKey {
    (key.namespace().to_owned(), report::report_name(key.api_version(), key.kind(), key.name(), key.uid()))
}

/// Judges, builds the report and publishes the verdicts to the metrics. A panic of the judging code is counted,
/// shown as an error of this workload, and leaves its stored report as it is.
fn judge(
    controller: &Controller,
    key: &WorkloadKey,
    report_key: &ReportKey,
    (workload, holder): (&Workload, &Holder),
    now: Timestamp,
) -> Verdict {
    let past = past(controller, key, report_key);
    let engine = controller.judging.engine();
    let judged = guarded(&controller.metrics, || {
        let judgement = engine.assess(workload, |image| engine.read_image(image));
        if judgement.in_scope == Decision::No {
            return None;
        }
        let input = ReportInput {
            workload,
            uid: key.uid(),
            verdicts: &judgement.verdicts,
            first_seen: &past.first_seen,
            history: &past.history,
            image_changes: &past.image_changes(workload, now),
            namespace_labels: engine.policy().metric_labels(),
            now,
        };
        let report = report::build(&input);
        if let Some(announcer) = &controller.announcer {
            announcer.announce(key, report_key, &IssueChanges::between(&past.first_seen, &report));
        }
        let mut judged = Judged::new(report_key.clone(), &input, &judgement, &report, &past);
        judged.shown =
            controller.has_console.then(|| Arc::new(shown(&input, &judged.past, engine.policy(), holder)));
        Some((judged, report, judgement.due_in))
    });
    let (judged, verdict) = match judged {
        Some(Some((judged, report, due_in))) => (judged, Verdict::Report(Box::new(report), due_in)),
        Some(None) => return Verdict::OutOfScope,
        None => {
            tracing::error!(workload = ?key, "judging this workload ended in a panic; this is a bug in tagwatch");
            (Judged::failed(report_key.clone(), past), Verdict::Panic)
        }
    };
    controller.live.lock().insert(key.clone(), judged);
    verdict
}

/// Runs what must not take the process down, whatever object it looks at. A panic is counted.
fn guarded<T>(metrics: &ControllerMetrics, work: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    if outcome.is_err() {
        metrics.panics.inc();
    }
    outcome.ok()
}

/// Reads the report of a workload of which nothing is remembered, where somebody changed it since it was listed: it
/// may be another tagwatch, which goes as we come.
async fn make_known(
    controller: &Controller,
    key: &WorkloadKey,
    report_key: &ReportKey,
) -> Result<(), Refusal> {
    let is_remembered = remembered(controller, key).is_some_and(|past| !past.is_unread);
    let is_stale = matches!(controller.reports.lock().known(report_key), Known::Stale(_));
    if is_stale && !is_remembered {
        read(controller, report_key).await?;
    }
    Ok(())
}

fn remembered(controller: &Controller, key: &WorkloadKey) -> Option<Past> {
    controller.live.lock().get(key).map(|judged| judged.past.clone())
}

/// When the results were first seen, and what is over: as we remember it, else as the stored report says. Memory comes
/// first, since anybody may edit a report; unless it began while no report could be read.
fn past(controller: &Controller, key: &WorkloadKey, report_key: &ReportKey) -> Past {
    let memory = match remembered(controller, key) {
        Some(past) if !past.is_unread => return past,
        memory => memory.unwrap_or_default(),
    };
    let reports = controller.reports.lock();
    match reports.known(report_key) {
        Known::Fresh(stored) | Known::Stale(stored) => memory.behind(&stored),
        Known::Absent => Past { is_unread: !reports.is_ready(&report_key.0), ..memory },
    }
}

/// Takes what is stored to what is wanted.
pub(super) async fn store(
    controller: &Controller,
    key: &ReportKey,
    wanted: Option<PolicyReport>,
) -> Result<Written, Refusal> {
    for _ in 0..ATTEMPTS {
        let (known, ready) = {
            let reports = controller.reports.lock();
            (reports.known(key), reports.is_ready(&key.0))
        };
        if !ready {
            return Ok(Written::NotYet);
        }
        let stored = match known {
            Known::Absent => None,
            Known::Fresh(stored) => Some(stored),
            Known::Stale(_) => read(controller, key).await?.map(Arc::new),
        };
        let plan = plan(stored.as_deref(), wanted.clone());
        match plan {
            ReportPlan::Keep => {
                controller.reports.lock().settled(key);
                return Ok(Written::Unchanged);
            }
            ReportPlan::Blocked => return Ok(Written::Blocked),
            ReportPlan::Create(_) | ReportPlan::Replace(_) | ReportPlan::Delete(_) => {}
        }
        if let Err(delay) = may_restore(controller, key) {
            return Ok(Written::Later(delay));
        }
        match write(controller, key, plan).await {
            Err(Refusal::Outdated) => {
                read(controller, key).await?;
            }
            answer => return answer.map(|()| Written::Yes),
        }
    }
    Err(Refusal::Outdated)
}

fn may_restore(controller: &Controller, key: &ReportKey) -> Result<(), Duration> {
    let mut reports = controller.reports.lock();
    reports.may_restore(key, Instant::now())
}

async fn read(
    controller: &Controller,
    key: &ReportKey,
) -> Result<Option<tagwatch_k8s::report::StoredReport>, Refusal> {
    let stored = controller.writer.read(key).await?;
    let mut reports = controller.reports.lock();
    reports.begin(key);
    reports.finish(key, stored.clone());
    Ok(stored)
}

async fn write(controller: &Controller, key: &ReportKey, plan: ReportPlan) -> Result<(), Refusal> {
    controller.reports.lock().begin(key);
    let answer = controller.writer.carry_out(key, plan).await.map(|stored| {
        // There is one for every workload: what it says of times is remembered once.
        let live = controller.live.lock();
        let known = live.first_seen(key);
        stored.map(|stored| match known {
            Some(known) => stored.shared_with(known),
            None => stored,
        })
    });
    let mut reports = controller.reports.lock();
    match answer {
        Ok(stored) => {
            if reports.finish(key, stored) {
                drop(reports);
                controller.look_after(key);
            }
            Ok(())
        }
        Err(error) => {
            reports.uncertain(key);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Status;
    use crate::metrics::Metrics;

    #[test]
    fn a_panic_is_counted_and_its_workload_is_an_error() {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        assert_eq!(guarded(&metrics, || 7), Some(7));
        assert_eq!(metrics.panics.get(), 0);
        assert_eq!(guarded(&metrics, || -> u8 { panic!("on one object") }), None);
        assert_eq!(metrics.panics.get(), 1);
        let failed = Judged::failed(("shop".to_owned(), "web".to_owned()), Past::default());
        assert_eq!(failed.status, Status::Error);
    }
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod remembering;
