//! The open connections of an endpoint. Their number is bounded: at the bound a new connection takes the place of another
//! one, so that no number of silent connections keeps a client out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_console::Peer;
use tagwatch_core::fair::oldest_of_largest;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::KnownPeers;
use super::endpoint::EndpointKind;
use crate::state::metrics::ConnectionMetrics;

/// How often the log says that the bound is reached; the metric counts every connection.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// Why the server closed a connection: a label of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// A new connection took its place.
    Bound,
    /// The TLS handshake took too long.
    Handshake,
    /// The first request took too long to arrive.
    Header,
    /// No further request came.
    Idle,
    /// It was open for longer than a connection may be.
    Lifetime,
}

impl CloseReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Handshake => "handshake",
            Self::Header => "header",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
        }
    }
}

/// The open connections of one endpoint.
pub(super) struct Connections {
    kind: EndpointKind,
    max: usize,
    open: Mutex<Open>,
    metrics: ConnectionMetrics,
}

#[derive(Default)]
struct Open {
    /// By number, in the order of their beginning.
    connections: BTreeMap<u64, Entry>,
    next: u64,
    logged: Option<Instant>,
    known: KnownPeers,
}

struct Entry {
    peer: Peer,
    has_sent: Arc<AtomicBool>,
    close: CancellationToken,
}

/// One open connection; it is forgotten when this is dropped.
pub(super) struct Connection {
    number: u64,
    peer: Peer,
    connections: Arc<Connections>,
    /// Whether a request has arrived.
    has_sent: Arc<AtomicBool>,
    close: CancellationToken,
}

impl Connections {
    pub(super) fn new(kind: EndpointKind, max: usize, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self { kind, max, open: Mutex::default(), metrics })
    }

    /// Admits a connection. At the bound it closes another one: not of a peer from which a token was allowed lately, while
    /// there are others; of these one of the peer that has the most, first one without any request, then the oldest. So a
    /// client with few connections keeps them, whatever another one opens; a new client among many new ones keeps its
    /// connection until as many have come behind it as may be open.
    pub(super) fn open(self: &Arc<Self>, peer: Peer) -> Connection {
        let mut open = self.open.lock();
        if open.connections.len() >= self.max {
            self.make_room(&mut open);
        }
        let number = open.next;
        open.next += 1;
        let (has_sent, close) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let entry = Entry { peer, has_sent: Arc::clone(&has_sent), close: close.clone() };
        open.connections.insert(number, entry);
        self.metrics.set_open(self.kind.as_str(), open.connections.len());
        Connection { number, peer, connections: Arc::clone(self), has_sent, close }
    }

    fn make_room(&self, open: &mut Open) {
        let now = Instant::now();
        let aged = open
            .connections
            .iter()
            .map(|(number, entry)| (*number, entry.peer, (entry.has_sent.load(Ordering::Relaxed), *number)));
        let unknown = aged.clone().filter(|(_, peer, _)| !open.known.is_known(*peer, now));
        let displaced = oldest_of_largest(unknown).or_else(|| oldest_of_largest(aged));
        let Some(entry) = displaced.and_then(|number| open.connections.remove(&number)) else {
            return;
        };
        entry.close.cancel();
        self.metrics.closed(self.kind.as_str(), CloseReason::Bound.as_str());
        if open.logged.is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL) {
            open.logged = Some(now);
            tracing::warn!(
                endpoint = self.kind.as_str(), max = self.max, peer = %entry.peer,
                "as many connections are open as may be; each new one closes one of the peer with the most"
            );
        }
    }
}

impl Connection {
    /// A request has arrived.
    pub(super) fn mark_sent(&self) {
        self.has_sent.store(true, Ordering::Relaxed);
    }

    /// The token of a request was allowed.
    pub(super) fn mark_known(&self) {
        self.connections.open.lock().known.mark(self.peer, Instant::now());
    }

    pub(super) fn has_sent(&self) -> bool {
        self.has_sent.load(Ordering::Relaxed)
    }

    /// Waits until another connection takes the place of this one.
    pub(super) async fn displaced(&self) {
        self.close.cancelled().await;
    }

    /// Counts that the server closes this connection.
    pub(super) fn count(&self, reason: CloseReason) {
        self.connections.metrics.closed(self.connections.kind.as_str(), reason.as_str());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.connections.remove(&self.number);
        self.connections.metrics.set_open(self.connections.kind.as_str(), open.connections.len());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::state::metrics::Metrics;

    fn of(max: usize) -> Arc<Connections> {
        let metrics = ConnectionMetrics::register(&mut Metrics::default()).unwrap();
        Connections::new(EndpointKind::Metrics, max, metrics)
    }

    fn peer(last: u8) -> Peer {
        Peer::of([10, 0, 0, last].into())
    }

    fn is_open(connection: &Connection) -> bool {
        connection.displaced().now_or_never().is_none()
    }

    #[tokio::test]
    async fn a_peer_that_fills_the_endpoint_loses_its_own_connections() {
        let connections = of(10);
        let scraper = connections.open(peer(1));
        let flood: Vec<Connection> = (0..50).map(|_| connections.open(peer(2))).collect();
        assert!(is_open(&scraper));
        assert_eq!(flood.iter().filter(|connection| is_open(connection)).count(), 9);
        let late = connections.open(peer(3));
        assert!(is_open(&late) && is_open(&scraper), "there is room for everyone else");
        assert_eq!(connections.open.lock().connections.len(), 10);
        drop(flood);
        assert_eq!(connections.open.lock().connections.len(), 2);
    }

    #[tokio::test]
    async fn a_peer_whose_token_was_allowed_keeps_its_connections_among_any_number_of_others() {
        let connections = of(10);
        let scraper: Vec<Connection> = (0..3).map(|_| connections.open(peer(1))).collect();
        scraper[0].mark_known();
        let others: Vec<Connection> = (2..200).map(|last| connections.open(peer(last))).collect();
        others.iter().for_each(Connection::mark_sent);
        assert!(scraper.iter().all(is_open));
        assert_eq!(others.iter().filter(|connection| is_open(connection)).count(), 7);
        // Where all are known, the rest of the rule decides.
        let known: Vec<Connection> = (0..20).map(|_| connections.open(peer(1))).collect();
        assert!(is_open(&known[19]) && !is_open(&scraper[0]));
    }

    #[tokio::test]
    async fn a_new_peer_keeps_its_connection_until_as_many_have_come_as_may_be_open() {
        let connections = of(10);
        let before: Vec<Connection> = (2..50).map(|last| connections.open(peer(last))).collect();
        let scraper = connections.open(peer(1));
        let behind: Vec<Connection> = (50..59).map(|last| connections.open(peer(last))).collect();
        assert!(is_open(&scraper));
        let last = connections.open(peer(60));
        assert!(!is_open(&scraper) && is_open(&last));
        drop((before, behind));
    }

    #[tokio::test]
    async fn among_equals_one_that_has_sent_nothing_goes_first() {
        let connections = of(3);
        let scraper = connections.open(peer(1));
        scraper.mark_sent();
        let silent: Vec<Connection> = (2..30).map(|last| connections.open(peer(last))).collect();
        assert!(is_open(&scraper), "whose requests are answered");
        assert!(is_open(&silent[27]) && !is_open(&silent[0]));
    }
}
