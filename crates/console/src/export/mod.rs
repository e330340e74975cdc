//! Issues as files: what a filter admits, all of it.

mod csv;
mod markdown;

use std::sync::Arc;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::filter::{Filter, Unknown};
use crate::http::{Console, Guest, Problem, json};
use crate::pages::chosen;
use crate::record::{IssuePage, IssueRecord};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/issues.csv", get(csv_file))
        .route("/issues.json", get(json_file))
        .route("/issues.md", get(markdown_file))
}

async fn csv_file(guest: Guest, RawQuery(query): RawQuery) -> Response {
    match records(&guest, query.as_deref()) {
        Ok(records) => file("csv", "text/csv; charset=utf-8", csv::table(&records)),
        Err(problem) => guest.frame.refuse(&problem),
    }
}

async fn markdown_file(guest: Guest, RawQuery(query): RawQuery) -> Response {
    match records(&guest, query.as_deref()) {
        Ok(records) => file("md", "text/markdown; charset=utf-8", markdown::table(&records)),
        Err(problem) => guest.frame.refuse(&problem),
    }
}

async fn json_file(guest: Guest, RawQuery(query): RawQuery) -> Response {
    let issues = match records(&guest, query.as_deref()) {
        Ok(issues) => issues,
        Err(problem) => return guest.frame.refuse(&problem),
    };
    let page = IssuePage { total: issues.len(), page: 1, pages: 1, issues };
    ([disposition("json")], json(StatusCode::OK, &page)).into_response()
}

fn records(Guest { view, .. }: &Guest, query: Option<&str>) -> Result<Vec<IssueRecord>, Problem> {
    let filter = Filter::parse(query, Unknown::Ignored).map_err(Problem::bad_request)?;
    Ok(chosen(view, &filter).into_iter().map(|found| IssueRecord::new(found, view.now)).collect())
}

fn file(extension: &str, content_type: &str, text: String) -> Response {
    let content_type = (header::CONTENT_TYPE, content_type.to_owned());
    ([content_type, disposition(extension)], text).into_response()
}

fn disposition(extension: &str) -> (HeaderName, String) {
    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"tagwatch-issues.{extension}\""))
}
