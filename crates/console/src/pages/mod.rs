//! The pages.

mod frame;
mod issue;
mod issues;
mod namespaces;
mod overview;
mod refusal;
mod rows;
mod rules;
mod workload;
mod workloads;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::http::Console;

pub(crate) use frame::Frame;
pub(crate) use issues::{Pages, chosen};
pub(crate) use refusal::{login_page, nothing_here};
pub(crate) use workloads::WorkloadFilter;

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/issues", get(issues::issues))
        .route("/issues/{id}", get(issue::issue))
        .route("/namespaces", get(namespaces::namespaces))
        .route("/namespaces/{namespace}", get(namespaces::namespace))
        .route("/workloads", get(workloads::workloads))
        .route("/workloads/{namespace}/{kind}/{name}", get(workload::workload))
        .route("/rules", get(rules::rules))
        .route("/rules/{rule}", get(rules::rule))
}
