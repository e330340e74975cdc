//! Issues as files: all that a filter admits, without pages.

mod csv;
mod markdown;

use std::sync::Arc;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::auth::AuthenticatedRequest;
use crate::filter::{Filter, UnknownFields};
use crate::http::{Console, Problem, json};
use crate::record::{IssuePage, IssueRecord};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/issues.csv", get(csv_file))
        .route("/issues.json", get(json_file))
        .route("/issues.md", get(markdown_file))
}

async fn csv_file(request: AuthenticatedRequest, RawQuery(query): RawQuery) -> Response {
    export(&request, query.as_deref(), |issues| file("csv", "text/csv; charset=utf-8", csv::table(&issues)))
}

async fn markdown_file(request: AuthenticatedRequest, RawQuery(query): RawQuery) -> Response {
    export(&request, query.as_deref(), |issues| {
        file("md", "text/markdown; charset=utf-8", markdown::table(&issues))
    })
}

async fn json_file(request: AuthenticatedRequest, RawQuery(query): RawQuery) -> Response {
    export(&request, query.as_deref(), |issues| {
        let page = IssuePage { total: issues.len(), page: 1, pages: 1, issues };
        ([disposition("json")], json(StatusCode::OK, &page)).into_response()
    })
}

fn export(
    AuthenticatedRequest { view, frame }: &AuthenticatedRequest,
    query: Option<&str>,
    write: impl Fn(Vec<IssueRecord>) -> Response,
) -> Response {
    match Filter::parse(query, UnknownFields::Ignored) {
        Ok(filter) => {
            let issues = filter.select(view.issues()).into_iter();
            write(issues.map(|issue| IssueRecord::new(issue, view.now)).collect())
        }
        Err(problems) => frame.refuse(&Problem::bad_request(problems)),
    }
}

fn file(extension: &str, content_type: &str, text: String) -> Response {
    let content_type = (header::CONTENT_TYPE, content_type.to_owned());
    ([content_type, disposition(extension)], text).into_response()
}

fn disposition(extension: &str) -> (HeaderName, String) {
    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"tagwatch-issues.{extension}\""))
}
