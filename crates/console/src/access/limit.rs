//! A limit of invalid tokens for each peer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

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
    counts: Mutex<BTreeMap<Option<IpAddr>, Count>>,
    /// Wakes waiting attempts when another one ends.
    attempt_ended: Notify,
}

/// Permission to check one token. It counts as invalid when dropped without [`Attempt::forgive`]: a client that closes
/// the connection early gains nothing.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    limiter: &'a Limiter,
    peer: Option<IpAddr>,
    is_invalid: bool,
}

enum Admission {
    /// The attempt is counted for this peer, or for the shared count.
    Admitted(Option<IpAddr>),
    /// The limit would be exceeded if all pending attempts turned out invalid.
    Wait,
    Rejected,
}

impl Limiter {
    /// Waits for permission to check a token; `None` when the limit is reached. Pending attempts count towards the
    /// limit, so parallel requests get no more attempts than sequential ones, and valid tokens still pass.
    pub(crate) async fn acquire(&self, peer: Option<IpAddr>) -> Option<Attempt<'_>> {
        loop {
            let attempt_ended = self.attempt_ended.notified();
            match self.admit(peer, Instant::now()) {
                Admission::Admitted(peer) => return Some(Attempt { limiter: self, peer, is_invalid: true }),
                Admission::Rejected => return None,
                Admission::Wait => attempt_ended.await,
            }
        }
    }

    fn admit(&self, peer: Option<IpAddr>, now: Instant) -> Admission {
        let mut counts = self.counts.lock();
        let is_over = |count: &Count| now.duration_since(count.begin) >= WINDOW;
        let mut peer = network(peer);
        if counts.len() >= MAX_PEERS && !counts.contains_key(&peer) {
            counts.retain(|_, count| count.pending > 0 || !is_over(count));
            if counts.len() >= MAX_PEERS {
                peer = None;
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

/// One host can use any address of an IPv6 /64 (RFC 4291, section 2.5.1), so the whole network is one peer.
fn network(peer: Option<IpAddr>) -> Option<IpAddr> {
    let mask = |address: Ipv6Addr| Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
    peer.map(|peer| match peer {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| mask(address).into(), IpAddr::V4),
        IpAddr::V4(_) => peer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[tokio::test]
    async fn the_limit_of_invalid_tokens_is_for_each_peer() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..MAX_INVALID {
            drop(limiter.acquire(Some(peer("10.0.0.1"))).await.unwrap());
        }
        assert!(limiter.acquire(Some(peer("10.0.0.1"))).await.is_none());
        assert!(limiter.acquire(Some(peer("::ffff:10.0.0.1"))).await.is_none(), "the same peer");
        assert!(limiter.acquire(Some(peer("10.0.0.2"))).await.is_some());
        assert!(matches!(limiter.admit(Some(peer("10.0.0.1")), now + 2 * WINDOW), Admission::Admitted(_)));
    }

    #[tokio::test]
    async fn valid_tokens_do_not_count_even_in_parallel() {
        let limiter = Limiter::default();
        let mut attempts = Vec::new();
        for _ in 0..MAX_INVALID {
            attempts.push(limiter.acquire(Some(peer("2001:db8::1"))).await.unwrap());
        }
        assert!(matches!(limiter.admit(Some(peer("2001:db8::2")), Instant::now()), Admission::Wait));
        let (waited, ()) = tokio::join!(limiter.acquire(Some(peer("2001:db8::2"))), async {
            attempts.drain(..).for_each(Attempt::forgive);
        });
        waited.unwrap().forgive();
        for _ in 0..MAX_INVALID * 3 {
            limiter.acquire(Some(peer("2001:db8::1"))).await.unwrap().forgive();
        }
    }

    #[tokio::test]
    async fn parallel_attempts_are_limited_like_sequential_ones() {
        let limiter = Limiter::default();
        let mut attempts = Vec::new();
        for _ in 0..MAX_INVALID {
            attempts.push(limiter.acquire(None).await.unwrap());
        }
        let (waited, ()) = tokio::join!(limiter.acquire(None), async { attempts.clear() });
        assert!(waited.is_none());
    }

    #[tokio::test]
    async fn peers_beyond_the_maximum_share_a_count() {
        let limiter = Limiter::default();
        let mut refused = 0;
        for at in 0..10_000_u32 {
            refused += u32::from(limiter.acquire(Some(IpAddr::V4(at.into()))).await.is_none());
        }
        assert!(refused > 5000, "{refused}");
        assert!(limiter.counts.lock().len() <= MAX_PEERS + 1);
    }
}
