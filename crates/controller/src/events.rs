//! Kubernetes Events on the workloads, one for each issue that opened or was resolved, and for reports that somebody
//! else fights over: what `kubectl describe` and `kubectl get events` show. Off by default, since each is an object in
//! etcd; never more than the rate below, and what is over it is counted and not sent: the reports hold everything, events
//! are news.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, Resource};
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use leaky_bucket::RateLimiter;
use tagwatch_client::{CALL_LIMIT, CallError, call};
use tagwatch_k8s::report::{IssueChanges, PolicyReport, ReportResult, Resolved, ResultId};
use tokio::sync::mpsc;

use crate::metrics::ControllerMetrics;
use crate::report::ReportKey;
use tagwatch_index::WorkloadKey;

/// Who reports: events name their controller.
const CONTROLLER: &str = "tagwatch";
/// What was done, as the API wants it told.
const ACTION: &str = "Judge";
const OPENED: &str = "IssueOpened";
const RESOLVED: &str = "IssueResolved";
const CONTESTED: &str = "ReportContested";
/// Events that may go at once after a quiet time; then one for each interval.
const BURST: usize = 100;
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest note that the API takes, in bytes.
const MAX_NOTE: usize = 1_024;

/// An event, and the workload it is about.
pub(crate) struct News {
    event: Event,
    about: ObjectReference,
}

/// Takes what there is to tell.
pub(crate) struct Announcer {
    queue: mpsc::Sender<News>,
    rate: RateLimiter,
    metrics: ControllerMetrics,
}

impl Announcer {
    /// With the other end, for [`publish`].
    pub(crate) fn new(metrics: ControllerMetrics) -> (Self, mpsc::Receiver<News>) {
        // The queue holds what the rate lets through at once, so that it is full only while the API server hangs.
        let (queue, receiver) = mpsc::channel(BURST);
        let rate = RateLimiter::builder().initial(BURST).max(BURST).refill(1).interval(INTERVAL).build();
        (Self { queue, rate, metrics }, receiver)
    }

    /// Tells of what opened and what was resolved in a workload. Waits for nothing.
    pub(crate) fn announce(&self, key: &WorkloadKey, report: &ReportKey, changes: &IssueChanges<'_>) {
        let opened = changes.opened.iter().map(|(id, result)| opened(report, *id, result));
        let resolved = changes.resolved.iter().map(|resolved| over(report, resolved));
        for event in opened.chain(resolved) {
            self.send(key, event);
        }
    }

    /// Tells that somebody else changed or removed a report again, soon after it was restored.
    pub(crate) fn contested(&self, key: &WorkloadKey, report: &ReportKey) {
        let note = format!(
            "somebody else changes or removes PolicyReport {} again and again: it is restored once in ten seconds",
            report.1
        );
        let event = Event {
            type_: EventType::Warning,
            reason: CONTESTED.to_owned(),
            note: Some(bounded(note)),
            action: "Restore".to_owned(),
            secondary: Some(stored(report)),
        };
        self.send(key, event);
    }

    fn send(&self, key: &WorkloadKey, event: Event) {
        let news = News { event, about: workload(key) };
        if !self.rate.try_acquire(1) || self.queue.try_send(news).is_err() {
            self.metrics.events.with_label_values(&["rate_limited"]).inc();
        }
    }
}

fn opened(report: &ReportKey, id: ResultId, result: &ReportResult) -> Event {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let (rule, severity) = (text(result.rule.as_deref()), text(result.severity.as_deref()));
    let outcome = text(result.result.as_deref());
    let message = text(result.message.as_deref());
    Event {
        // A warning is advice.
        type_: if outcome == "warn" { EventType::Normal } else { EventType::Warning },
        reason: OPENED.to_owned(),
        note: Some(bounded(format!("{rule} ({severity}, {outcome}): {message}"))),
        action: ACTION.to_owned(),
        secondary: Some(place(report, id)),
    }
}

fn over(report: &ReportKey, resolved: &Resolved<'_>) -> Event {
    let Resolved { id, rule, container, since, is_exempt } = *resolved;
    let what = if is_exempt { "is exempt now" } else { "is resolved" };
    Event {
        type_: EventType::Normal,
        reason: RESOLVED.to_owned(),
        note: Some(bounded(format!(
            "{rule} in container {container} {what}; it had been open since {since}"
        ))),
        action: ACTION.to_owned(),
        secondary: Some(place(report, id)),
    }
}

fn bounded(mut note: String) -> String {
    note.truncate(note.floor_char_boundary(MAX_NOTE));
    note
}

fn workload(key: &WorkloadKey) -> ObjectReference {
    ObjectReference {
        api_version: Some(key.api_version().to_owned()),
        kind: Some(key.kind().to_owned()),
        namespace: Some(key.namespace().to_owned()),
        name: Some(key.name().to_owned()),
        uid: Some(key.uid().to_owned()),
        ..ObjectReference::default()
    }
}

/// The result in the report. The recorder takes two events for one that differ neither in reason, workload nor this, so
/// it names the result and not the report alone.
fn place(report: &ReportKey, id: ResultId) -> ObjectReference {
    ObjectReference { field_path: Some(format!("results{{{id}}}")), ..stored(report) }
}

fn stored(report: &ReportKey) -> ObjectReference {
    ObjectReference {
        api_version: Some(PolicyReport::api_version(&()).into_owned()),
        kind: Some(PolicyReport::kind(&()).into_owned()),
        namespace: Some(report.0.clone()),
        name: Some(report.1.clone()),
        ..ObjectReference::default()
    }
}

/// Sends what was announced, for ever. A refusal is told once, and again when another reason comes up.
pub(crate) async fn publish(client: Client, mut news: mpsc::Receiver<News>, metrics: ControllerMetrics) {
    let recorder = Recorder::new(client, Reporter::from(CONTROLLER));
    let mut told = None;
    while let Some(News { event, about }) = news.recv().await {
        let answer = call(CALL_LIMIT, recorder.publish(&event, &about)).await;
        let outcome = if answer.is_ok() { "published" } else { "failed" };
        metrics.events.with_label_values(&[outcome]).inc();
        let refusal = answer.as_ref().err().map(CallError::category);
        if let Err(error) = answer
            && told != refusal
        {
            tracing::warn!(%error, reason = error.category(), "cannot publish an event");
        }
        told = refusal;
    }
}

#[cfg(test)]
mod tests {
    use tagwatch_k8s::report::FirstSeen;

    use super::*;
    use crate::metrics::Metrics;

    fn failing(count: usize) -> PolicyReport {
        let result = |number: usize| ReportResult {
            rule: Some("latest-tag".into()),
            severity: Some("high".into()),
            result: Some("fail".into()),
            message: Some("container web runs nginx:latest".repeat(60)),
            properties: Some([("resultID".into(), format!("{number:020x}"))].into()),
            ..ReportResult::default()
        };
        PolicyReport { results: Some((0..count).map(result).collect()), ..PolicyReport::default() }
    }

    fn announced(count: usize) -> (Announcer, mpsc::Receiver<News>) {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let (announcer, news) = Announcer::new(metrics);
        announce(&announcer, count);
        (announcer, news)
    }

    fn announce(announcer: &Announcer, count: usize) {
        let key = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "uid");
        let report = failing(count);
        let before = FirstSeen::default();
        let changes = IssueChanges::between(&before, &report);
        announcer.announce(&key, &("shop".to_owned(), "tagwatch-web".to_owned()), &changes);
    }

    fn dropped(announcer: &Announcer) -> u64 {
        announcer.metrics.events.with_label_values(&["rate_limited"]).get()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_the_rate_is_counted_and_not_sent() {
        let (announcer, mut news) = announced(BURST + 50);
        assert_eq!((news.len(), dropped(&announcer)), (BURST, 50));
        while news.try_recv().is_ok() {}
        tokio::time::sleep(INTERVAL * 3).await;
        announce(&announcer, 10);
        assert_eq!((news.len(), dropped(&announcer)), (3, 57));
    }

    #[tokio::test]
    async fn a_queue_that_nobody_empties_holds_nothing_up() {
        let (announcer, news) = announced(1);
        drop(news);
        announce(&announcer, 1);
        assert_eq!(dropped(&announcer), 1);
    }

    #[test]
    fn an_event_fits_the_api() {
        let report = failing(1);
        let before = FirstSeen::default();
        let changes = IssueChanges::between(&before, &report);
        let (id, result) = changes.opened[0];
        let event = opened(&("shop".to_owned(), "tagwatch-web".to_owned()), id, result);
        let note = event.note.unwrap();
        assert!(note.starts_with("latest-tag (high, fail): container web runs nginx:latest"), "{note}");
        assert_eq!(note.len(), MAX_NOTE);
        assert_eq!(event.secondary.unwrap().field_path.unwrap(), "results{00000000000000000000}");
    }
}
