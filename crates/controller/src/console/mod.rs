//! The console, served by the controller from its memory.

mod authorizer;
mod field_owner;
mod shown;
mod source;

use std::sync::Arc;

use axum::Router;
use kube::Client;
use tagwatch_console::{Authorizer, OpenToAll, Options, router};

use crate::options::EndpointAccess;
use authorizer::ReviewAuthorizer;
pub(crate) use field_owner::FieldOwner;
pub(crate) use shown::shown;
pub(crate) use source::ConsoleSource;

/// The pages and the JSON of the console.
pub(crate) fn routes(source: ConsoleSource, access: &EndpointAccess, client: &Client) -> Router {
    let (authorizer, tls): (Arc<dyn Authorizer>, bool) = match access {
        EndpointAccess::Anonymous => (Arc::new(OpenToAll), false),
        EndpointAccess::Token { .. } => (Arc::new(ReviewAuthorizer::new(client.clone())), true),
    };
    router(Arc::new(source), authorizer, Options { tls })
}
