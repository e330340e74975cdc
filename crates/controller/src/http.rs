//! The admin endpoint: `/metrics`, `/livez`, `/readyz`.
//!
//! The probes are answered for everybody, as the kubelet needs it; they tell nothing of the cluster. `/metrics` is
//! for callers that the gate lets in.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::access::{Decision, Gate};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::serve::Entrance;

/// What the admin endpoint answers from.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    /// Without one, everybody may read the metrics.
    pub(crate) gate: Option<Arc<Gate>>,
}

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    entrance: Entrance,
    admin: Admin,
    cancelled: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics_text))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(admin);
    entrance.serve(routes, cancelled).await
}

async fn metrics_text(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if let Some(gate) = &admin.gate
        && let Some(refusal) = refusal(gate.decide(&headers, "/metrics").await)
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

/// What is answered to whom the gate does not let in.
fn refusal(decision: Decision) -> Option<Response> {
    let later = [(header::RETRY_AFTER, "10")];
    match decision {
        Decision::Allowed => None,
        Decision::Unauthenticated => {
            let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
            let words = "a bearer token that the API server knows is needed\n";
            Some((StatusCode::UNAUTHORIZED, scheme, words).into_response())
        }
        Decision::Forbidden => {
            let words = "the token's account may not get the non-resource URL /metrics\n";
            Some((StatusCode::FORBIDDEN, words).into_response())
        }
        Decision::Busy => {
            Some((StatusCode::TOO_MANY_REQUESTS, later, "too many unknown tokens\n").into_response())
        }
        Decision::Unavailable => {
            let words = "the API server does not tell who this is\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, later, words).into_response())
        }
    }
}

/// The process answers, so it lives: an API server that is away is no reason to be restarted.
async fn livez() -> &'static str {
    "ok\n"
}

/// Ready once every watch has delivered its initial state and every workload was evaluated on it.
async fn readyz(State(admin): State<Admin>) -> Response {
    let waiting = admin.health.waiting_for();
    if waiting.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", waiting.join("\nnot ready: ")))
        .into_response()
}
