//! When the status of a policy is written, and what it says meanwhile. The API server is one of our own making.

use kube::client::Body;
use serde_json::Value;
use tagwatch_index::WorkloadKey;

use super::*;
use crate::state::WorkloadState;
use crate::testing::{TestEnv, client, put_off, response};

/// The seconds at which the status was sent, over ten minutes in which an API server answers with this code and asks to wait for
/// so long, and over three more in which it stores the status.
async fn sent(code: u16, retry_after: u32) -> (Vec<u64>, Vec<u64>) {
    let begun = Instant::now();
    let refused = Duration::from_mins(10);
    let times: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = Arc::clone(&times);
    let client = client(move |request: http::Request<Body>| {
        assert_eq!(request.uri().path(), "/apis/tagwatch.dev/v1alpha1/tagpolicies/default/status");
        let at = begun.elapsed();
        seen.lock().push(at.as_secs());
        async move {
            if at < refused {
                return response(code, &put_off(code, retry_after));
            }
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut stored: Value = serde_json::from_slice(&body).unwrap();
            stored["metadata"]["generation"] = json!(1);
            stored["spec"] = json!({});
            response(200, &stored)
        }
    });
    let env = TestEnv::new(client.clone());
    let writer = env.parts.policy_status(&TestEnv::options(false));
    let policy = json!({
        "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy",
        "metadata": { "name": "default", "generation": 1 }, "spec": {},
    });
    writer.policy.lock().update(Some(serde_json::from_value(policy).unwrap()));
    let (api, mut schedule) = (Api::all(client), Schedule::default());
    while begun.elapsed() < refused + Duration::from_mins(3) {
        writer.bring_up_to_date(&api, &mut schedule).await;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let times = times.lock().clone();
    times.into_iter().partition(|at| *at < refused.as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_refused_is_sent_ever_more_rarely_and_stored_within_a_minute_of_the_grant() {
    let (refused, stored) = sent(403, 0).await;
    assert_eq!(refused, [0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364, 424, 484, 544]);
    assert_eq!(stored, [604], "once: what is stored is what is wanted");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_asks_to_wait_is_left_alone_and_one_that_is_down_is_asked_each_five_seconds() {
    let (refused, stored) = sent(429, 120).await;
    assert_eq!((refused, stored), (vec![0, 120, 240, 360, 480], vec![600]));
    let (refused, stored) = sent(503, 0).await;
    assert_eq!(refused[..6], [0, 1, 2, 4, 8, 13]);
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert!(stored[0] < 605, "{stored:?}");
}

/// A policy as the API server holds it.
fn policy(generation: i64, spec: &Value) -> TagPolicy {
    let object = json!({
        "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy",
        "metadata": { "name": "default", "generation": generation }, "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

/// A writer whose API server stores each status of the policy of generation 2, changed by this, and notes it.
fn writer_with(
    change: impl Fn(&mut Value) + Clone + Send + Sync + 'static,
) -> (PolicyStatusWriter, Api<TagPolicy>, Arc<Mutex<Vec<Value>>>) {
    let sent: Arc<Mutex<Vec<Value>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let client = client(move |request: http::Request<Body>| {
        let (seen, change) = (Arc::clone(&seen), change.clone());
        async move {
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut stored: Value = serde_json::from_slice(&body).unwrap();
            let entry = &mut stored["status"]["instances"][0];
            seen.lock().push(entry.clone());
            change(entry);
            stored["metadata"]["generation"] = entry["observedGeneration"].clone();
            response(200, &stored)
        }
    });
    let env = TestEnv::new(client.clone());
    (env.parts.policy_status(&TestEnv::options(false)), Api::all(client), sent)
}

/// Sets a policy as the observer does.
fn set(writer: &PolicyStatusWriter, object: TagPolicy) {
    let mut active = writer.policy.lock().clone();
    if let Some(policy) = active.update(Some(object)) {
        writer.engine.set_policy(policy);
    }
    *writer.policy.lock() = active;
    writer.status.notify();
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_has_no_counts_until_everything_is_evaluated_by_it() {
    let (writer, api, sent) = writer_with(|_| ());
    writer
        .states
        .lock()
        .insert(&WorkloadKey::new("v1", "Pod", "shop", "web", "uid"), WorkloadState::failed());
    let mut schedule = Schedule::default();
    set(&writer, policy(1, &json!({})));
    writer.engine.mark_evaluated(writer.engine.revision());
    writer.bring_up_to_date(&api, &mut schedule).await;
    let last = || sent.lock().last().cloned().unwrap();
    assert_eq!(
        (last()["workloads"]["total"].clone(), last()["ineffective"]["count"].clone()),
        (json!(1), json!(0))
    );

    let exemption = json!({ "match": { "names": ["x"] }, "rules": ["latest-tag"], "reason": "why" });
    let change = json!({ "match": { "names": ["x"] }, "rules": { "latest-tag": { "enabled": false } } });
    set(&writer, policy(2, &json!({ "overrides": [change], "exemptions": [exemption] })));
    writer.bring_up_to_date(&api, &mut schedule).await;
    let status = last();
    assert_eq!((sent.lock().len(), &status["observedGeneration"]), (2, &json!(2)), "at once");
    assert_eq!(status["conditions"][0]["status"], "True");
    for field in ["workloads", "results", "rules", "exemptions", "ineffective"] {
        assert_eq!(status.get(field), None, "{field}");
    }

    writer.engine.mark_evaluated(writer.engine.revision());
    writer.status.notify();
    writer.bring_up_to_date(&api, &mut schedule).await;
    let status = last();
    assert_eq!(sent.lock().len(), 3, "at once");
    assert_eq!(status["workloads"]["total"], 1);
    assert_eq!(status["ineffective"]["remarks"][0]["place"], "spec.overrides[0]");
    assert_eq!(status["exemptions"]["unused"], 1);

    // An invalid one changes nothing of what is evaluated.
    set(&writer, policy(3, &json!({ "profile": "x" })));
    writer.bring_up_to_date(&api, &mut schedule).await;
    assert_eq!((&last()["observedGeneration"], &last()["workloads"]["total"]), (&json!(3), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_changing_the_status_is_answered_once_in_ten_seconds() {
    let (writer, api, sent) =
        writer_with(|entry| entry["conditions"][1]["message"] = json!("nothing is amiss"));
    let mut schedule = Schedule::default();
    set(&writer, policy(1, &json!({})));
    for _ in 0..60 {
        writer.bring_up_to_date(&api, &mut schedule).await;
        // The watch shows each write.
        writer.status.notify();
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    assert_eq!(sent.lock().len(), 6);
}
