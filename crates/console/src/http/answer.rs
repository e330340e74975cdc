//! Pages, JSON documents and problems as responses.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::state::AuthError;
use crate::access::Denied;

/// Why there is no page, in words that are safe to show to every caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) lines: Vec<String>,
    /// Seconds after which a retry can succeed.
    retry_after: Option<u16>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, line: impl Into<String>) -> Self {
        Self { status, lines: vec![line.into()], retry_after: None }
    }

    pub(crate) fn bad_request(lines: Vec<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, lines, retry_after: None }
    }

    /// Why something is not there.
    pub(crate) fn not_found(lines: Vec<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, lines, retry_after: None }
    }

    /// A form that another site's page sent.
    pub(crate) fn cross_site_form() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This form was sent from another site.")
    }

    /// Adds `Retry-After` to a response.
    pub(crate) fn add_headers(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let (status, line, retry_after) = match error {
            AuthError::TooManyAttempts => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tokens from here were wrong. Try again in a minute.",
                Some(60),
            ),
            AuthError::Denied(Denied::Unauthenticated) => (
                StatusCode::UNAUTHORIZED,
                "The API server does not accept this token: it is wrong, or has expired.",
                None,
            ),
            AuthError::Denied(Denied::Busy) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many unknown tokens at once. Try again in a few seconds.",
                Some(10),
            ),
            AuthError::Denied(Denied::Unavailable) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The API server does not answer, so your token cannot be checked. Try again in a moment.",
                Some(10),
            ),
        };
        Self { retry_after, ..Self::new(status, line) }
    }
}

pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be written.\n").into_response(),
    }
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This answer cannot be written.\n").into_response(),
    }
}
