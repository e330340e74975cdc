//! Every address of the console, and what holds for all of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};

use crate::access::{Authorizer, mark_admitted};
use crate::http::{Console, Options, add_security_headers, assets};
use crate::source::Source;
use crate::{api, export, files, pages};

/// Largest form in bytes: a token, with what escaping adds.
const MAX_BODY: usize = 64 * 1024;

/// The console. Without an authorizer, every request may see everything without a token; the console then answers only to
/// loopback names and IP addresses, so that no other site can read it under a name of its own.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>`, so that each peer has its own limit
/// of rejected tokens; without it, all peers share one. The answer to a caller who may see something, and to their log-in, has
/// the extension [`Admitted`](crate::Admitted).
pub fn router(source: Arc<dyn Source>, authorizer: Option<Arc<dyn Authorizer>>, options: Options) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(export::routes())
        .merge(files::routes())
        .merge(api::routes())
        .merge(assets::routes())
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(add_security_headers))
        .layer(from_fn(mark_admitted))
        .with_state(Arc::new(Console::new(source, authorizer, options)))
}
