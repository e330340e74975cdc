//! Listens on an address, with TLS or without.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::middleware::map_request;
use axum::serve::IncomingStream;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::endpoint::EndpointAccess;
use super::tls::{Certificate, CertificateError, EndpointKind, TlsListener};

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
pub(crate) enum ServerListener {
    Plain(TcpListener),
    Tls(TlsListener),
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
        match access {
            EndpointAccess::Anonymous => Ok(Self::Plain(listener)),
            EndpointAccess::Token { certificate } => {
                let certificate = Arc::new(Certificate::load(certificate)?);
                Ok(Self::Tls(TlsListener::new(listener, certificate, kind)?))
            }
        }
    }

    /// The bound address, for a log line.
    pub(crate) fn address(&self) -> String {
        use axum::serve::Listener as _;
        let address = match self {
            Self::Plain(listener) => listener.local_addr(),
            Self::Tls(listener) => listener.local_addr(),
        };
        address.map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    /// Serves until cancelled. Handlers find the peer as `ConnectInfo<SocketAddr>`.
    ///
    /// # Errors
    /// When the listener fails.
    pub(crate) async fn serve(self, routes: Router, cancelled: CancellationToken) -> io::Result<()> {
        let routes = routes.layer(map_request(with_peer)).into_make_service_with_connect_info::<Peer>();
        let cancelled = cancelled.cancelled_owned();
        match self {
            Self::Plain(listener) => axum::serve(listener, routes).with_graceful_shutdown(cancelled).await,
            Self::Tls(listener) => axum::serve(listener, routes).with_graceful_shutdown(cancelled).await,
        }
    }
}

/// The address of the client. axum implements `Connected` for its own listener only.
#[derive(Debug, Clone, Copy)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

async fn with_peer(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(peer))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    request
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
