//! What the process serves: metrics and health at the admin endpoint, and the console; with TLS, and access by tokens that
//! the API server reviews.

pub(crate) mod access;
pub(crate) mod admin;
mod connection;
mod connections;
pub(crate) mod console;
mod endpoint;
mod in_process;
mod listener;
pub(crate) mod metrics;
mod tls;
mod turns;
mod write_limit;

pub use endpoint::EndpointAccess;
pub(crate) use endpoint::EndpointKind;
pub use in_process::InProcessEndpoints;
pub use listener::ListenError;
pub(crate) use listener::ServerListener;
pub use tls::{CertificateError, CertificateFiles};
