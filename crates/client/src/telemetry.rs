//! Counts every request by verb and status code, reads the time off every answer, and limits the wait for the head of
//! an answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response, Uri};
use prometheus::{IntCounterVec, Opts};
use tower::{BoxError, Layer, Service};

use crate::call::{CALL_LIMIT, LIST_LIMIT};
use crate::clock::ServerClock;

/// `tagwatch_kube_requests_total{verb,code}`: requests to the API server. `code` is the HTTP status, or
/// `timeout` or `error` without an answer.
#[derive(Debug, Clone)]
pub struct RequestCounter(IntCounterVec);

impl RequestCounter {
    /// The registry comes later: see [`collector`](Self::collector).
    pub fn new() -> prometheus::Result<Self> {
        let options = Opts::new("tagwatch_kube_requests_total", "Requests to the API server.");
        IntCounterVec::new(options, &["verb", "code"]).map(Self)
    }

    /// The collector for a registry; it shares the counts.
    pub fn collector(&self) -> IntCounterVec {
        self.0.clone()
    }

    fn count(&self, verb: &str, code: &str) {
        self.0.with_label_values(&[verb, code]).inc();
    }
}

/// Puts [`Telemetry`] around kube's service stack, or around another server of requests.
#[derive(Debug, Clone)]
pub struct TelemetryLayer {
    requests: RequestCounter,
    clock: ServerClock,
}

impl TelemetryLayer {
    /// Every answer updates `requests` and `clock`.
    pub fn new(requests: RequestCounter, clock: ServerClock) -> Self {
        Self { requests, clock }
    }
}

impl<S> Layer<S> for TelemetryLayer {
    type Service = Telemetry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Telemetry { inner, requests: self.requests.clone(), clock: self.clock.clone() }
    }
}

/// A service that counts requests and limits the wait for the head of an answer: without the limit, a watch that never
/// starts looks like a quiet one.
#[derive(Debug, Clone)]
pub struct Telemetry<S> {
    inner: S,
    requests: RequestCounter,
    clock: ServerClock,
}

impl<S, B, R> Service<Request<B>> for Telemetry<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    R: 'static,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let verb = verb(request.method(), request.uri());
        let limit = if matches!(verb, "list" | "watch") { LIST_LIMIT } else { CALL_LIMIT };
        let (requests, clock) = (self.requests.clone(), self.clock.clone());
        let sent = clock.local_now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(response)) => {
                    clock.observe(response.headers(), sent, clock.local_now());
                    requests.count(verb, response.status().as_str());
                    Ok(response)
                }
                Ok(Err(error)) => {
                    requests.count(verb, "error");
                    Err(error.into())
                }
                Err(elapsed) => {
                    requests.count(verb, "timeout");
                    Err(elapsed.into())
                }
            }
        })
    }
}

/// The Kubernetes verb of a request, as RBAC and the audit log name it.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ if uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true")) => "watch",
        _ if names_collection(uri.path()) => "list",
        _ => "get",
    }
}

/// Whether a path ends in a resource rather than in the name of an object:
/// `/api/v1[/namespaces/NS]/RESOURCE` or `/apis/GROUP/VERSION[/namespaces/NS]/RESOURCE`.
fn names_collection(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let prefix = match segments.next() {
        Some("api") => 1,
        Some("apis") => 2,
        _ => return false,
    };
    let rest: Vec<&str> = segments.skip(prefix).collect();
    matches!(rest.as_slice(), [_] | ["namespaces", _, _])
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::fmt::rfc2822::DateTimePrinter;
    use k8s_openapi::jiff::{SignedDuration, Timestamp};
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[test]
    fn verbs_are_those_of_the_audit_log() {
        let cases = [
            (Method::GET, "/apis/apps/v1/deployments?resourceVersion=0", "list"),
            (Method::GET, "/api/v1/namespaces/shop/pods", "list"),
            (Method::GET, "/api/v1/pods?&watch=true&timeoutSeconds=290", "watch"),
            (Method::GET, "/api/v1/namespaces/shop/pods/web-1", "get"),
            (Method::GET, "/apis/wgpolicyk8s.io/v1alpha2", "get"),
            (Method::GET, "/version", "get"),
            (Method::POST, "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports", "create"),
            (Method::PATCH, "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/a", "patch"),
            (Method::DELETE, "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/a", "delete"),
        ];
        for (method, uri, expected) in cases {
            assert_eq!(verb(&method, &uri.parse().unwrap()), expected, "{method} {uri}");
        }
    }

    #[tokio::test]
    async fn the_time_is_read_off_every_answer() {
        let clock = ServerClock::default();
        let layer = TelemetryLayer::new(RequestCounter::new().unwrap(), clock.clone());
        let an_hour_ahead = |_: Request<()>| async {
            let date = Timestamp::now() + SignedDuration::from_hours(1);
            let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
            let answer = Response::builder().status(403).header("date", date).body(());
            answer.map_err(BoxError::from)
        };
        let answer = layer.layer(service_fn(an_hour_ahead)).oneshot(Request::default()).await.unwrap();
        assert_eq!(answer.status(), 403);
        let ahead = clock.now().duration_since(Timestamp::now());
        assert!((3_598..=3_601).contains(&ahead.as_secs()), "{ahead}");
    }
}
