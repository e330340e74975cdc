//! The style sheet and the icon, at addresses that change with the version.

use axum::http::{HeaderName, header};
use axum::response::IntoResponse;

pub(crate) const STYLE: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/console.css");
pub(crate) const ICON: &str = "/assets/icon.svg";

/// Short, since a build between two versions can differ.
const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "private, max-age=300");

pub(super) async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), CACHE];
    (headers, include_str!("../../assets/console.css"))
}

pub(super) async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), CACHE], include_str!("../../assets/icon.svg"))
}
