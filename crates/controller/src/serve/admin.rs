//! The admin endpoint: `/metrics`, `/livez`, `/readyz`; and the health endpoint: the latter two.
//!
//! The probes are open, as the kubelet needs them, and say nothing about workloads. The access gate protects
//! `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tagwatch_console::Peer;

use super::access::{AccessDecision, AccessGate};
use super::metrics::MetricsPage;
use crate::state::Readiness;

/// What the admin endpoint serves.
#[derive(Clone)]
pub(crate) struct AdminEndpoint {
    pub(crate) metrics: MetricsPage,
    pub(crate) readiness: Readiness,
    /// `None` leaves `/metrics` open.
    pub(crate) gate: Option<Arc<AccessGate>>,
}

impl AdminEndpoint {
    pub(crate) fn routes(self) -> Router {
        Router::new().route("/metrics", get(metrics_text)).with_state(self.clone()).merge(self.probes())
    }

    /// The probes alone, for an address of their own: clients of the metrics cannot keep the kubelet from them.
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
    match admin.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode the metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, "cannot encode the metrics\n").into_response()
        }
    }
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
            let text = "the API server does not tell who this is\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, retry_after, text).into_response())
        }
    }
}

/// Alive while the process answers: a restart does not bring back an API server that is down.
async fn livez() -> &'static str {
    "ok\n"
}

/// Ready once every watch has delivered its initial state and every workload was evaluated on it.
async fn readyz(State(admin): State<AdminEndpoint>) -> Response {
    let missing = admin.readiness.missing();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join("\nnot ready: ")))
        .into_response()
}
