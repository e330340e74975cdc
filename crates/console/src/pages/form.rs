//! Forms, which work without scripts: a request from a page of this console, and a redirect as the answer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use crate::frame::Frame;
use crate::http::{Problem, is_same_site, same_site_path};

/// A request that a form of this console made. Those of other sites are refused.
pub(super) struct FormRequest {
    pub(super) frame: Frame,
    pub(super) headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for FormRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let frame = Frame::new(&parts.uri, &parts.headers);
        if !is_same_site(&parts.headers) {
            return Err(frame.refuse(&Problem::cross_site_form()));
        }
        Ok(Self { frame, headers: parts.headers.clone() })
    }
}

/// The last value of a field.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
}

/// The path to redirect to.
pub(super) fn next(body: &[u8]) -> String {
    field(body, "next").as_deref().and_then(same_site_path).unwrap_or("/").to_owned()
}

pub(super) fn redirect(next: &str, cookie: Option<HeaderValue>) -> Response {
    (AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))), Redirect::to(next)).into_response()
}
