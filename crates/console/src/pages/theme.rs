//! The choice of light or dark colours.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::form::{FormRequest, field, next, redirect};
use crate::http::{Console, Problem, THEME_COOKIE, Theme, set_cookie};

/// How long the browser keeps the chosen theme, in seconds.
const YEAR: u64 = 365 * 24 * 3600;

pub(super) async fn set_theme(
    State(console): State<Arc<Console>>,
    FormRequest { frame, .. }: FormRequest,
    body: Bytes,
) -> Response {
    let Some(theme) = field(&body, "theme").as_deref().and_then(Theme::parse) else {
        let line = "theme: expected system, light or dark";
        return frame.refuse(&Problem::new(StatusCode::BAD_REQUEST, line));
    };
    let age = if theme == Theme::System { 0 } else { YEAR };
    redirect(&next(&body), set_cookie(THEME_COOKIE, theme.as_str(), age, console.options.tls))
}
