//! Addresses, who is let in to them, and what goes out with every answer.

mod answer;
mod assets;
mod console;
mod enter;
mod headers;
mod login;
mod theme;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::{get, post};

use crate::access::Authorizer;
use crate::source::Source;
use crate::{api, export, pages};

pub(crate) use answer::{Problem, html, json};
pub(crate) use assets::{ICON, STYLE};
pub(crate) use console::Console;
pub(crate) use enter::Guest;
pub(crate) use theme::Theme;

/// Largest form in bytes: a token with what escaping adds.
const MAX_BODY: usize = 64 * 1024;

/// What depends on where the console is served.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether browsers reach it by TLS: then cookies never go without.
    pub tls: bool,
}

/// The console. Serve it with `into_make_service_with_connect_info::<SocketAddr>`, so that wrong tokens are counted for
/// each peer; without, all peers share one count.
pub fn router(source: Arc<dyn Source>, authorizer: Arc<dyn Authorizer>, options: Options) -> Router {
    let console = Arc::new(Console::new(source, authorizer, options));
    Router::new()
        .merge(pages::routes())
        .merge(export::routes())
        .merge(api::routes())
        .route("/login", get(login::form).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/theme", post(theme::choose))
        .route(assets::STYLE, get(assets::style))
        .route(assets::ICON, get(assets::icon))
        .fallback(pages::nothing_here)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(headers::add))
        .with_state(console)
}
