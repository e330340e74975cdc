//! The console, served by the controller from its memory.

mod absence;
mod authorizer;
mod health;
mod source;

use std::sync::Arc;

use axum::Router;
use kube::Client;
use tagwatch_client::ServerClock;
use tagwatch_console::{Authorizer, Options, router};

use super::endpoint::EndpointAccess;
use authorizer::ReviewAuthorizer;
pub(crate) use source::{ConsoleSource, ConsoleState};

/// The pages and the JSON of the console. The client is for its access reviews alone; `audience` is that of tokens for
/// tagwatch alone.
pub(crate) fn routes(
    source: ConsoleSource,
    access: &EndpointAccess,
    reviews: Client,
    audience: String,
    clock: ServerClock,
) -> Router {
    let authorizer: Option<Arc<dyn Authorizer>> = match access {
        EndpointAccess::Anonymous => None,
        EndpointAccess::Token { .. } => {
            Some(Arc::new(ReviewAuthorizer::new(reviews, audience.clone(), clock)))
        }
    };
    let tls = authorizer.is_some();
    router(Arc::new(source), authorizer, Options { audience, tls })
}
