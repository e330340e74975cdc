//! Pages for what is not there, and for those who are not let in.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::Frame;
use crate::http::{Guest, Problem, html};

/// Why there is no page.
#[derive(Template)]
#[template(path = "refusal.html")]
pub(super) struct RefusalPage<'a> {
    frame: &'a Frame,
    status: u16,
    title: &'static str,
    lines: Vec<String>,
}

/// Leads a browser on to the same page.
#[derive(Template)]
#[template(path = "onward.html")]
pub(super) struct OnwardPage<'a> {
    pub(super) here: &'a str,
}

/// Asks for a token.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: &'a Frame,
    next: &'a str,
    problem: Option<&'a String>,
}

impl<'a> RefusalPage<'a> {
    pub(super) fn new(frame: &'a Frame, problem: &Problem) -> Self {
        let title = match problem.status {
            StatusCode::NOT_FOUND => "Nothing here",
            StatusCode::BAD_REQUEST => "This address does not work",
            StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "Not for you",
        };
        Self { frame, status: problem.status.as_u16(), title, lines: problem.lines.clone() }
    }
}

/// The form that takes a token.
pub(crate) fn login_page(
    frame: &Frame,
    status: StatusCode,
    next: &str,
    problem: Option<&String>,
) -> Response {
    html(status, &LoginPage { frame, next, problem })
}

/// Every address that no page has.
pub(crate) async fn nothing_here(guest: Guest) -> Response {
    guest.not_found("There is no such page.")
}

impl Guest {
    pub(crate) fn not_found(&self, line: &str) -> Response {
        self.frame.refuse(&Problem::new(StatusCode::NOT_FOUND, line))
    }
}
