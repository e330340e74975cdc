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

/// Connections of a peer from which a token was allowed lately that are kept while others have some. Further ones are as
/// those of any other peer: not everything that has the address of a scraper is the scraper.
const MAX_KEPT: usize = 16;
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
    /// It had as many requests as a connection may have.
    Requests,
    /// The client did not take its answers.
    Write,
}

impl CloseReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Handshake => "handshake",
            Self::Header => "header",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Requests => "requests",
            Self::Write => "write",
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
    progress: Arc<Progress>,
    close: CancellationToken,
}

/// How far a connection has come.
#[derive(Default)]
struct Progress {
    /// A request has arrived.
    has_sent: AtomicBool,
    /// The token of a request was allowed.
    is_admitted: AtomicBool,
    /// A token from its peer was allowed lately, as far as is known since the connection began.
    is_known: AtomicBool,
}

/// One open connection; it is forgotten when this is dropped.
pub(super) struct Connection {
    number: u64,
    peer: Peer,
    connections: Arc<Connections>,
    progress: Arc<Progress>,
    close: CancellationToken,
}

impl Connections {
    pub(super) fn new(kind: EndpointKind, max: usize, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self { kind, max, open: Mutex::default(), metrics })
    }

    /// Admits a connection. At the bound it closes another one: not of a peer from which a token was allowed lately, unless it
    /// has more than [`MAX_KEPT`] or there are no others; of these one of the peer that has the most. See [`rank`] for which of
    /// its connections that is. So a client with few connections keeps them, whatever another one opens; a new client keeps
    /// its connection until half as many have come behind it as may be open.
    pub(super) fn open(self: &Arc<Self>, peer: Peer) -> Connection {
        let mut open = self.open.lock();
        if open.connections.len() >= self.max {
            self.make_room(&mut open);
        }
        let number = open.next;
        open.next += 1;
        let is_known = AtomicBool::new(open.known.is_known(peer, Instant::now()));
        let progress = Arc::new(Progress { is_known, ..Progress::default() });
        let close = CancellationToken::new();
        let entry = Entry { peer, progress: Arc::clone(&progress), close: close.clone() };
        open.connections.insert(number, entry);
        self.metrics.set_open(self.kind.as_str(), open.connections.len());
        Connection { number, peer, connections: Arc::clone(self), progress, close }
    }

    fn make_room(&self, open: &mut Open) {
        let now = Instant::now();
        let Some(entry) = open.displaced(now).and_then(|number| open.connections.remove(&number)) else {
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

impl Open {
    /// The number of the connection that gives its place to a new one.
    fn displaced(&self, now: Instant) -> Option<u64> {
        let mut counts: BTreeMap<Peer, usize> = BTreeMap::new();
        for entry in self.connections.values() {
            *counts.entry(entry.peer).or_default() += 1;
        }
        let is_crowd = |peer: &Peer| counts.get(peer).is_some_and(|count| *count > MAX_KEPT);
        let all = || self.connections.iter().map(|(number, entry)| (*number, entry));
        let silent_first = are_most_silent(all());
        let ranked = all().map(|(number, entry)| (entry.peer, entry.peer, rank(number, entry, silent_first)));
        let unprotected =
            ranked.clone().filter(|(peer, ..)| is_crowd(peer) || !self.known.is_known(*peer, now));
        let peer = oldest_of_largest(unprotected).or_else(|| oldest_of_largest(ranked))?;
        let own = || all().filter(|(_, entry)| entry.peer == peer);
        let silent_first = are_most_silent(own());
        let displaced = own().min_by_key(|(number, entry)| rank(*number, entry, silent_first));
        displaced.map(|(number, _)| number)
    }
}

/// Which of several connections goes first: the lowest rank. One on which a token was allowed goes last. Of the others,
/// the oldest silent one goes if most are silent, else the oldest one that has sent a request. So neither kind keeps a new
/// connection from sending its first request, or from its answer.
fn rank(number: u64, entry: &Entry, silent_first: bool) -> (bool, bool, u64) {
    let is_admitted = entry.progress.is_admitted.load(Ordering::Relaxed);
    let has_sent = entry.progress.has_sent.load(Ordering::Relaxed);
    (is_admitted, has_sent == silent_first, number)
}

fn are_most_silent<'a>(connections: impl Iterator<Item = (u64, &'a Entry)>) -> bool {
    let (mut sent, mut silent) = (0, 0);
    for (_, entry) in connections {
        *(if entry.progress.has_sent.load(Ordering::Relaxed) { &mut sent } else { &mut silent }) += 1;
    }
    silent > sent
}

impl Connection {
    /// A request has arrived.
    pub(super) fn mark_sent(&self) {
        self.progress.has_sent.store(true, Ordering::Relaxed);
    }

    /// The token of a request was allowed.
    pub(super) fn mark_known(&self) {
        self.progress.is_admitted.store(true, Ordering::Relaxed);
        self.progress.is_known.store(true, Ordering::Relaxed);
        self.connections.open.lock().known.mark(self.peer, Instant::now());
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn peer(&self) -> Peer {
        self.peer
    }

    /// Whether a token from its peer was allowed lately.
    pub(super) fn is_known(&self) -> bool {
        self.progress.is_known.load(Ordering::Relaxed)
    }

    pub(super) fn has_sent(&self) -> bool {
        self.progress.has_sent.load(Ordering::Relaxed)
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
        assert!(is_open(&known[19]) && !is_open(&scraper[1]));
        assert!(is_open(&scraper[0]), "on which the token came");
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

    /// Others send requests from the scraper's own address, as fast as they like.
    #[tokio::test]
    async fn a_scraper_keeps_its_connection_among_others_of_its_own_address() {
        let connections = of(10);
        let send = |connection: &Connection| connection.mark_sent();
        let mut others: Vec<Connection> = (0..50).map(|_| connections.open(peer(1))).collect();
        others.iter().for_each(send);
        let scraper = connections.open(peer(1));
        for _ in 0..8 {
            others.push(connections.open(peer(1)));
            others.last().iter().copied().for_each(send);
        }
        assert!(is_open(&scraper), "before its first request");
        scraper.mark_sent();
        others.push(connections.open(peer(1)));
        assert!(is_open(&scraper), "while its token is reviewed");
        scraper.mark_known();
        others.extend((0..500).map(|_| connections.open(peer(1))));
        assert!(is_open(&scraper), "from then on");
        assert_eq!(connections.open.lock().connections.len(), 10);
    }

    #[tokio::test]
    async fn what_has_the_address_of_a_scraper_displaces_no_other_peer() {
        let connections = of(40);
        connections.open(peer(1)).mark_known();
        let newcomer = connections.open(peer(2));
        let others: Vec<Connection> = (0..200).map(|_| connections.open(peer(1))).collect();
        assert!(is_open(&newcomer));
        assert_eq!(others.iter().filter(|connection| is_open(connection)).count(), 39);
        // As many as are kept.
        let strangers: Vec<Connection> = (3..200).map(|last| connections.open(peer(last))).collect();
        assert_eq!(others.iter().filter(|connection| is_open(connection)).count(), MAX_KEPT);
        drop(strangers);
    }
}
