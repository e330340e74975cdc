//! The JSON API and its `OpenAPI` document.

mod changes;
mod openapi;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::auth::AuthenticatedRequest;
use crate::filter::{Filter, Pagination, WorkloadFilter};
use crate::filtered::FilteredRequest;
use crate::http::{Console, json};
use crate::record::{
    IssueDetails, IssuePage, IssueRecord, NamespaceList, OverviewRecord, RuleList, WorkloadDetails,
    WorkloadPage, WorkloadRecord,
};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/overview", get(overview))
        .route("/api/v1/changes", get(changes::changes))
        .route("/api/v1/images", get(changes::images))
        .route("/api/v1/issues", get(issues))
        .route("/api/v1/issues/{id}", get(issue))
        .route("/api/v1/namespaces", get(namespaces))
        .route("/api/v1/workloads", get(workloads))
        .route("/api/v1/workloads/{namespace}/{kind}/{name}", get(workload))
        .route("/api/v1/rules", get(rules))
}

async fn overview(request: AuthenticatedRequest) -> Response {
    let lines = request.frame.health.iter();
    let problems = lines.map(|line| format!("{} {}", line.what, line.fix)).collect();
    json(StatusCode::OK, &OverviewRecord::new(&request.view, problems))
}

async fn namespaces(request: AuthenticatedRequest) -> Response {
    json(StatusCode::OK, &NamespaceList::new(&request.view))
}

async fn rules(request: AuthenticatedRequest) -> Response {
    json(StatusCode::OK, &RuleList::new(&request.view))
}

async fn issues(FilteredRequest { view, filter, .. }: FilteredRequest<Filter>) -> Response {
    let issues = filter.select(view.issues(), view.now);
    let pages = Pagination::new(filter.page, filter.per_page, issues.len(), |_| String::new());
    let record = |&issue| IssueRecord::new(issue, view.now);
    let page = IssuePage {
        total: issues.len(),
        page: pages.number,
        pages: pages.count,
        issues: pages.rows(&issues).iter().map(record).collect(),
    };
    json(StatusCode::OK, &page)
}

async fn issue(request: AuthenticatedRequest, id: Result<Path<String>, PathRejection>) -> Response {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    match request.view.issue(&id).or_else(|| request.view.successor(&id)) {
        Some(issue) => json(StatusCode::OK, &IssueDetails::new(&request.view, issue)),
        None => request.not_found(
            "There is no open issue of this id: it was resolved, which its page shows for a while, its workload is gone, or you may not \
             see its namespace.",
        ),
    }
}

async fn workloads(FilteredRequest { view, filter, .. }: FilteredRequest<WorkloadFilter>) -> Response {
    let workloads = filter.select(view.workloads());
    let pages = Pagination::new(filter.page, filter.per_page, workloads.len(), |_| String::new());
    let page = WorkloadPage {
        total: workloads.len(),
        page: pages.number,
        pages: pages.count,
        workloads: pages.rows(&workloads).iter().map(|workload| WorkloadRecord::new(workload)).collect(),
    };
    json(StatusCode::OK, &page)
}

async fn workload(
    request: AuthenticatedRequest,
    name: Result<Path<(String, String, String)>, PathRejection>,
) -> Response {
    let (namespace, kind, name) = name.map(|Path(name)| name).unwrap_or_default();
    match request.view.workload(&(namespace.into(), kind.into(), name.into())) {
        Some(workload) => json(StatusCode::OK, &WorkloadDetails::new(workload, request.view.now)),
        None => request.not_found("There is no such workload."),
    }
}
