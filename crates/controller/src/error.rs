//! Why the controller ended.

use std::net::SocketAddr;

use thiserror::Error;
use tokio::task::JoinError;

use crate::api::ClientError;
use crate::tls::CertificateError;

/// Why the controller ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// There is no cluster to talk to.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// TLS was asked for, and there is no certificate.
    #[error("TLS: {0}")]
    Certificate(#[from] CertificateError),
    /// The file that shall hold the bound address cannot be written.
    #[error("cannot write {path}: {source}")]
    AddressFile {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Two metrics of one name: a bug.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A task ended that never ends.
    #[error("the task \"{0}\" ended by itself; ending the process, so that it is started anew")]
    TaskEnded(&'static str),
    /// A task panicked.
    #[error("a task failed; ending the process, so that it is started anew: {0}")]
    TaskFailed(#[from] JoinError),
}
