//! Connections whose handshake is over, for axum.

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

use super::{Certificate, CertificateError, Of, acceptor};

/// A client that is silent in its handshake is not waited for longer.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Handshakes at a time: more connections wait in the system's queue.
const HANDSHAKES: usize = 32;

type Accepted = (TlsStream<TcpStream>, SocketAddr);

/// Accepts connections, and lets each shake hands beside the others.
pub(crate) struct TlsListener {
    accepted: mpsc::Receiver<Accepted>,
    address: SocketAddr,
    /// Ends the task that accepts, when this is dropped.
    _tasks: JoinSet<()>,
}

impl TlsListener {
    pub(crate) fn new(
        listener: TcpListener,
        certificate: Arc<Certificate>,
        of: Of,
    ) -> Result<Self, CertificateError> {
        let acceptor = acceptor(Arc::clone(&certificate))?;
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let (sender, accepted) = mpsc::channel(HANDSHAKES);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, sender, of));
        tasks.spawn(async move { certificate.follow_files(of).await });
        Ok(Self { accepted, address, _tasks: tasks })
    }
}

async fn accept(mut listener: TcpListener, acceptor: TlsAcceptor, accepted: mpsc::Sender<Accepted>, of: Of) {
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        // Never closed, so that this waits until there is room.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        // axum's own accept, which waits out a shortage of descriptors.
        let (stream, peer) = Listener::accept(&mut listener).await;
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                // Only fails when the server ends.
                Ok(Ok(stream)) => drop(accepted.send((stream, peer)).await),
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS with a client of the {of}"),
                Err(_) => tracing::debug!(%peer, "a client of the {of} was silent in its handshake"),
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
            // The task that accepts never ends by itself; without it there is nothing to accept.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
