//! The handlers of the HTML pages, and the values that their templates show.

mod absence;
mod changed;
mod changes;
mod containers;
mod evidence;
mod exact;
mod exemptions;
mod form;
mod heading;
mod images;
mod issue;
mod issues;
mod login;
mod namespaces;
mod overview;
mod owner;
mod rows;
mod rules;
mod select;
mod theme;
mod workload;
mod workloads;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

use crate::auth::AuthenticatedRequest;
use crate::http::Console;

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/changes", get(changes::changes))
        .route("/images", get(images::images))
        .route("/issues", get(issues::issues))
        .route("/issues/{id}", get(issue::issue))
        .route("/namespaces", get(namespaces::namespaces))
        .route("/namespaces/{namespace}", get(namespaces::namespace))
        .route("/workloads", get(workloads::workloads))
        .route("/workloads/{namespace}/{kind}/{name}", get(workload::workload))
        .route("/exemptions", get(exemptions::exemptions))
        .route("/rules", get(rules::rules))
        .route("/rules/{rule}", get(rules::rule))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/theme", post(theme::set_theme))
}

/// The answer to every unknown address.
pub(crate) async fn not_found(request: AuthenticatedRequest) -> Response {
    request.not_found("There is no such page.")
}
