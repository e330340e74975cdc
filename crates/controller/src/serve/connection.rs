//! One connection: its handshake, its requests, and the time that each may take. It computes in its turns alone.

use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tagwatch_console::Admitted;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::connections::{CloseReason, Connection};
use super::endpoint::EndpointKind;
use super::turns::{Turns, in_turns, next_turn};
use super::write_limit::WriteLimit;

/// Largest header of a request in bytes: a token and some cookies.
const MAX_HEADER: usize = 64 * 1024;
/// Requests of one connection; a scrape a second makes 600 in the time that a connection may be open.
pub(super) const MAX_REQUESTS: usize = 1_000;

/// How long the parts of a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLimits {
    pub(super) handshake: Duration,
    /// The header of the first request.
    pub(super) header: Duration,
    /// The wait for another request, its header included.
    pub(super) idle: Duration,
    /// One request, from its header to the head of its answer.
    pub(super) request: Duration,
    /// The wait for the client to take more of an answer.
    pub(super) write: Duration,
    /// The connection as a whole; a request that has begun may end within `request` after it. This bounds a client that
    /// reads or writes byte by byte.
    pub(super) lifetime: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(10),
            // Prometheus keeps its connection between two scrapes.
            idle: Duration::from_mins(2),
            request: Duration::from_mins(1),
            write: Duration::from_secs(30),
            lifetime: Duration::from_mins(10),
        }
    }
}

/// What all connections of an endpoint share.
#[derive(Clone)]
pub(super) struct ConnectionServer {
    pub(super) kind: EndpointKind,
    pub(super) limits: TimeLimits,
    pub(super) routes: Router,
    /// `None` speaks plain HTTP.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) cancelled: CancellationToken,
    pub(super) turns: Arc<Turns>,
}

impl ConnectionServer {
    /// Serves a connection until it ends, or another one takes its place.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, connection: Connection) {
        tokio::select! {
            () = connection.displaced() => {}
            () = in_turns(&self.turns, &connection, self.answer(stream, peer, &connection)) => {}
        }
    }

    async fn answer(&self, stream: TcpStream, peer: SocketAddr, connection: &Connection) {
        let Some(tls) = &self.tls else {
            return self.answer_http(TokioIo::new(stream), peer, connection).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(self.limits.handshake, tls.accept(stream)) => shaken,
            () = self.cancelled.cancelled() => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.answer_http(TokioIo::new(stream), peer, connection).await,
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake with a client of the {} failed", self.kind);
            }
            Err(_) => connection.count(CloseReason::Handshake),
        }
    }

    async fn answer_http<S: Read + Write + Unpin + Send + 'static>(
        &self,
        stream: S,
        peer: SocketAddr,
        connection: &Connection,
    ) {
        let limits = self.limits;
        let requests = AtomicUsize::new(0);
        let service = service_fn(|request: Request<Incoming>| {
            connection.mark_sent();
            let is_last = requests.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_REQUESTS;
            let answer = answer_request(self.routes.clone(), request, peer, limits.request);
            async move {
                next_turn().await;
                let mut answer = answer.await?;
                if answer.extensions().get::<Admitted>().is_some() {
                    connection.mark_known();
                }
                if is_last {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = WriteLimit::new(stream, limits.write);
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(MAX_HEADER);
        let mut serving = pin!(builder.serve_connection(stream, service));
        let mut header = pin!(sleep(limits.header));
        let mut lifetime = pin!(sleep(limits.lifetime));
        let ended = loop {
            tokio::select! {
                ended = serving.as_mut() => break Some(ended),
                () = header.as_mut(), if !connection.has_sent() => {
                    // A request may have come with the last moment.
                    if !connection.has_sent() {
                        return connection.count(CloseReason::Header);
                    }
                }
                () = lifetime.as_mut() => {
                    connection.count(CloseReason::Lifetime);
                    break None;
                }
                () = self.cancelled.cancelled() => break None,
            }
        };
        match ended {
            Some(Err(error)) if error.is_timeout() => connection.count(CloseReason::Idle),
            Some(Err(error)) if is_untaken(&error) => connection.count(CloseReason::Write),
            Some(Err(error)) => {
                tracing::debug!(%peer, %error, "a connection to the {} broke", self.kind);
            }
            Some(Ok(())) if requests.load(Ordering::Relaxed) >= MAX_REQUESTS => {
                connection.count(CloseReason::Requests);
            }
            Some(Ok(())) => {}
            None => {
                serving.as_mut().graceful_shutdown();
                if timeout(limits.request, serving).await.is_err() {
                    tracing::debug!(%peer, "a client of the {} has not taken its answer", self.kind);
                }
            }
        }
    }
}

/// Whether a write took too long.
fn is_untaken(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

async fn answer_request(
    mut routes: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    limit: Duration,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    match timeout(limit, routes.call(request.map(Body::new))).await {
        Ok(answer) => answer,
        Err(_) => Ok((StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response()),
    }
}
