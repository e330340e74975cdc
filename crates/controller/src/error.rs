//! Why the controller ended.

use std::io;
use std::net::SocketAddr;

use tagwatch_client::ClientError;
use thiserror::Error;
use tokio::task::JoinError;

use crate::tls::CertificateError;

/// Why the controller ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// No client can be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// TLS is configured and there is no usable certificate.
    #[error("TLS: {0}")]
    Certificate(#[from] CertificateError),
    /// The file for the bound address cannot be written.
    #[error("cannot write {path}: {source}")]
    AddressFile {
        /// Path of the file.
        path: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Two metrics have one name: a bug.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A task returned that should run forever.
    #[error("the task \"{0}\" ended by itself; ending the process, so that it is started anew")]
    TaskEnded(&'static str),
    /// A server failed.
    #[error("the task \"{task}\" failed; ending the process, so that it is started anew: {source}")]
    ServerFailed {
        /// Name of the task.
        task: &'static str,
        /// The error of its listener.
        source: io::Error,
    },
    /// A task panicked.
    #[error("the task \"{task}\" failed; ending the process, so that it is started anew: {source}")]
    TaskPanicked {
        /// Name of the task.
        task: &'static str,
        /// The panic.
        source: JoinError,
    },
}
