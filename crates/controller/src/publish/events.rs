//! Kubernetes Events on the workloads, one for each issue that opened or was resolved, and for reports that another client
//! keeps changing: what `kubectl describe` and `kubectl get events` show. Off by default, since each is an object in
//! etcd; never more than the rate below. Those over it are counted and not sent: the reports hold everything.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, Resource};
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use leaky_bucket::RateLimiter;
use tagwatch_core::issue::{Issue, ResultId};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::truncate_bytes;
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::{IssueChanges, PolicyReport, Resolved};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::retries::LONGEST_WAIT;
use super::writer::{ClusterWriter, WriteError, WriteTarget};
use crate::state::ReportKey;
use crate::state::metrics::ControllerMetrics;

/// Who reports: events name their controller.
const CONTROLLER: &str = "tagwatch";
/// What was done, as the API wants it named.
const ACTION: &str = "Judge";
const OPENED: &str = "IssueOpened";
const RESOLVED: &str = "IssueResolved";
const CONTESTED: &str = "ReportContested";
/// Events that may go at once after a quiet time; then one for each interval.
const BURST: usize = 100;
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest note that the API takes, in bytes.
const MAX_NOTE: usize = 1_024;

/// An event that waits to be sent, and the workload it is about.
pub(crate) struct PendingEvent {
    event: Event,
    about: ObjectReference,
}

/// Queues events about workloads for one task that writes them within a rate.
pub(crate) struct EventPublisher {
    queue: mpsc::Sender<PendingEvent>,
    rate: RateLimiter,
    metrics: ControllerMetrics,
}

impl EventPublisher {
    /// With the other end, for [`publish`].
    pub(crate) fn new(metrics: ControllerMetrics) -> (Self, mpsc::Receiver<PendingEvent>) {
        // The queue holds what the rate lets through at once, so that it is full only while the API server hangs.
        let (queue, receiver) = mpsc::channel(BURST);
        let rate = RateLimiter::builder().initial(BURST).max(BURST).refill(1).interval(INTERVAL).build();
        (Self { queue, rate, metrics }, receiver)
    }

    /// Reports what opened and what was resolved in a workload. Waits for nothing.
    pub(crate) fn announce(&self, key: &WorkloadKey, report: &ReportKey, changes: &IssueChanges<'_>) {
        let opened = changes.opened.iter().map(|issue| opened(report, issue));
        let resolved = changes.resolved.iter().map(|resolved| over(report, resolved));
        for event in opened.chain(resolved) {
            self.send(key, event);
        }
    }

    /// Reports that another client changed or removed a report again, soon after it was restored.
    pub(crate) fn report_contested(&self, key: &WorkloadKey, report: &ReportKey) {
        let note = format!(
            "another client keeps changing or removing PolicyReport {}: it is restored once in ten seconds",
            report.name
        );
        let event = Event {
            type_: EventType::Warning,
            reason: CONTESTED.to_owned(),
            note: Some(truncate_bytes(note, MAX_NOTE)),
            action: "Restore".to_owned(),
            secondary: Some(reference(report)),
        };
        self.send(key, event);
    }

    fn send(&self, key: &WorkloadKey, event: Event) {
        let pending = PendingEvent { event, about: workload(key) };
        if !self.rate.try_acquire(1) || self.queue.try_send(pending).is_err() {
            self.metrics.events.with_label_values(&["rate_limited"]).inc();
        }
    }
}

fn opened(report: &ReportKey, issue: &Issue) -> Event {
    let Issue { id, rule, severity, outcome, message, .. } = issue;
    let (rule, severity, result) = (rule.id, severity.as_str(), outcome.as_str());
    Event {
        // A warning is advice.
        type_: if *outcome == Outcome::Warn { EventType::Normal } else { EventType::Warning },
        reason: OPENED.to_owned(),
        note: Some(truncate_bytes(format!("{rule} ({severity}, {result}): {}", message.json()), MAX_NOTE)),
        action: ACTION.to_owned(),
        secondary: Some(result_in(report, *id)),
    }
}

fn over(report: &ReportKey, resolved: &Resolved<'_>) -> Event {
    let Resolved { id, rule, container, since, is_exempt } = *resolved;
    let what = if is_exempt { "is exempt now" } else { "is resolved" };
    let note = format!("{rule} in container {container} {what}; it had been open since {since}");
    Event {
        type_: EventType::Normal,
        reason: RESOLVED.to_owned(),
        note: Some(truncate_bytes(note, MAX_NOTE)),
        action: ACTION.to_owned(),
        secondary: Some(result_in(report, id)),
    }
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
fn result_in(report: &ReportKey, id: ResultId) -> ObjectReference {
    ObjectReference { field_path: Some(format!("results{{{id}}}")), ..reference(report) }
}

fn reference(report: &ReportKey) -> ObjectReference {
    ObjectReference {
        api_version: Some(PolicyReport::api_version(&()).into_owned()),
        kind: Some(PolicyReport::kind(&()).into_owned()),
        namespace: Some(report.namespace.to_string()),
        name: Some(report.name.to_string()),
        ..ObjectReference::default()
    }
}

/// Sends the queued events, for ever. None is repeated. A refusal is logged once, and again when another reason comes up; an
/// API server that asks to wait is sent none meanwhile.
pub(crate) async fn publish(
    client: Client,
    mut events: mpsc::Receiver<PendingEvent>,
    writer: Arc<ClusterWriter>,
) {
    let recorder = Recorder::new(client, Reporter::from(CONTROLLER));
    let mut logged = None;
    while let Some(PendingEvent { event, about }) = events.recv().await {
        let answer = writer.write(WriteTarget::Event, recorder.publish(&event, &about)).await;
        let refusal = answer.as_ref().err().map(WriteError::category);
        let asked = answer.as_ref().err().and_then(WriteError::retry_after);
        if let Err(error) = answer
            && logged != refusal
        {
            tracing::warn!(%error, reason = error.category(), "cannot publish an event");
        }
        logged = refusal;
        if let Some(asked) = asked {
            // What the queue does not hold until then is counted and not sent.
            sleep(asked.min(LONGEST_WAIT)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use parking_lot::Mutex;
    use tagwatch_core::engine::Engine;
    use tagwatch_core::issue::ResultKeys;
    use tagwatch_core::rules::ids;
    use tagwatch_core::workload::{Container, ContainerType, Origin, Workload, WorkloadId};
    use tokio::time::Instant;

    use super::*;
    use crate::state::Leadership;
    use crate::state::metrics::Metrics;
    use crate::testing::{client, put_off, response};

    /// So many different violations.
    fn failing(count: usize) -> Vec<Issue> {
        let container = |number: usize| Container {
            name: format!("c{number}").into(),
            container_type: ContainerType::Container,
            image: "nginx:latest".into(),
            pull_policy: Some("Always".into()),
            field_path: String::new(),
            observed: None,
            drift: None,
        };
        let id = WorkloadId {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: "web".into(),
        };
        let workload = Workload::new(id, Origin::Cluster, (0..count).map(container).collect());
        let verdicts = Engine::recommended().judge(&workload);
        let keys = ResultKeys::new("uid", &workload.containers);
        let mut issues = Issue::all(&workload, &verdicts, &keys, |_| Timestamp::UNIX_EPOCH);
        issues.retain(|issue| issue.rule.id == ids::LATEST_TAG);
        assert_eq!(issues.len(), count);
        issues
    }

    fn report() -> ReportKey {
        ReportKey::new("shop", "tagwatch-web")
    }

    fn announced(count: usize) -> (EventPublisher, mpsc::Receiver<PendingEvent>) {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let (publisher, events) = EventPublisher::new(metrics);
        announce(&publisher, count);
        (publisher, events)
    }

    fn announce(publisher: &EventPublisher, count: usize) {
        let key = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "uid");
        let issues = failing(count);
        let changes = IssueChanges { opened: issues.iter().collect(), resolved: Vec::new() };
        publisher.announce(&key, &report(), &changes);
    }

    fn dropped(publisher: &EventPublisher) -> u64 {
        publisher.metrics.events.with_label_values(&["rate_limited"]).get()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_the_rate_is_counted_and_not_sent() {
        let (publisher, mut events) = announced(BURST + 50);
        assert_eq!((events.len(), dropped(&publisher)), (BURST, 50));
        while events.try_recv().is_ok() {}
        tokio::time::sleep(INTERVAL * 3).await;
        announce(&publisher, 10);
        assert_eq!((events.len(), dropped(&publisher)), (3, 57));
    }

    #[tokio::test]
    async fn a_queue_that_is_not_emptied_holds_nothing_up() {
        let (publisher, events) = announced(1);
        drop(events);
        announce(&publisher, 1);
        assert_eq!(dropped(&publisher), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_asks_to_wait_is_sent_no_event_meanwhile() {
        let begun = Instant::now();
        let sent: Arc<Mutex<Vec<u64>>> = Arc::default();
        let seen = Arc::clone(&sent);
        let client = client(move |_| {
            seen.lock().push(begun.elapsed().as_secs());
            async { response(429, &put_off(429, 60)) }
        });
        let (publisher, events) = announced(3);
        let writer = Arc::new(ClusterWriter::new(Leadership::default(), publisher.metrics.clone()));
        let publishing = tokio::spawn(publish(client, events, writer));
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(*sent.lock(), [0, 60, 120]);
        publishing.abort();
    }

    #[test]
    fn an_event_fits_the_api() {
        let mut issue = failing(1).remove(0);
        issue.message = "container web runs nginx:latest".repeat(60).into();
        let event = opened(&report(), &issue);
        let note = event.note.unwrap();
        assert!(note.starts_with("latest-tag (high, fail): container web runs nginx:latest"), "{note}");
        assert_eq!(note.len(), MAX_NOTE);
        assert_eq!(event.secondary.unwrap().field_path.unwrap(), format!("results{{{}}}", issue.id));
    }
}
