//! Fair queueing of the connections of an endpoint: they share its thread by the address of their peer, as start-time fair
//! queueing does (Goyal, Vin and Cheng, SIGCOMM 1996).
//!
//! A connection computes only in its turn: one poll of its future. Among those that are ready, the next turn goes to the peer
//! that has used the least, so a peer that sends without end delays another one by a turn, not by all that it has sent.
//! A thread for which no connection waits is free to every connection.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tagwatch_console::Peer;

use super::connections::Connection;

/// Turns at a time. While one puts a snapshot together, which takes a thread of its own, others go on.
const TURNS: usize = 2;
/// Shares of a peer from which a token was allowed lately; another one has one share.
const KNOWN_SHARES: u32 = 16;
/// Peers that are remembered, besides those with connections.
const MAX_PEERS: usize = 1024;

/// The turns of one endpoint.
#[derive(Default)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    /// Connections by their number.
    connections: BTreeMap<u64, Waiting>,
    peers: BTreeMap<Peer, Usage>,
    /// What the peer of the latest turn had used before it.
    clock: Duration,
    /// The most that a peer has used.
    most: Duration,
    /// Turns that are given and not over.
    taken: usize,
    /// Turns given so far.
    given: u64,
}

struct Waiting {
    peer: Peer,
    /// Set while the connection waits for its turn.
    waker: Option<Waker>,
    has_turn: bool,
    /// Number of its last turn.
    last: u64,
}

#[derive(Default)]
struct Usage {
    connections: usize,
    /// Time in its turns, divided by its shares. Time without work is not saved up: it is moved up to the clock.
    used: Duration,
}

impl Turns {
    fn join(&self, number: u64, peer: Peer) {
        let mut queue = self.0.lock();
        queue.connections.insert(number, Waiting { peer, waker: None, has_turn: false, last: 0 });
        queue.peers.entry(peer).or_default().connections += 1;
    }

    /// Whether it is the turn of this connection; if not, the waker is called once it is.
    fn begin(&self, number: u64, waker: &Waker) -> bool {
        self.0.lock().begin(number, waker)
    }

    /// Ends the turn, which took so much of the peer's share, and gives the next one.
    fn end(&self, number: u64, used: Duration) {
        // Woken without the lock, which a woken task takes.
        let next = self.0.lock().end(number, used);
        next.into_iter().for_each(Waker::wake);
    }

    fn leave(&self, number: u64) {
        let next = self.0.lock().leave(number);
        next.into_iter().for_each(Waker::wake);
    }
}

impl Queue {
    fn begin(&mut self, number: u64, waker: &Waker) -> bool {
        let Some(connection) = self.connections.get_mut(&number) else { return true };
        if connection.has_turn {
            return true;
        }
        if connection.waker.is_none() {
            let usage = self.peers.entry(connection.peer).or_default();
            usage.used = usage.used.max(self.clock);
        }
        connection.waker = Some(waker.clone());
        if self.taken >= TURNS {
            return false;
        }
        self.start(number);
        true
    }

    fn end(&mut self, number: u64, used: Duration) -> Option<Waker> {
        let connection = self.connections.get_mut(&number)?;
        connection.has_turn = false;
        self.taken = self.taken.saturating_sub(1);
        let usage = self.peers.entry(connection.peer).or_default();
        usage.used += used;
        self.most = self.most.max(usage.used);
        self.give()
    }

    fn leave(&mut self, number: u64) -> Option<Waker> {
        let connection = self.connections.remove(&number)?;
        if let Some(usage) = self.peers.get_mut(&connection.peer) {
            usage.connections = usage.connections.saturating_sub(1);
        }
        let next = if connection.has_turn {
            self.taken = self.taken.saturating_sub(1);
            self.give()
        } else {
            None
        };
        // What has used more than the others is remembered: a new connection is no new share.
        let least = if self.peers.len() > MAX_PEERS { Duration::MAX } else { self.clock };
        self.peers.retain(|_, usage| usage.connections > 0 || usage.used > least);
        next
    }

    /// Gives a turn to the peer that has used the least, and of its connections to the one whose last turn is the longest ago.
    fn give(&mut self) -> Option<Waker> {
        let used = |peer: &Peer| self.peers.get(peer).map_or(self.clock, |usage| usage.used);
        let waiting = self.connections.iter().filter(|(_, connection)| connection.waker.is_some());
        let next = waiting.min_by_key(|(_, connection)| (used(&connection.peer), connection.last));
        let Some(number) = next.map(|(number, _)| *number) else {
            if self.taken == 0 {
                // No connection was kept waiting: all begin anew.
                self.clock = self.most;
            }
            return None;
        };
        self.start(number)
    }

    fn start(&mut self, number: u64) -> Option<Waker> {
        let connection = self.connections.get_mut(&number)?;
        let used = self.peers.get(&connection.peer).map_or(self.clock, |usage| usage.used);
        self.clock = self.clock.max(used);
        self.given += 1;
        self.taken += 1;
        connection.last = self.given;
        connection.has_turn = true;
        connection.waker.take()
    }
}

/// Polls a future in the turns of a connection alone.
pub(super) async fn in_turns<F: Future>(turns: &Turns, connection: &Connection, future: F) -> F::Output {
    turns.join(connection.number(), connection.peer());
    let _member = Member { turns, number: connection.number() };
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| poll_in_turn(turns, connection, future.as_mut(), context)).await
}

fn poll_in_turn<F: Future>(
    turns: &Turns,
    connection: &Connection,
    future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    if !turns.begin(connection.number(), context.waker()) {
        return Poll::Pending;
    }
    let _turn = Turn { turns, connection, began: Instant::now() };
    future.poll(context)
}

/// A turn, over when this is dropped, by a panic too.
struct Turn<'a> {
    turns: &'a Turns,
    connection: &'a Connection,
    began: Instant,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let shares = if self.connection.is_known() { KNOWN_SHARES } else { 1 };
        self.turns.end(self.connection.number(), self.began.elapsed() / shares);
    }
}

/// A connection that takes turns until this is dropped.
struct Member<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.turns.leave(self.number);
    }
}

/// Returns at the next turn. A connection that has sent many requests at once is answered one of them in a turn.
pub(super) async fn next_turn() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn peer(last: u8) -> Peer {
        Peer::of([10, 0, 0, last].into())
    }

    /// Connections of these peers, numbered from zero, of which each is ready at any time.
    fn ready(peers: impl IntoIterator<Item = u8>) -> (Turns, usize) {
        let turns = Turns::default();
        let mut count = 0;
        for (number, last) in (0..).zip(peers) {
            turns.join(number, peer(last));
            turns.begin(number, Waker::noop());
            count += 1;
        }
        (turns, count)
    }

    /// Ends the oldest turn, after which its connection is ready again, and returns whose it was.
    fn turn(turns: &Turns, used: impl Fn(u64) -> Duration) -> u64 {
        let number = {
            let queue = turns.0.lock();
            let running = queue.connections.iter().filter(|(_, connection)| connection.has_turn);
            running.min_by_key(|(_, connection)| connection.last).map(|(number, _)| *number).unwrap()
        };
        assert!(turns.begin(number, Waker::noop()));
        turns.end(number, used(number));
        turns.begin(number, Waker::noop());
        number
    }

    #[test]
    fn peers_share_by_time_whatever_the_number_of_their_connections() {
        // 50 connections of the first, ten of each other; a turn of the last takes three times as long.
        let (turns, _) = ready([1; 50].into_iter().chain([2; 10]).chain([3; 10]));
        let mut given = [0_u32; 3];
        for _ in 0..700 {
            let of = |number| usize::from(number >= 50) + usize::from(number >= 60);
            given[of(turn(&turns, |number| if of(number) == 2 { 3 * MS } else { MS }))] += 1;
        }
        assert!(given[0].abs_diff(300) < 10 && given[1].abs_diff(300) < 10, "{given:?}");
        assert!(given[2].abs_diff(100) < 10, "{given:?}");
    }

    #[test]
    fn connections_of_a_peer_take_turns() {
        let (turns, count) = ready([1; 20]);
        let mut order: Vec<u64> = (0..count).map(|_| turn(&turns, |_| MS)).collect();
        order.sort_unstable();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_newcomer_is_next_whatever_others_have_used_before() {
        let (turns, _) = ready((1..=100).chain([1; 20]));
        for _ in 0..5_000 {
            turn(&turns, |_| MS);
        }
        turns.join(500, peer(200));
        assert!(!turns.begin(500, Waker::noop()));
        let next: Vec<u64> = (0..=TURNS).map(|_| turn(&turns, |_| MS)).collect();
        assert!(next.contains(&500), "{next:?}");
    }

    #[test]
    fn a_new_connection_is_no_new_share() {
        let (turns, _) = ready([1, 2, 2, 2, 3, 3, 3]);
        // One has used much at once, and connects anew.
        while turn(&turns, |number| if number == 0 { 100 * MS } else { MS }) != 0 {}
        turns.leave(0);
        turns.join(77, peer(1));
        turns.begin(77, Waker::noop());
        let others = (0..150).take_while(|_| turn(&turns, |_| MS) != 77).count();
        assert!(others >= 100, "{others}");
        // What was caught up with is forgotten.
        (1..=6).chain([77]).for_each(|number| turns.leave(number));
        assert!(turns.0.lock().peers.is_empty());
    }

    #[test]
    fn peers_are_remembered_in_a_bounded_number() {
        let (turns, _) = ready([1, 2, 3]);
        for number in 10..10_000 {
            let other =
                Peer::of(std::net::Ipv4Addr::from_bits(0x0a00_0000 | u32::try_from(number).unwrap()).into());
            turns.join(number, other);
            turns.begin(number, Waker::noop());
            turns.0.lock().peers.get_mut(&other).unwrap().used = Duration::from_secs(number);
            turns.leave(number);
        }
        assert!(turns.0.lock().peers.len() <= MAX_PEERS + 4);
    }

    #[test]
    fn the_turn_of_a_connection_that_ends_goes_to_another_one() {
        let (turns, _) = ready([1, 2, 3, 4]);
        let holders = |turns: &Turns| {
            let queue = turns.0.lock();
            let running = queue.connections.iter().filter(|(_, connection)| connection.has_turn);
            running.map(|(number, _)| *number).collect::<Vec<_>>()
        };
        assert_eq!(holders(&turns), [0, 1]);
        turns.leave(0);
        assert_eq!(holders(&turns), [1, 2]);
        for number in [1, 2, 3] {
            turns.leave(number);
        }
        assert!(holders(&turns).is_empty() && turns.0.lock().taken == 0);
    }
}
