//! The watch loop against a scripted API server, for answers that a current one cannot be made to give.

use std::sync::Arc;

use http::Response;
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tagwatch_k8s::slim::SlimPod;
use tokio::time::Instant;

use super::*;
use crate::state::metrics::{ControllerMetrics, Metrics};
use crate::testing::{self, failure, response};

/// Remembers what it sees, and stops after the initial state.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Sink<SlimPod> for Recorder {
    fn event(&mut self, event: Event<SlimPod>) -> Flow {
        let (line, flow) = match event {
            Event::Init => ("init".to_owned(), Flow::Continue),
            Event::InitApply(pod) => (format!("pod {}", pod.place().1), Flow::Continue),
            Event::InitDone => ("done".to_owned(), Flow::Stop),
            Event::Apply(_) | Event::Delete(_) => ("change".to_owned(), Flow::Stop),
        };
        self.0.lock().push(line);
        flow
    }
}

/// A client whose server answers by a function of the query, counting from 0; `None` is no answer, ever.
fn scripted(answer: impl Fn(usize, &str) -> Option<Response<Body>> + Send + Sync + 'static) -> Client {
    let answer = Arc::new(answer);
    let count = Arc::new(Mutex::new(0));
    testing::client(move |request| {
        let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
        async move {
            let number = {
                let mut count = count.lock();
                *count += 1;
                *count - 1
            };
            match answer(number, request.uri().query().unwrap_or_default()) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    })
}

fn client(answer: impl Fn(usize, &str) -> Response<Body> + Send + Sync + 'static) -> Client {
    scripted(move |number, query| Some(answer(number, query)))
}

fn list() -> Value {
    let pod = json!({ "metadata": { "name": "a", "namespace": "shop", "uid": "1", "resourceVersion": "5" } });
    json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": "7" }, "items": [pod] })
}

async fn events(client: Client) -> Vec<String> {
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    let recorder = Recorder::default();
    let stats = WatchStats::new("pods", metrics);
    watch(Api::<SlimPod>::all(client), watcher::Config::default(), recorder.clone(), stats).await;
    Arc::try_unwrap(recorder.0).map(Mutex::into_inner).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn lists_where_the_feature_gate_is_off() {
    let client = client(|_, query| {
        if query.contains("sendInitialEvents=true") {
            return response(422, &failure(422, "Invalid", "sendInitialEvents: Forbidden"));
        }
        assert!(query.contains("resourceVersion=0") && !query.contains("limit="), "{query}");
        response(200, &list())
    });
    assert_eq!(events(client).await, ["init", "pod a", "done"]);
}

#[tokio::test(start_paused = true)]
async fn lists_where_etcd_is_too_old_to_stream() {
    let client = client(|_, query| {
        if query.contains("sendInitialEvents=true") {
            let error = failure(500, "InternalError", "etcd: RequestWatchProgress is disabled");
            return response(200, &json!({ "type": "ERROR", "object": error }));
        }
        response(200, &list())
    });
    assert_eq!(events(client).await, ["init", "init", "pod a", "done"]);
}

#[tokio::test(start_paused = true)]
async fn asks_a_server_that_refuses_at_most_every_five_seconds() {
    let begun = Instant::now();
    let client = client(|number, query| match number {
        0..20 => response(503, &failure(503, "ServiceUnavailable", "starting")),
        _ if query.contains("sendInitialEvents=true") => response(422, &failure(422, "Invalid", "no")),
        _ => response(200, &list()),
    });
    assert_eq!(events(client).await, ["init", "pod a", "done"]);
    // 0.5 + 1 + 2 + 4 s, then sixteen times 5 s, and 5 s more for the refusal to stream.
    let waited = begun.elapsed();
    assert!((90..100).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn starts_over_where_the_initial_state_never_comes() {
    let begun = Instant::now();
    let client = scripted(|number, query| match number {
        0 => None,
        _ if query.contains("sendInitialEvents=true") => Some(response(422, &failure(422, "Invalid", "no"))),
        _ => Some(response(200, &list())),
    });
    assert_eq!(events(client).await, ["init", "pod a", "done"]);
    assert!((60..62).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
