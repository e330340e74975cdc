//! What goes back.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::console::Refused;
use crate::access::Denied;

/// Why there is no page, in words that anybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) lines: Vec<String>,
    /// Seconds after which it is worth another try, where there is a time.
    pub(crate) retry_after: Option<u16>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, line: impl Into<String>) -> Self {
        Self { status, lines: vec![line.into()], retry_after: None }
    }

    /// Several things that are wrong with an address.
    pub(crate) fn bad_request(lines: Vec<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, lines, retry_after: None }
    }

    /// A form that is taken from pages of ours alone.
    pub(super) fn of_another_site() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This form was sent from another site.")
    }

    pub(super) fn refused(refused: Refused) -> Self {
        let (status, line, retry_after) = match refused {
            Refused::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tokens from here were wrong. Try again in a minute.",
                Some(60),
            ),
            Refused::Denied(Denied::Unauthenticated) => (
                StatusCode::UNAUTHORIZED,
                "The API server does not accept this token: it is wrong, or has expired.",
                None,
            ),
            Refused::Denied(Denied::Busy) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many people whom nobody knows come at once. Try again in some seconds.",
                Some(10),
            ),
            Refused::Denied(Denied::Unavailable) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The API server does not answer, so nobody can tell who you are. Try again in a moment.",
                Some(10),
            ),
        };
        Self { retry_after, ..Self::new(status, line) }
    }

    /// Puts what a program reads of it into the head of an answer.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A page.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be written.\n").into_response(),
    }
}

/// A JSON document.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This answer cannot be written.\n").into_response(),
    }
}
