//! TLS connections for axum, after their handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Certificate, CertificateError, EndpointKind, acceptor};

/// How long a client may take for its handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Handshakes at a time: further connections wait in the backlog of the socket.
const HANDSHAKES: usize = 32;

type Accepted = (TlsStream<TcpStream>, SocketAddr);

/// Accepts connections; their handshakes run concurrently.
pub(crate) struct TlsListener {
    accepted: mpsc::Receiver<Accepted>,
    address: SocketAddr,
    /// The accepting task and the certificate's reload: both end when this is dropped.
    _tasks: JoinSet<()>,
}

impl TlsListener {
    pub(crate) fn new(
        listener: TcpListener,
        certificate: Arc<Certificate>,
        kind: EndpointKind,
    ) -> Result<Self, CertificateError> {
        let acceptor = acceptor(Arc::clone(&certificate))?;
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let (sender, accepted) = mpsc::channel(HANDSHAKES);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, sender, kind));
        tasks.spawn(async move { certificate.reload_forever(kind).await });
        Ok(Self { accepted, address, _tasks: tasks })
    }
}

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<Accepted>,
    kind: EndpointKind,
) {
    let permits = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        // Fails only when the semaphore is closed, which it never is.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        // axum's own accept, which retries when file descriptors run out.
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                // Fails only when the server ends.
                Ok(Ok(stream)) => drop(accepted.send((stream, peer)).await),
                Ok(Err(error)) => {
                    tracing::debug!(%peer, %error, "TLS handshake with a client of the {kind} failed");
                }
                Err(_) => tracing::debug!(%peer, "TLS handshake with a client of the {kind} timed out"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Accepted {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The accepting task never returns; without it there are no connections.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
