//! Why the controller ended.

use tagwatch_client::ClientError;
use thiserror::Error;
use tokio::task::JoinError;

use crate::serve::ListenError;

/// Why the controller ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// No client can be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An endpoint cannot be served.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Two metrics have one name: a bug.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A task returned that should run forever.
    #[error("the task \"{0}\" ended by itself; ending the process, so that it is started anew")]
    TaskEnded(&'static str),
    /// A task panicked, so what it kept up to date is stale from now on.
    #[error("the task \"{task}\" failed; ending the process, so that it is started anew: {source}")]
    TaskPanicked {
        /// Name of the task.
        task: &'static str,
        /// The error of the join, which holds the panic.
        source: JoinError,
    },
}
