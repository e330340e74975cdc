//! The JSON API, and the document that describes it.

mod openapi;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::filter::{Filter, Unknown};
use crate::http::{Console, Guest, Problem, json};
use crate::pages::{Pages, WorkloadFilter, chosen};
use crate::record::{
    IssueDetails, IssuePage, IssueRecord, NamespaceList, OverviewRecord, RuleList, WorkloadDetails,
    WorkloadPage, WorkloadRecord,
};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/overview", get(overview))
        .route("/api/v1/issues", get(issues))
        .route("/api/v1/issues/{id}", get(issue))
        .route("/api/v1/namespaces", get(namespaces))
        .route("/api/v1/workloads", get(workloads))
        .route("/api/v1/workloads/{namespace}/{kind}/{name}", get(workload))
        .route("/api/v1/rules", get(rules))
}

async fn overview(Guest { view, .. }: Guest) -> Response {
    json(StatusCode::OK, &OverviewRecord::new(&view))
}

async fn namespaces(Guest { view, .. }: Guest) -> Response {
    json(StatusCode::OK, &NamespaceList::new(&view))
}

async fn rules(Guest { view, .. }: Guest) -> Response {
    json(StatusCode::OK, &RuleList::new(&view))
}

async fn issues(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let filter = match Filter::parse(query.as_deref(), Unknown::Refused) {
        Ok(filter) => filter,
        Err(problems) => return frame.refuse(&Problem::bad_request(problems)),
    };
    let found = chosen(&view, &filter);
    let pages = Pages::new(filter.page, found.len(), |_| String::new());
    let record = |&found| IssueRecord::new(found, view.now);
    let page = IssuePage {
        total: found.len(),
        page: pages.number,
        pages: pages.count,
        issues: pages.of(&found).iter().map(record).collect(),
    };
    json(StatusCode::OK, &page)
}

async fn issue(guest: Guest, id: Result<Path<String>, PathRejection>) -> Response {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    match guest.view.issue(&id).or_else(|| guest.view.successor(&id)) {
        Some(found) => json(StatusCode::OK, &IssueDetails::new(&guest.view, found)),
        None => guest.not_found("There is no such issue."),
    }
}

async fn workloads(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let filter = match WorkloadFilter::parse(query.as_deref(), Unknown::Refused) {
        Ok(filter) => filter,
        Err(problems) => return frame.refuse(&Problem::bad_request(problems)),
    };
    let chosen = filter.chosen(&view);
    let pages = Pages::new(filter.page, chosen.len(), |_| String::new());
    let page = WorkloadPage {
        total: chosen.len(),
        page: pages.number,
        pages: pages.count,
        workloads: pages.of(&chosen).iter().map(|workload| WorkloadRecord::new(workload)).collect(),
    };
    json(StatusCode::OK, &page)
}

async fn workload(guest: Guest, name: Result<Path<(String, String, String)>, PathRejection>) -> Response {
    let (namespace, kind, name) = name.map(|Path(name)| name).unwrap_or_default();
    match guest.view.workload(&(namespace.into(), kind.into(), name.into())) {
        Some(workload) => json(StatusCode::OK, &WorkloadDetails::new(workload, guest.view.now)),
        None => guest.not_found("There is no such workload."),
    }
}
