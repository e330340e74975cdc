//! When the status of a policy is written again after a failure. The API server is one of our own making.

use kube::client::Body;
use serde_json::Value;

use super::*;
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
