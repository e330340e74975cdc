//! Issues as files: all that a filter admits, without pages.

mod csv;
mod markdown;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::filter::Filter;
use crate::filtered::FilteredRequest;
use crate::http::{Console, json};
use crate::record::{IssuePage, IssueRecord};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/issues.csv", get(csv_file))
        .route("/issues.json", get(json_file))
        .route("/issues.md", get(markdown_file))
}

async fn csv_file(request: FilteredRequest<Filter>) -> Response {
    file("csv", "text/csv; charset=utf-8", csv::table(&issues(request)))
}

async fn markdown_file(request: FilteredRequest<Filter>) -> Response {
    file("md", "text/markdown; charset=utf-8", markdown::table(&issues(request)))
}

async fn json_file(request: FilteredRequest<Filter>) -> Response {
    let issues = issues(request);
    let page = IssuePage { total: issues.len(), page: 1, pages: 1, issues };
    ([disposition("json")], json(StatusCode::OK, &page)).into_response()
}

fn issues(FilteredRequest { view, filter, .. }: FilteredRequest<Filter>) -> Vec<IssueRecord> {
    let issues = filter.select(view.issues(), view.now).into_iter();
    issues.map(|issue| IssueRecord::new(issue, view.now)).collect()
}

fn file(extension: &str, content_type: &str, text: String) -> Response {
    let content_type = (header::CONTENT_TYPE, content_type.to_owned());
    ([content_type, disposition(extension)], text).into_response()
}

fn disposition(extension: &str) -> (HeaderName, String) {
    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"tagwatch-issues.{extension}\""))
}
