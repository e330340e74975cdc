//! Light or dark colours.

use axum::http::HeaderMap;
use tagwatch_core::named;

use super::cookies::cookie;

pub(crate) const THEME_COOKIE: &str = "tagwatch-theme";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// The setting of the operating system.
    #[default]
    System,
    Light,
    Dark,
}

named!(Theme {
    System => "system",
    Light => "light",
    Dark => "dark",
});

impl Theme {
    /// The theme that the request's cookie names.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        cookie(headers, THEME_COOKIE).and_then(Self::parse).unwrap_or_default()
    }
}
