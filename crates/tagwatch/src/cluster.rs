//! A client for commands that read a cluster once.

use std::io;

use anyhow::anyhow;
use tagwatch_client::{
    CallError, Client, ClusterChoice, Connection, OnThrottling, RequestCounter, ServerClock, ServerName,
    connect,
};
use tokio::runtime::Builder;

use crate::run::user_agent;
use crate::status::Failure;

/// Runs `read` with a client for a cluster and the clock of its API server. Its errors name server and context.
pub(crate) fn with_client<T>(
    choice: &ClusterChoice,
    read: impl AsyncFnOnce(Client, ServerClock) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let requests = RequestCounter::new().map_err(|error| Failure::Other(anyhow!(error)))?;
        let clock = ServerClock::default();
        let connection = connect(choice, &user_agent(), requests, clock.clone(), OnThrottling::Wait).await;
        let Connection { client, server } = connection.map_err(|error| Failure::Api(anyhow!("{error}")))?;
        read(client, clock).await.map_err(|failure| match failure {
            Failure::Api(error) => Failure::Api(anyhow!(in_words(&error, &server))),
            failure => failure,
        })
    })
}

/// The error with server and context, and the most frequent ones in the words of kubectl.
fn in_words(error: &anyhow::Error, server: &ServerName) -> String {
    let is_refused = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    let call = || error.chain().find_map(|cause| cause.downcast_ref::<CallError>());
    if error.chain().any(is_refused) {
        format!("the connection was refused: are host and port right? ({server})")
    } else if let Some(cause) = call().and_then(CallError::unconnected) {
        format!("cannot connect to the server: {cause} ({server})")
    } else if call().and_then(CallError::code) == Some(401) {
        format!("you must be logged in to the server: {error} ({server})")
    } else {
        // Its text contains the causes, which a chain would repeat.
        format!("{error} ({server})")
    }
}
