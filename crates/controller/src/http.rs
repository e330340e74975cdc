//! The admin endpoint: `/metrics`, `/livez`, `/readyz`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Metrics;

#[derive(Debug, Clone)]
struct Admin {
    metrics: Metrics,
    health: Arc<Health>,
}

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Arc<Health>,
    cancelled: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics_text))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(Admin { metrics, health });
    axum::serve(listener, routes).with_graceful_shutdown(cancelled.cancelled_owned()).await
}

/// Listens on an address; port 0 lets the operating system choose.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

async fn metrics_text(State(admin): State<Admin>) -> Response {
    match admin.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode the metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, "cannot encode the metrics\n").into_response()
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
