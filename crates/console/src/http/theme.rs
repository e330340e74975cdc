//! Light or dark: what the system says, or what somebody chose here. It works without a script, so it is a form.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::{Console, Problem};
use crate::access::{cookie, is_from_here, same_site_path, set_cookie};
use crate::pages::Frame;

const COOKIE: &str = "tagwatch-theme";
const YEAR: u64 = 365 * 24 * 3600;

/// The colours of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        cookie(headers, COOKIE).and_then(Self::parse).unwrap_or_default()
    }
}

/// Remembers a theme and leads back.
pub(super) async fn choose(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let frame = Frame::of(&uri, &headers);
    if !is_from_here(&headers) {
        return frame.refuse(&Problem::of_another_site());
    }
    let (mut theme, mut next) = (None, "/".to_owned());
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "theme" => theme = Theme::parse(&value),
            "next" => same_site_path(&value).unwrap_or("/").clone_into(&mut next),
            _ => {}
        }
    }
    let Some(theme) = theme else {
        let line = "theme: expected system, light or dark";
        return frame.refuse(&Problem::new(StatusCode::BAD_REQUEST, line));
    };
    let age = if theme == Theme::System { 0 } else { YEAR };
    let cookie = set_cookie(COOKIE, theme.as_str(), age, console.options.tls);
    (AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))), Redirect::to(&next)).into_response()
}
