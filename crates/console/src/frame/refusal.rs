//! Answers other than the page or document that was asked for.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Frame;
use crate::http::{Problem, html, json};
use crate::record::ErrorRecord;

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    frame: &'a Frame,
    status: u16,
    title: &'static str,
    lines: &'a [String],
}

/// Makes the browser request the same page again.
#[derive(Template)]
#[template(path = "reload.html")]
struct ReloadPage<'a> {
    here: &'a str,
}

impl Frame {
    /// The problem as a page, or as JSON for the API.
    pub(crate) fn refuse(&self, problem: &Problem) -> Response {
        let (status, lines) = (problem.status, &problem.lines);
        let response = if self.is_api() {
            json(status, &ErrorRecord { status: status.as_u16(), messages: lines.clone() })
        } else {
            html(status, &RefusalPage { frame: self, status: status.as_u16(), title: title(status), lines })
        };
        problem.add_headers(response)
    }

    /// Makes the browser send the request again, now from a page of this console.
    pub(crate) fn reload(&self) -> Response {
        html(StatusCode::OK, &ReloadPage { here: &self.here })
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::BAD_REQUEST => "This address does not work",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "Not for you",
    }
}
