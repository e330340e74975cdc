//! The admin endpoint: `/metrics`, `/livez`, `/readyz`; and the health endpoint: the latter two.
//!
//! The probes are open, as the kubelet needs them, and say nothing about workloads. The access gate protects
//! `/metrics`. Each endpoint is served by a thread of its own: neither what the controller computes nor what clients of the
//! metrics send delays a probe of the kubelet.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tagwatch_console::{Admitted, Peer};
use tokio::runtime::Handle;

use super::access::{AccessDecision, AccessGate};
use super::metrics::MetricsPage;
use crate::state::{Heartbeat, Readiness, WatchRegistry};

/// What the admin endpoint serves.
#[derive(Clone)]
pub(crate) struct AdminEndpoint {
    pub(crate) metrics: MetricsPage,
    pub(crate) readiness: Readiness,
    pub(crate) watches: WatchRegistry,
    /// `None` leaves `/metrics` open.
    pub(crate) gate: Option<Arc<AccessGate>>,
    /// Of the threads that do the controller's work.
    pub(crate) heartbeat: Heartbeat,
    /// Where `/metrics` are put together: there can be a hundred thousand series.
    pub(crate) worker: Handle,
    /// Scrapes are put together one after another.
    pub(crate) encoding: Arc<tokio::sync::Mutex<()>>,
}

impl AdminEndpoint {
    pub(crate) fn routes(self) -> Router {
        Router::new().route("/metrics", get(metrics_text)).with_state(self.clone()).merge(self.probes())
    }

    /// The probes alone, for an address and a thread of their own: clients of the metrics cannot keep the kubelet from them.
    pub(crate) fn probes(self) -> Router {
        Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(self)
    }
}

async fn metrics_text(
    State(admin): State<AdminEndpoint>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    if let Some(gate) = &admin.gate
        && let Some(refusal) = refusal(gate.decide(&headers, Peer::of_request(&extensions), "/metrics").await)
    {
        return refusal;
    }
    let _turn = admin.encoding.lock().await;
    let metrics = admin.metrics.clone();
    match admin.worker.spawn_blocking(move || metrics.encode()).await {
        Ok(Ok(text)) => {
            let mut answer = ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response();
            if admin.gate.is_some() {
                answer.extensions_mut().insert(Admitted);
            }
            answer
        }
        Ok(Err(error)) => not_encoded(&error),
        Err(error) => not_encoded(&error),
    }
}

fn not_encoded(error: &impl std::fmt::Display) -> Response {
    tracing::error!(%error, "cannot encode the metrics");
    (StatusCode::INTERNAL_SERVER_ERROR, "cannot encode the metrics\n").into_response()
}

fn refusal(decision: AccessDecision) -> Option<Response> {
    let retry_after = [(header::RETRY_AFTER, "10")];
    match decision {
        AccessDecision::Allowed => None,
        AccessDecision::Unauthenticated => {
            let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
            let text = "a bearer token that the API server knows is needed\n";
            Some((StatusCode::UNAUTHORIZED, scheme, text).into_response())
        }
        AccessDecision::Forbidden => {
            let text = "the token's account may not get the non-resource URL /metrics\n";
            Some((StatusCode::FORBIDDEN, text).into_response())
        }
        AccessDecision::RateLimited => {
            Some((StatusCode::TOO_MANY_REQUESTS, retry_after, "too many unknown tokens\n").into_response())
        }
        AccessDecision::Unavailable => {
            let text = "the API server did not review the token\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, retry_after, text).into_response())
        }
    }
}

/// Alive while the process answers and does its work: a restart does not bring back an API server that is down.
async fn livez(State(admin): State<AdminEndpoint>) -> Response {
    match admin.heartbeat.stuck_for() {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(time) => {
            let text = format!("no progress for {} s\n", time.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

/// Ready once every watch has delivered its initial state and every workload was evaluated on it, unless the API server
/// refuses a watch since. One that does not answer changes nothing: what is published stays worth reading.
async fn readyz(State(admin): State<AdminEndpoint>) -> Response {
    let mut missing = admin.readiness.missing();
    missing.extend(admin.watches.refused());
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join("\nnot ready: ")))
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tagwatch_core::policy::{Policy, Profile};
    use tokio::time::advance;
    use tower::ServiceExt;

    use super::*;
    use crate::state::metrics::Metrics;
    use crate::state::{EngineHandle, STUCK_AFTER};

    async fn get(endpoint: &AdminEndpoint, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = endpoint.clone().routes().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_without_progress_is_not_alive() {
        let engine =
            Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), "2027-01-31".parse().unwrap()));
        let metrics = MetricsPage::new(Metrics::default(), &Arc::default(), &engine, 10).unwrap();
        let heartbeat = Heartbeat::default();
        let endpoint = AdminEndpoint {
            metrics,
            readiness: Readiness::default(),
            watches: WatchRegistry::new(Arc::default()),
            gate: None,
            heartbeat: heartbeat.clone(),
            worker: Handle::current(),
            encoding: Arc::default(),
        };
        assert_eq!(get(&endpoint, "/livez").await, (StatusCode::OK, "ok\n".to_owned()));
        advance(STUCK_AFTER).await;
        let stuck = (StatusCode::SERVICE_UNAVAILABLE, "no progress for 60 s\n".to_owned());
        assert_eq!(get(&endpoint, "/livez").await, stuck);
        heartbeat.beat();
        assert_eq!(get(&endpoint, "/livez").await.0, StatusCode::OK);
        let (status, text) = get(&endpoint, "/metrics").await;
        assert!(status == StatusCode::OK && text.contains("tagwatch_metrics_series 0"), "{text}");
    }
}
