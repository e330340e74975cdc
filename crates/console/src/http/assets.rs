//! The style sheet and the icon. The address of the style sheet changes with the version.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;

pub(crate) const STYLE: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/console.css");
pub(crate) const ICON: &str = "/assets/icon.svg";

/// Short, because a build between two versions can differ.
const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "private, max-age=300");

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(STYLE, get(style)).route(ICON, get(icon))
}

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), CACHE];
    (headers, include_str!("../../assets/console.css"))
}

async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), CACHE], include_str!("../../assets/icon.svg"))
}
