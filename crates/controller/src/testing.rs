//! What tests share: an API server that is a function, one that stores reports, an issuer of tokens, and a controller without
//! tasks.

mod issuer;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tagwatch_client::ServerClock;
use tagwatch_core::workload::Workload;
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::slim::SlimPod;
use tokio::sync::mpsc;

use crate::options::{ConsoleOptions, RunOptions};
use crate::parts::SharedParts;
use crate::publish::PendingEvent;
use crate::reconcile::Reconciler;
use crate::serve::EndpointAccess;
use crate::state::WatchedNamespaces;
use crate::state::metrics::Metrics;
pub(crate) use issuer::Issuer;

/// A client whose API server is a function.
pub(crate) fn client<A, B>(answer: impl Fn(Request<Body>) -> A + Send + 'static) -> Client
where
    A: Future<Output = Response<B>> + Send + 'static,
    B: hyper::body::Body<Data = hyper::body::Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let service = tower::service_fn(move |request: Request<Body>| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    Client::new(service, "default")
}

/// A response with a JSON body.
pub(crate) fn response(code: u16, body: &Value) -> Response<Body> {
    Response::builder().status(code).body(Body::from(format!("{body}\n").into_bytes())).unwrap()
}

/// The body of a failure.
pub(crate) fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    })
}

/// The body of a failure that asks to wait for so many seconds.
pub(crate) fn put_off(code: u16, retry_after: u32) -> Value {
    let mut body = failure(code, "Refused", "no");
    body["details"] = json!({ "retryAfterSeconds": retry_after });
    body
}

/// An API server that stores the reports it is sent, or refuses them with a status code. The methods of requests are noted.
#[derive(Clone, Default)]
pub(crate) struct ReportServer {
    refusal: Arc<Mutex<Option<u16>>>,
    refusal_of_reads: Arc<Mutex<Option<u16>>>,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl ReportServer {
    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        client(move |request| {
            let server = server.clone();
            async move {
                server.requests.lock().push(request.method().to_string());
                let body = request.into_body().collect_bytes().await.unwrap();
                server.answer(&body)
            }
        })
    }

    pub(crate) fn refuse(&self, code: Option<u16>) {
        *self.refusal.lock() = code;
    }

    pub(crate) fn refuse_reads(&self, code: Option<u16>) {
        *self.refusal_of_reads.lock() = code;
    }

    fn answer(&self, body: &[u8]) -> Response<Body> {
        if body.is_empty() {
            if let Some(code) = *self.refusal_of_reads.lock() {
                return response(code, &failure(code, "Refused", "no"));
            }
            return response(404, &failure(404, "NotFound", "no"));
        }
        if let Some(code) = *self.refusal.lock() {
            return response(code, &failure(code, "Refused", "no"));
        }
        let mut report: Value = serde_json::from_slice(body).unwrap();
        report["metadata"]["uid"] = json!("uid-of-the-report");
        report["metadata"]["resourceVersion"] = json!(self.requests.lock().len().to_string());
        response(200, &report)
    }
}

/// A running pod in the namespace `shop`.
fn pod(name: &str, image: &str) -> SlimPod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-of-{name}") },
        "spec": { "containers": [{ "name": "web", "image": image, "imagePullPolicy": "IfNotPresent" }] },
        "status": { "phase": "Running" },
    }))
    .unwrap()
}

/// The shared state and the reconcile loop of a controller, of which no task runs.
pub(crate) struct TestEnv {
    pub(crate) parts: SharedParts,
    pub(crate) reconciler: Reconciler,
    /// `Some` in an environment with events.
    pub(crate) events: Option<mpsc::Receiver<PendingEvent>>,
}

impl TestEnv {
    pub(crate) fn new(client: Client) -> Self {
        Self::build(client, false)
    }

    /// Sends events, before any report is stored.
    pub(crate) fn with_events(client: Client) -> Self {
        let env = Self::build(client, true);
        env.parts.reports.lock().apply_list(None, Vec::new());
        env
    }

    pub(crate) fn options(events: bool) -> RunOptions {
        RunOptions {
            namespaces: WatchedNamespaces::AllExcept(Vec::new()),
            instance: "tagwatch".to_owned(),
            metrics_address: ([127, 0, 0, 1], 0).into(),
            health_address: None,
            health_address_file: None,
            token_audience: "tagwatch".to_owned(),
            metrics_access: EndpointAccess::Anonymous,
            console: None,
            cluster_name: None,
            workload_series_cap: 10,
            address_file: None,
            own_namespace: None,
            registries: Vec::new(),
            registry_networks: Vec::new(),
            events,
            lease: None,
            policy: "default".to_owned(),
            user_agent: "tagwatch".to_owned(),
        }
    }

    /// The same with a console, and without events.
    pub(crate) fn options_with_console() -> RunOptions {
        let console = ConsoleOptions {
            address: ([127, 0, 0, 1], 0).into(),
            address_file: None,
            access: EndpointAccess::Anonymous,
        };
        RunOptions { console: Some(console), ..Self::options(false) }
    }

    fn build(client: Client, events: bool) -> Self {
        let options = Self::options(events);
        let parts =
            SharedParts::new(client, ServerClock::default(), &options.instance, &mut Metrics::default());
        let parts = parts.unwrap();
        let (reconciler, events) = parts.reconciler(&options);
        Self { parts, reconciler, events }
    }

    /// Applies a pod of its own with this image.
    pub(crate) fn apply_pod(&self, image: &str) -> WorkloadKey {
        self.apply_pod_named("web", image)
    }

    pub(crate) fn apply_pod_named(&self, name: &str, image: &str) -> WorkloadKey {
        let now = self.reconciler.clock.now();
        self.parts.observer.index.lock().apply_pod(&pod(name, image), now).pop_first().unwrap()
    }

    /// Deletes the pod of [`apply_pod`](Self::apply_pod).
    pub(crate) fn delete_pod(&self, image: &str) {
        let now = self.reconciler.clock.now();
        self.parts.observer.index.lock().delete_pod(&pod("web", image), now);
    }

    pub(crate) fn assemble(&self, key: &WorkloadKey) -> Workload {
        let (assembler, now) = (&self.reconciler.assembler, self.reconciler.clock.now());
        let found = assembler.collect(key, now).and_then(|collected| assembler.assemble(key, collected, now));
        found.unwrap_or_else(|absence| panic!("{absence:?}")).workload
    }

    /// Events that wait to be sent.
    pub(crate) fn pending_events(&self) -> usize {
        self.events.as_ref().map_or(0, mpsc::Receiver::len)
    }
}
