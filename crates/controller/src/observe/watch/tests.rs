//! The watch loop against a scripted API server, for answers that a current one cannot be made to give.

use std::sync::Arc;

use http::Response;
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use serde_json::{Value, json};
use tagwatch_k8s::slim::SlimPod;
use tokio::time::Instant;

use super::*;
use crate::state::metrics::{ControllerMetrics, Metrics};
use crate::state::{Need, WatchRegistry};
use crate::testing::{self, failure, response};

/// Remembers what it sees, and stops after so many initial states.
#[derive(Clone)]
struct Recorder {
    seen: Arc<Mutex<Vec<String>>>,
    left: usize,
}

impl Sink<SlimPod> for Recorder {
    fn event(&mut self, event: Event<SlimPod>) -> Flow {
        let (line, flow) = match event {
            Event::Init => ("init".to_owned(), Flow::Continue),
            Event::InitApply(pod) => (format!("pod {}", pod.place().1), Flow::Continue),
            Event::InitDone => {
                self.left -= 1;
                ("done".to_owned(), if self.left == 0 { Flow::Stop } else { Flow::Continue })
            }
            Event::Apply(_) | Event::Delete(_) => ("change".to_owned(), Flow::Continue),
        };
        self.seen.lock().push(line);
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

fn pod(name: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "shop", "uid": name, "resourceVersion": "5" } })
}

fn list() -> Value {
    page("a", None)
}

/// A page with one pod, and the token for the next.
fn page(name: &str, next: Option<&str>) -> Value {
    let metadata = json!({ "resourceVersion": "7", "continue": next });
    json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [pod(name)] })
}

async fn events(client: Client) -> Vec<String> {
    events_of(client, &WatchRegistry::new(Arc::default())).await
}

async fn events_of(client: Client, registry: &WatchRegistry) -> Vec<String> {
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    recorded(client, registry, metrics, 1).await
}

/// The same of a watch that does not fail.
async fn events_without_error(client: Client) -> Vec<String> {
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    let events = recorded(client, &WatchRegistry::new(Arc::default()), metrics.clone(), 1).await;
    let families = metrics.watch_errors.collect();
    let mut errors = families.iter().flat_map(MetricFamily::get_metric);
    assert!(errors.all(|error| error.get_counter().get_value() < 1.0), "{families:?}");
    events
}

/// The events of a watch up to the end of so many initial states.
async fn recorded(
    client: Client,
    registry: &WatchRegistry,
    metrics: ControllerMetrics,
    count: usize,
) -> Vec<String> {
    let seen = Arc::default();
    let recorder = Recorder { seen: Arc::clone(&seen), left: count };
    let stats = WatchStats::new("pods", None, Need::Required, registry, metrics);
    watch(Api::<SlimPod>::all(client), watcher::Config::default(), recorder, stats).await;
    let seen = seen.lock();
    seen.clone()
}

#[tokio::test(start_paused = true)]
async fn lists_where_the_feature_gate_is_off() {
    let client = client(|_, query| {
        if query.contains("sendInitialEvents=true") {
            return response(422, &failure(422, "Invalid", "sendInitialEvents: Forbidden"));
        }
        assert!(query.contains("limit=500") && !query.contains("resourceVersion"), "{query}");
        response(200, &list())
    });
    assert_eq!(events_without_error(client).await, ["init", "pod a", "done"]);
}

#[tokio::test(start_paused = true)]
async fn lists_in_pages_and_starts_over_where_a_page_has_expired() {
    let client = client(|number, query| match (number, query) {
        (_, query) if query.contains("sendInitialEvents=true") => {
            response(422, &failure(422, "Invalid", "no"))
        }
        (2, query) if query.contains("continue=second") => response(410, &failure(410, "Expired", "too old")),
        (_, query) if query.contains("continue=second") => response(200, &page("b", None)),
        (_, query) => {
            assert!(!query.contains("continue="), "{query}");
            response(200, &page("a", Some("second")))
        }
    });
    assert_eq!(events(client).await, ["init", "pod a", "init", "pod a", "pod b", "done"]);
}

#[tokio::test(start_paused = true)]
async fn lists_where_the_streamed_state_never_ends() {
    // One goes on showing changes, the other one is silent.
    for (between, limit) in [(Duration::from_secs(5), STREAMED_LIST_LIMIT), (Duration::MAX, LIST_LIMIT)] {
        let begun = Instant::now();
        let client = testing::client(move |request| async move {
            let query = request.uri().query().unwrap_or_default();
            let is_streamed = query.contains("sendInitialEvents=true");
            Response::new(if is_streamed { endless(between) } else { list().to_string().into() })
        });
        let events = events(client).await;
        assert_eq!(events[..2], ["init", "pod endless"]);
        assert_eq!(events[events.len() - 3..], ["init", "pod a", "done"]);
        let waited = begun.elapsed();
        assert!((limit..limit + Duration::from_secs(6)).contains(&waited), "{waited:?}");
    }
}

/// A watch that shows a pod again and again, without a bookmark.
fn endless(between: Duration) -> axum::body::Body {
    let event = format!("{}\n", json!({ "type": "ADDED", "object": pod("endless") }));
    let events = futures::stream::unfold(0, move |number| {
        let event = event.clone();
        async move {
            if number > 0 {
                sleep(between).await;
            }
            Some((Ok::<_, std::io::Error>(event), number + 1))
        }
    });
    axum::body::Body::from_stream(events)
}

#[tokio::test(start_paused = true)]
async fn one_kind_is_listed_at_a_time() {
    let (registry, asked) = (WatchRegistry::new(Arc::default()), Arc::new(Mutex::new(String::new())));
    let kind = |name: &'static str| {
        let asked = Arc::clone(&asked);
        let client = testing::client(move |request| {
            let asked = Arc::clone(&asked);
            async move {
                let query = request.uri().query().unwrap_or_default().to_owned();
                if query.contains("sendInitialEvents=true") {
                    return response(422, &failure(422, "Invalid", "no"));
                }
                asked.lock().push_str(name);
                sleep(Duration::from_secs(1)).await;
                response(200, &page(name, (!query.contains("continue=")).then_some("second")))
            }
        });
        events_of(client, &registry)
    };
    let (a, b) = futures::join!(kind("a"), kind("b"));
    assert_eq!((a.len(), b.len()), (4, 4));
    assert!(["aabb", "bbaa"].contains(&asked.lock().as_str()), "{}", asked.lock());
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
    assert_eq!(events_without_error(client).await, ["init", "init", "pod a", "done"]);
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

/// A watch that shows these events, and then nothing.
fn shown(events: &[Value]) -> axum::body::Body {
    let lines: Vec<_> = events.iter().map(|event| Ok::<_, std::io::Error>(format!("{event}\n"))).collect();
    axum::body::Body::from_stream(futures::stream::iter(lines).chain(futures::stream::pending()))
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_decoded_is_counted_and_its_kind_read_anew() {
    let added = json!({ "type": "ADDED", "object": pod("a") });
    let unreadable = json!({ "type": "MODIFIED", "object": ["no pod"] });
    let end = json!({ "type": "BOOKMARK", "object": {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "resourceVersion": "7", "annotations": { "k8s.io/initial-events-end": "true" } },
    } });
    let initial_states = [
        // One behind the initial state, one within, then none.
        vec![added.clone(), end.clone(), unreadable.clone()],
        vec![unreadable, added.clone(), end.clone()],
        vec![added, end],
    ];
    let number = Arc::new(Mutex::new(0));
    let client = testing::client(move |_| {
        let number = {
            let mut number = number.lock();
            *number += 1;
            *number - 1
        };
        let body = initial_states.get(number).map_or_else(axum::body::Body::empty, |events| shown(events));
        async move { Response::new(body) }
    });
    let (registry, begun) = (WatchRegistry::new(Arc::default()), Instant::now());
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    let events = recorded(client, &registry, metrics.clone(), 3).await;
    assert_eq!(events, ["init", "pod a", "done"].repeat(3));
    assert_eq!(metrics.watch_errors.with_label_values(&["pods", "undecodable"]).get(), 2);
    assert_eq!(begun.elapsed(), Duration::from_secs(1 + 2), "ever more rarely");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_wait_is_left_alone() {
    let begun = Instant::now();
    let client = client(|number, query| {
        if number == 0 {
            let mut refusal = failure(429, "TooManyRequests", "slow down");
            refusal["details"] = json!({ "retryAfterSeconds": 20 });
            return response(429, &refusal);
        }
        assert!(query.contains("sendInitialEvents=true") || number > 1, "{query}");
        if number == 1 { response(422, &failure(422, "Invalid", "no")) } else { response(200, &list()) }
    });
    assert_eq!(events(client).await, ["init", "pod a", "done"]);
    assert!((20..23).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
