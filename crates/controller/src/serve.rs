//! Where callers come in: listening on an address, with TLS or without.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::middleware::map_request;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::RunError;
use crate::options::Access;
use crate::tls::{Certificate, CertificateError, Of, TlsListener};

/// Where callers come from.
pub(crate) enum Entrance {
    /// Plain HTTP.
    Plain(TcpListener),
    /// HTTPS.
    Tls(TlsListener),
}

impl Entrance {
    /// Tokens travel by TLS alone.
    ///
    /// # Errors
    /// When there is no certificate that can be used.
    pub(crate) fn new(listener: TcpListener, access: Access, of: Of) -> Result<Self, CertificateError> {
        match access {
            Access::Everybody => Ok(Self::Plain(listener)),
            Access::Token { certificate } => {
                let certificate = Arc::new(Certificate::load(certificate)?);
                Ok(Self::Tls(TlsListener::new(listener, certificate, of)?))
            }
        }
    }

    /// Serves until cancelled. Handlers find the peer as `ConnectInfo<SocketAddr>`.
    ///
    /// # Errors
    /// When the listener fails.
    pub(crate) async fn serve(self, routes: Router, cancelled: CancellationToken) -> std::io::Result<()> {
        let routes = routes.layer(map_request(with_peer)).into_make_service_with_connect_info::<Peer>();
        let cancelled = cancelled.cancelled_owned();
        match self {
            Self::Plain(listener) => axum::serve(listener, routes).with_graceful_shutdown(cancelled).await,
            Self::Tls(listener) => axum::serve(listener, routes).with_graceful_shutdown(cancelled).await,
        }
    }
}

/// Whoever is at the other end: axum knows it of its own listener alone.
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

/// Listens on an address, and writes it into a file where one is given; port 0 lets the operating system choose.
///
/// # Errors
/// When the address cannot be bound, or the file not be written.
pub(crate) async fn listen(address: SocketAddr, file: Option<&Path>) -> Result<TcpListener, RunError> {
    let refused = |source| RunError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    if let Some(path) = file {
        write_address(path, bound)
            .map_err(|source| RunError::AddressFile { path: path.display().to_string(), source })?;
    }
    Ok(listener)
}

/// Where a listener listens, for a log line.
pub(crate) fn bound(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
}

/// Written beside and renamed, so that a reader never sees half an address.
fn write_address(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    let beside = path.with_extension("part");
    std::fs::write(&beside, format!("{address}\n"))?;
    std::fs::rename(&beside, path)
}
