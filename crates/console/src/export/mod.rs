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
    let text = records(&guest, query.as_deref()).map(|records| csv::table(&records));
    text.map_or_else(|refused| refused, |text| file("csv", "text/csv; charset=utf-8", text))
}

async fn markdown_file(guest: Guest, RawQuery(query): RawQuery) -> Response {
    let text = records(&guest, query.as_deref()).map(|records| markdown::table(&records));
    text.map_or_else(|refused| refused, |text| file("md", "text/markdown; charset=utf-8", text))
}

async fn json_file(guest: Guest, RawQuery(query): RawQuery) -> Response {
    let issues = match records(&guest, query.as_deref()) {
        Ok(issues) => issues,
        Err(refused) => return refused,
    };
    let page = IssuePage { total: issues.len(), page: 1, pages: 1, issues };
    let (name, value) = disposition("json");
    let mut response = json(StatusCode::OK, &page);
    response.headers_mut().extend(value.parse().ok().map(|value| (name, value)));
    response
}

fn records(Guest { view, frame }: &Guest, query: Option<&str>) -> Result<Vec<IssueRecord>, Response> {
    let filter = Filter::parse(query, Unknown::Ignored)
        .map_err(|problems| frame.refuse(&Problem::bad_request(problems)))?;
    Ok(chosen(view, &filter).into_iter().map(|found| IssueRecord::new(found, view.now)).collect())
}

fn file(extension: &str, content_type: &str, text: String) -> Response {
    let content_type = (header::CONTENT_TYPE, content_type.to_owned());
    ([content_type, disposition(extension)], text).into_response()
}

fn disposition(extension: &str) -> (HeaderName, String) {
    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"tagwatch-issues.{extension}\""))
}
