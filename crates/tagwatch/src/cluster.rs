//! A client for commands that read a cluster once.

use anyhow::anyhow;
use tagwatch_client::{Client, RequestCounter, ServerClock, connect};
use tokio::runtime::Builder;

use crate::run::user_agent;
use crate::status::Failure;

/// Runs `read` with a client for the current or the given context of the kubeconfig, and the clock of its API server.
pub(crate) fn with_client<T>(
    context: Option<&str>,
    read: impl AsyncFnOnce(Client, ServerClock) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let requests = RequestCounter::new().map_err(|error| Failure::Other(anyhow!(error)))?;
        let clock = ServerClock::default();
        let client = connect(context, &user_agent(), requests, clock.clone()).await;
        read(client.map_err(|error| Failure::Api(anyhow!("{error}")))?, clock).await
    })
}
