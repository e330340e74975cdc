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
}

impl Problem {
    pub(crate) fn new(status: StatusCode, line: impl Into<String>) -> Self {
        Self { status, lines: vec![line.into()] }
    }

    /// Several things that are wrong with an address.
    pub(crate) fn bad_request(lines: Vec<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, lines }
    }

    pub(super) fn refused(refused: Refused) -> Self {
        match refused {
            Refused::TooMany => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tokens from here were wrong. Try again in a minute.",
            ),
            Refused::Denied(Denied::Unauthenticated) => Self::new(
                StatusCode::UNAUTHORIZED,
                "The API server does not accept this token: it is wrong, or has expired.",
            ),
            Refused::Denied(Denied::Unavailable) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The API server does not answer, so nobody can tell who you are. Try again in a moment.",
            ),
        }
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
