//! A limit of invalid tokens for each peer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Peer;

/// Invalid tokens that each peer may send within a [`WINDOW`].
const MAX_INVALID: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);
/// Peers with a count of their own; those beyond share one.
const MAX_PEERS: usize = 4096;

#[derive(Debug)]
struct Count {
    invalid: u32,
    /// Attempts whose result is not known yet.
    pending: u32,
    begin: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    counts: Mutex<BTreeMap<Peer, Count>>,
    /// Wakes waiting attempts when another one ends.
    attempt_ended: Notify,
}

/// Permission to check one token. It counts as invalid when dropped without [`Attempt::forgive`]: a client that closes
/// the connection early gains nothing.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    limiter: &'a Limiter,
    peer: Peer,
    is_invalid: bool,
}

enum Admission {
    /// The attempt is counted for this peer, or for the shared count.
    Admitted(Peer),
    /// The limit would be exceeded if all pending attempts turned out invalid.
    Wait,
    Rejected,
}

impl Limiter {
    /// Waits for permission to check a token; `None` when the limit is reached. Pending attempts count towards the
    /// limit, so parallel requests get no more attempts than sequential ones, and valid tokens still pass.
    pub(crate) async fn acquire(&self, peer: Peer) -> Option<Attempt<'_>> {
        loop {
            let attempt_ended = self.attempt_ended.notified();
            match self.admit(peer, Instant::now()) {
                Admission::Admitted(peer) => return Some(Attempt { limiter: self, peer, is_invalid: true }),
                Admission::Rejected => return None,
                Admission::Wait => attempt_ended.await,
            }
        }
    }

    fn admit(&self, mut peer: Peer, now: Instant) -> Admission {
        let mut counts = self.counts.lock();
        let is_over = |count: &Count| now.duration_since(count.begin) >= WINDOW;
        if counts.len() >= MAX_PEERS && !counts.contains_key(&peer) {
            counts.retain(|_, count| count.pending > 0 || !is_over(count));
            if counts.len() >= MAX_PEERS {
                peer = Peer::UNKNOWN;
            }
        }
        let count = counts.entry(peer).or_insert(Count { invalid: 0, pending: 0, begin: now });
        if is_over(count) {
            (count.invalid, count.begin) = (0, now);
        }
        if count.invalid >= MAX_INVALID {
            return Admission::Rejected;
        }
        if count.invalid + count.pending >= MAX_INVALID {
            return Admission::Wait;
        }
        count.pending += 1;
        Admission::Admitted(peer)
    }
}

impl Attempt<'_> {
    /// Ends the attempt without counting it: the token was valid, or the result is unknown.
    pub(crate) fn forgive(mut self) {
        self.is_invalid = false;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.limiter.counts.lock().get_mut(&self.peer) {
            count.pending = count.pending.saturating_sub(1);
            count.invalid += u32::from(self.is_invalid);
        }
        self.limiter.attempt_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::of(address.parse().unwrap())
    }

    #[tokio::test]
    async fn the_limit_of_invalid_tokens_is_for_each_peer() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..MAX_INVALID {
            drop(limiter.acquire(peer("10.0.0.1")).await.unwrap());
        }
        assert!(limiter.acquire(peer("10.0.0.1")).await.is_none());
        assert!(limiter.acquire(peer("::ffff:10.0.0.1")).await.is_none(), "the same peer");
        assert!(limiter.acquire(peer("10.0.0.2")).await.is_some());
        assert!(matches!(limiter.admit(peer("10.0.0.1"), now + 2 * WINDOW), Admission::Admitted(_)));
    }

    #[tokio::test]
    async fn valid_tokens_do_not_count_even_in_parallel() {
        let limiter = Limiter::default();
        let mut attempts = Vec::new();
        for _ in 0..MAX_INVALID {
            attempts.push(limiter.acquire(peer("2001:db8::1")).await.unwrap());
        }
        assert!(matches!(limiter.admit(peer("2001:db8::2"), Instant::now()), Admission::Wait));
        let (waited, ()) = tokio::join!(limiter.acquire(peer("2001:db8::2")), async {
            attempts.drain(..).for_each(Attempt::forgive);
        });
        waited.unwrap().forgive();
        for _ in 0..MAX_INVALID * 3 {
            limiter.acquire(peer("2001:db8::1")).await.unwrap().forgive();
        }
    }

    #[tokio::test]
    async fn parallel_attempts_are_limited_like_sequential_ones() {
        let limiter = Limiter::default();
        let mut attempts = Vec::new();
        for _ in 0..MAX_INVALID {
            attempts.push(limiter.acquire(Peer::UNKNOWN).await.unwrap());
        }
        let (waited, ()) = tokio::join!(limiter.acquire(Peer::UNKNOWN), async { attempts.clear() });
        assert!(waited.is_none());
    }

    #[tokio::test]
    async fn peers_beyond_the_maximum_share_a_count() {
        let limiter = Limiter::default();
        let mut refused = 0;
        for at in 0..10_000_u32 {
            refused += u32::from(limiter.acquire(Peer::of(std::net::IpAddr::V4(at.into()))).await.is_none());
        }
        assert!(refused > 5000, "{refused}");
        assert!(limiter.counts.lock().len() <= MAX_PEERS + 1);
    }
}
