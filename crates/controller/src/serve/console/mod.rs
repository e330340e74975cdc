//! The console, served by the controller from its memory.

mod authorizer;
mod source;

use std::sync::Arc;

use axum::Router;
use kube::Client;
use tagwatch_console::{Authorizer, OpenToAll, Options, router};

use super::endpoint::EndpointAccess;
use authorizer::ReviewAuthorizer;
pub(crate) use source::{ConsoleSource, ConsoleState};

/// The pages and the JSON of the console.
pub(crate) fn routes(source: ConsoleSource, access: &EndpointAccess, client: &Client) -> Router {
    let (authorizer, tls): (Arc<dyn Authorizer>, bool) = match access {
        EndpointAccess::Anonymous => (Arc::new(OpenToAll), false),
        EndpointAccess::Token { .. } => (Arc::new(ReviewAuthorizer::new(client.clone())), true),
    };
    router(Arc::new(source), authorizer, Options { tls })
}
