//! What is remembered, read and published by evaluations. The API server is one of our own making, which knows one report.

use std::convert::Infallible;
use std::sync::Arc;

use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tagwatch_core::issue::{Interval, Issue, ResultId, ResultKeys, Status};
use tagwatch_core::rules::ids;
use tagwatch_core::workload::Workload;
use tagwatch_k8s::report::{self, FirstSeen, History, PolicyReport, ReportInput, StoredReport};
use tagwatch_k8s::slim::SlimPod;
use tokio::sync::mpsc;
use tower::service_fn;

use super::*;
use crate::events::{EventPublisher, PendingEvent};
use crate::metrics::Metrics;
use crate::run::tests::controller;

const LONG_AGO: i64 = 1_700_000_000;

/// A client whose every answer is this report; without one, every request fails the test.
fn client(report: Option<PolicyReport>) -> Client {
    let service = service_fn(move |request: http::Request<Body>| {
        let report = report.clone();
        async move {
            let report = report.unwrap_or_else(|| panic!("{} {}", request.method(), request.uri()));
            Ok::<_, Infallible>(http::Response::new(Body::from(serde_json::to_vec(&report).unwrap())))
        }
    });
    Client::new(service, "default")
}

/// Applies a pod of its own with this image.
fn apply_pod(controller: &Controller, image: &str) -> WorkloadKey {
    let pod: SlimPod = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-of-web" },
        "spec": { "containers": [{ "name": "web", "image": image, "imagePullPolicy": "IfNotPresent" }] },
        "status": { "phase": "Running" },
    }))
    .unwrap();
    controller.index.lock().apply_pod(&pod, controller.clock.now()).pop_first().unwrap()
}

/// Applies a pod of its own with a tag that floats.
fn bare_pod(controller: &Controller) -> WorkloadKey {
    apply_pod(controller, "nginx:latest")
}

fn assembled(controller: &Controller, key: &WorkloadKey) -> Workload {
    match controller.index.lock().assemble(key, &controller.stores, controller.clock.now()) {
        Assembled::Workload { workload, .. } => *workload,
        Assembled::Absent(absence) => panic!("{absence:?}"),
    }
}

/// The report of the pod as it was written long ago, in some version, with an interval that was over by then.
fn written_long_ago(version: &str, closed: &str) -> PolicyReport {
    let controller = controller(client(None));
    let key = bare_pod(&controller);
    let workload = assembled(&controller, &key);
    let then = Timestamp::from_second(LONG_AGO).unwrap();
    let interval = Interval {
        id: ResultId::parse(closed).unwrap(),
        rule: ids::LATEST_TAG.into(),
        container: "web".into(),
        container_type: None,
        image: "i".into(),
        from: Timestamp::from_second(1).unwrap(),
        until: Timestamp::from_second(2).unwrap(),
    };
    let verdicts = controller.engine.current().judge(&workload);
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let input = ReportInput {
        workload: &workload,
        uid: key.uid(),
        issues: &Issue::all(&workload, &verdicts, &keys, |_| then),
        first_seen: &FirstSeen::default(),
        history: &History { closed: [interval].into(), images: Box::default() },
        image_changes: &[],
        namespace_labels: &[],
        now: then,
    };
    let mut report = report::build(&input).report;
    report.metadata.resource_version = Some(version.to_owned());
    report.metadata.uid = Some("uid-of-the-report".to_owned());
    report
}

/// Since when `stale-pull-policy` of the pod is known, and the keys of what is over.
fn remembered_of(controller: &Controller, key: &WorkloadKey) -> (i64, Vec<String>) {
    let workload = assembled(controller, key);
    let verdicts = controller.engine.current().judge(&workload);
    let finding = verdicts[0].findings.iter().find(|finding| finding.rule.id == ids::STALE_PULL_POLICY);
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let id = keys.of(&workload.containers[0], finding.unwrap());
    let ReportMemory { first_seen, history, .. } = controller.states.lock().memory(key).unwrap().clone();
    let over = history.closed.iter().map(|interval| interval.id.to_string()).collect();
    (first_seen.get(id, controller.clock.now()).as_second(), over)
}

const ONE: &str = "00000000000000000001";
const TWO: &str = "00000000000000000002";

#[tokio::test]
async fn a_report_that_changed_since_it_was_listed_is_read_before_the_first_evaluation() {
    let (listed, edited) = (written_long_ago("1", ONE), written_long_ago("2", TWO));
    let controller = controller(client(Some(edited)));
    let key = bare_pod(&controller);
    controller.reports.lock().listed(None, vec![StoredReport::from(listed)]);
    assert!(controller.reports.lock().changed(&ReportKey::of(&key), "2"));
    evaluate(&controller, &key).await;
    assert_eq!(remembered_of(&controller, &key), (LONG_AGO, vec![TWO.to_owned()]));
}

#[tokio::test]
async fn reports_that_can_be_read_only_later_are_remembered_then() {
    let controller = controller(client(Some(written_long_ago("2", ONE))));
    let key = bare_pod(&controller);
    evaluate(&controller, &key).await;
    let (since, over) = remembered_of(&controller, &key);
    assert!(since > LONG_AGO && over.is_empty(), "{since} {over:?}");

    let mut report = written_long_ago("1", ONE);
    // This one was resolved while no report could be read.
    let gone = json!({
        "policy": "image-tag", "rule": "missing-tag", "result": "fail", "timestamp": { "seconds": 5, "nanos": 0 },
        "properties": { "resultID": TWO, "container": "web", "containerType": "container", "image": "nginx" },
    });
    report.results.get_or_insert_default().push(serde_json::from_value(gone).unwrap());
    controller.reports.lock().listed(None, vec![StoredReport::from(report)]);
    evaluate(&controller, &key).await;
    assert_eq!(remembered_of(&controller, &key), (LONG_AGO, vec![ONE.to_owned(), TWO.to_owned()]));

    // From then on memory comes first: edits of the report are not taken over.
    let mut edited = written_long_ago("3", ONE);
    for result in edited.results.iter_mut().flatten() {
        result.timestamp.as_mut().unwrap().seconds = 7;
    }
    controller.reports.lock().listed(None, vec![StoredReport::from(edited)]);
    evaluate(&controller, &key).await;
    assert_eq!(remembered_of(&controller, &key).0, LONG_AGO);
}

/// An API server that stores what it is sent while it `accepts`, and answers 500 otherwise. Every request is noted.
#[derive(Clone, Default)]
struct Server {
    refuses: Arc<Mutex<bool>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn client(&self) -> Client {
        let server = self.clone();
        let service = service_fn(move |request: http::Request<Body>| {
            let server = server.clone();
            async move {
                server.requests.lock().push(request.method().to_string());
                let body = request.into_body().collect_bytes().await.unwrap();
                Ok::<_, Infallible>(server.answer(&body))
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, body: &[u8]) -> http::Response<Body> {
        if *self.refuses.lock() || body.is_empty() {
            let (code, reason) = if body.is_empty() { (404, "NotFound") } else { (500, "InternalError") };
            let status = json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "no" });
            let body = Body::from(serde_json::to_vec(&status).unwrap());
            return http::Response::builder().status(code).body(body).unwrap();
        }
        let mut report: Value = serde_json::from_slice(body).unwrap();
        report["metadata"]["uid"] = json!("uid-of-the-report");
        report["metadata"]["resourceVersion"] = json!(self.requests.lock().len().to_string());
        http::Response::new(Body::from(serde_json::to_vec(&report).unwrap()))
    }

    fn refuse(&self, refuses: bool) {
        *self.refuses.lock() = refuses;
    }
}

/// A controller that sends events, before any report is stored.
fn with_events(server: &Server) -> (Controller, mpsc::Receiver<PendingEvent>) {
    let controller = controller(server.client());
    let mut controller = Arc::into_inner(controller).unwrap();
    let (publisher, events) =
        EventPublisher::new(ControllerMetrics::register(&mut Metrics::default()).unwrap());
    controller.events = Some(publisher);
    controller.reports.lock().listed(None, Vec::new());
    (controller, events)
}

fn published(controller: &Controller, key: &WorkloadKey) -> Option<Status> {
    controller.states.lock().iter().find(|(known, _)| *known == key).map(|(_, state)| state.status)
}

#[tokio::test]
async fn events_and_metrics_follow_the_stored_report() {
    let server = Server::default();
    let (controller, mut events) = with_events(&server);
    let key = apply_pod(&controller, "registry.example.com/web:1.27.3-build.7");
    evaluate(&controller, &key).await;
    assert_eq!(published(&controller, &key), Some(Status::Compliant));
    assert_eq!(events.len(), 0);

    server.refuse(true);
    bare_pod(&controller);
    assert!(matches!(evaluate(&controller, &key).await, Next::Retry));
    assert_eq!(published(&controller, &key), Some(Status::Compliant), "as the stored report says");
    assert_eq!(events.len(), 0);
    let (since, _) = remembered_of(&controller, &key);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(matches!(evaluate(&controller, &key).await, Next::Retry));

    server.refuse(false);
    assert!(matches!(evaluate(&controller, &key).await, Next::Wait));
    assert_eq!(published(&controller, &key), Some(Status::Violating));
    assert_eq!(events.len(), 2, "latest-tag and stale-pull-policy");
    assert_eq!(remembered_of(&controller, &key).0, since, "the first try counts");

    while events.try_recv().is_ok() {}
    assert!(matches!(evaluate(&controller, &key).await, Next::Wait));
    assert_eq!(events.len(), 0, "once");
}

#[tokio::test]
async fn a_report_that_could_not_be_written_is_wanted_all_the_same() {
    let server = Server::default();
    let (controller, events) = with_events(&server);
    let key = bare_pod(&controller);
    server.refuse(true);
    assert!(matches!(evaluate(&controller, &key).await, Next::Retry));
    assert_eq!(published(&controller, &key), None);
    assert_eq!(events.len(), 0);
    assert_eq!(controller.states.lock().workload_of(&ReportKey::of(&key)), Some(&key));
    assert!(controller.everything().contains(&key));
}

#[tokio::test]
async fn without_the_report_api_metrics_go_on_and_events_wait() {
    let server = Server::default();
    let (controller, events) = with_events(&server);
    controller.reports.lock().lost(None);
    let key = bare_pod(&controller);
    evaluate(&controller, &key).await;
    assert_eq!(published(&controller, &key), Some(Status::Violating));
    assert_eq!((events.len(), server.requests.lock().len()), (0, 0));
    // The report of an earlier process holds what was announced by it.
    controller.reports.lock().listed(None, vec![StoredReport::from(written_long_ago("1", ONE))]);
    evaluate(&controller, &key).await;
    assert_eq!(events.len(), 0);
    assert_eq!(published(&controller, &key), Some(Status::Violating));
}

#[tokio::test]
async fn behind_a_closed_gate_nothing_is_sent_or_published() {
    let server = Server::default();
    let (controller, events) = with_events(&server);
    controller.writer.close_gate();
    let key = bare_pod(&controller);
    evaluate(&controller, &key).await;
    assert_eq!((published(&controller, &key), events.len()), (None, 0));
    assert_eq!(*server.requests.lock(), [""; 0]);
}

#[test]
fn a_panic_is_counted() {
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    assert_eq!(guarded(&metrics, || 7), Some(7));
    assert_eq!(metrics.panics.get(), 0);
    assert_eq!(guarded(&metrics, || -> u8 { panic!("on one object") }), None);
    assert_eq!(metrics.panics.get(), 1);
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_workload_and_keeps_what_is_remembered() {
    let server = Server::default();
    let (controller, events) = with_events(&server);
    let key = bare_pod(&controller);
    evaluate(&controller, &key).await;
    let before = (remembered_of(&controller, &key), events.len());
    let report = ReportKey::of(&key);
    let evaluation = Evaluation {
        key: &key,
        report: &report,
        workload: assembled(&controller, &key),
        fields: FieldOwner::of(&key, &controller.index.lock(), &controller.stores),
        memory: remembered(&controller, &key, &report),
        engine: controller.engine.current(),
        now: controller.clock.now(),
    };
    panicked(&controller, &evaluation);
    assert_eq!(published(&controller, &key), Some(Status::Error));
    assert_eq!((remembered_of(&controller, &key), events.len()), before);
}
