//! What is remembered, and what is read of it, at the start. The API server is one of our own making, which knows one
//! report.

use std::convert::Infallible;

use kube::Client;
use kube::client::Body;
use serde_json::json;
use tagwatch_k8s::report::{FirstSeen, History, ResultKeys, StoredReport};
use tagwatch_k8s::slim::SlimPod;
use tower::service_fn;

use super::*;
use crate::run::tests::controller;

const LONG_AGO: i64 = 1_700_000_000;

/// A client whose every answer is this report; without one, nobody may ask.
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

/// Applies a pod of its own with a tag that floats.
fn bare_pod(controller: &Controller) -> WorkloadKey {
    let pod: SlimPod = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-of-web" },
        "spec": { "containers": [{ "name": "web", "image": "nginx:latest", "imagePullPolicy": "IfNotPresent" }] },
        "status": { "phase": "Running" },
    }))
    .unwrap();
    controller.index.lock().apply_pod(&pod, controller.clock.now()).pop_first().unwrap()
}

/// The report of the pod as it was written long ago, in some version, with an interval that was over by then.
fn written_long_ago(version: &str, closed: &str) -> PolicyReport {
    let controller = controller(client(None));
    let key = bare_pod(&controller);
    let Assembled::Workload { workload, .. } =
        controller.index.lock().assemble(&key, &controller.stores, controller.clock.now())
    else {
        panic!("absent")
    };
    let interval = json!({ "id": closed, "rule": "latest-tag", "container": "web", "image": "i", "from": 1, "until": 2 });
    let mut report = report::build(&ReportInput {
        workload: &workload,
        uid: key.uid(),
        verdicts: &controller.judging.engine().judge(&workload),
        first_seen: &FirstSeen::default(),
        history: &serde_json::from_value::<History>(json!({ "closed": [interval] })).unwrap(),
        image_changes: &[],
        namespace_labels: &[],
        now: Timestamp::from_second(LONG_AGO).unwrap(),
    });
    report.metadata.resource_version = Some(version.to_owned());
    report.metadata.uid = Some("uid-of-the-report".to_owned());
    report
}

/// Since when `stale-pull-policy` of the pod is known, and the keys of what is over.
fn remembered_of(controller: &Controller, key: &WorkloadKey) -> (i64, Vec<String>) {
    let Assembled::Workload { workload, .. } =
        controller.index.lock().assemble(key, &controller.stores, controller.clock.now())
    else {
        panic!("absent")
    };
    let verdicts = controller.judging.engine().judge(&workload);
    let finding = verdicts[0].findings.iter().find(|finding| finding.rule.id == "stale-pull-policy").unwrap();
    let id = ResultKeys::new(key.uid(), &workload.containers).of(&workload.containers[0], finding);
    let Past { first_seen, history, .. } = remembered(controller, key).unwrap();
    let over = history.closed.iter().map(|interval| interval.id.clone()).collect();
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
    assert!(controller.reports.lock().changed(&report_key(&key), "2"));
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
    // Somebody mended this one while nobody could read.
    let gone = json!({
        "policy": "image-tag", "rule": "missing-tag", "result": "fail", "timestamp": { "seconds": 5, "nanos": 0 },
        "properties": { "resultID": TWO, "container": "web", "containerType": "container", "image": "nginx" },
    });
    report.results.get_or_insert_default().push(serde_json::from_value(gone).unwrap());
    controller.reports.lock().listed(None, vec![StoredReport::from(report)]);
    evaluate(&controller, &key).await;
    assert_eq!(remembered_of(&controller, &key), (LONG_AGO, vec![ONE.to_owned(), TWO.to_owned()]));

    // From then on memory comes first: what somebody edits is not believed.
    let mut edited = written_long_ago("3", ONE);
    for result in edited.results.iter_mut().flatten() {
        result.timestamp.as_mut().unwrap().seconds = 7;
    }
    controller.reports.lock().listed(None, vec![StoredReport::from(edited)]);
    evaluate(&controller, &key).await;
    assert_eq!(remembered_of(&controller, &key).0, LONG_AGO);
}
