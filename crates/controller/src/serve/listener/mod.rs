//! Listens on an address, with TLS or without.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use tagwatch_console::Peer;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::{ConnectionServer, TimeLimits};
use super::connections::Connections;
use super::endpoint::{EndpointAccess, EndpointKind};
use super::tls::{Certificate, CertificateError, acceptor};
use super::turns::Turns;
use crate::state::metrics::ConnectionMetrics;

/// Why an endpoint cannot be served.
#[derive(Debug, Error)]
pub enum ListenError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Address {
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
}

/// A bound address that serves HTTP or HTTPS.
pub(crate) struct ServerListener {
    listener: TcpListener,
    kind: EndpointKind,
    /// `None` speaks plain HTTP.
    certificate: Option<(Arc<Certificate>, TlsAcceptor)>,
}

impl ServerListener {
    /// Binds the address, and writes it to `address_file`; port 0 lets the operating system choose. Where access needs
    /// tokens, the connection is encrypted.
    ///
    /// # Errors
    /// When the address cannot be bound, its file cannot be written, or the certificate cannot be used.
    pub(crate) async fn bind(
        address: SocketAddr,
        address_file: Option<&Path>,
        access: EndpointAccess,
        kind: EndpointKind,
    ) -> Result<Self, ListenError> {
        let listener = bind(address, address_file).await?;
        let certificate = match access {
            EndpointAccess::Anonymous => None,
            EndpointAccess::Token { certificate } => {
                let certificate = Arc::new(Certificate::load(certificate)?);
                let tls = acceptor(Arc::clone(&certificate))?;
                Some((certificate, tls))
            }
        };
        Ok(Self { listener, kind, certificate })
    }

    /// The bound address, for a log line.
    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    /// Serves until cancelled, and then until the requests that have begun are answered. Handlers find the peer as
    /// `ConnectInfo<SocketAddr>`.
    pub(crate) async fn serve(
        self,
        routes: Router,
        metrics: ConnectionMetrics,
        cancelled: CancellationToken,
    ) {
        self.serve_within(TimeLimits::default(), routes, metrics, cancelled).await;
    }

    async fn serve_within(
        self,
        limits: TimeLimits,
        routes: Router,
        metrics: ConnectionMetrics,
        cancelled: CancellationToken,
    ) {
        let Self { mut listener, kind, certificate } = self;
        let connections = Connections::new(kind, kind.max_connections(), metrics);
        let tls = certificate.as_ref().map(|(_, tls)| tls.clone());
        let (turns, cancelling) = (Arc::<Turns>::default(), cancelled.clone());
        let server = ConnectionServer { kind, limits, routes, tls, cancelled: cancelling, turns };
        let mut reloading = pin!(async {
            match &certificate {
                Some((certificate, _)) => certificate.reload_forever(kind.as_str()).await,
                None => pending().await,
            }
        });
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => break,
                () = reloading.as_mut() => {}
                Some(ended) = open.join_next(), if !open.is_empty() => log_panic(kind, ended),
                // axum's own, which waits and goes on when file descriptors run out.
                (stream, peer) = Listener::accept(&mut listener) => {
                    let connection = connections.open(Peer::of(peer.ip()));
                    open.spawn(server.clone().serve(stream, peer, connection));
                }
            }
        }
        drop(listener);
        while let Some(ended) = open.join_next().await {
            log_panic(kind, ended);
        }
    }
}

/// A panic ends its connection alone.
fn log_panic(kind: EndpointKind, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a request to the {kind} ended in a panic; this is a bug in tagwatch");
    }
}

async fn bind(address: SocketAddr, file: Option<&Path>) -> Result<TcpListener, ListenError> {
    let refused = |source| ListenError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    if let Some(path) = file {
        write_address(path, bound)
            .map_err(|source| ListenError::AddressFile { path: path.display().to_string(), source })?;
    }
    Ok(listener)
}

/// Writes to another name and renames, so that a reader never sees half an address.
fn write_address(path: &Path, address: SocketAddr) -> io::Result<()> {
    let partial = path.with_extension("part");
    std::fs::write(&partial, format!("{address}\n"))?;
    std::fs::rename(&partial, path)
}

#[cfg(test)]
mod tests;
