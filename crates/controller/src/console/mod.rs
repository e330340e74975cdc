//! The console, served by the controller from its memory.

mod field_owner;
mod reviews;
mod shown;
mod source;

use std::future::Future;
use std::sync::Arc;

use kube::Client;
use tagwatch_console::{Authorizer, OpenToAll, Options, router};
use tokio_util::sync::CancellationToken;

use crate::controller::Controller;
use crate::error::RunError;
use crate::options::{Access, ConsoleOptions, RunOptions};
use crate::serve::{self, Entrance, bound};
use crate::tls::Of;
pub(crate) use field_owner::FieldOwner;
use reviews::Reviews;
pub(crate) use shown::shown;
use source::ConsoleSource;

/// Listens, and gives what serves the console until it is cancelled.
///
/// # Errors
/// When the address cannot be bound, or there is no certificate.
pub(crate) async fn serve(
    console: &ConsoleOptions,
    options: &RunOptions,
    controller: &Arc<Controller>,
    client: &Client,
    cancelled: CancellationToken,
) -> Result<impl Future<Output = &'static str> + Send + use<>, RunError> {
    let listener = serve::listen(console.address, console.address_file.as_deref()).await?;
    tracing::info!(address = %bound(&listener), "serving the console");
    let (authorizer, tls): (Arc<dyn Authorizer>, bool) = match console.access {
        Access::Everybody => (Arc::new(OpenToAll), false),
        Access::Token { .. } => (Arc::new(Reviews::new(client.clone())), true),
    };
    let entrance = Entrance::new(listener, console.access.clone(), Of::Console)?;
    let source = ConsoleSource::new(Arc::clone(controller), options.cluster_name.clone());
    let routes = router(Arc::new(source), authorizer, Options { tls });
    Ok(async move {
        if let Err(error) = entrance.serve(routes, cancelled).await {
            tracing::error!(%error, "the console failed");
        }
        "console"
    })
}
