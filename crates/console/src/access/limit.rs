//! How often somebody may come with a token that is none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Tokens that may be wrong within a [`WINDOW`], for each peer.
const TRIES: u32 = 10;
/// After it, tries count anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Peers that are told apart; those beyond share one count.
const MAX_PEERS: usize = 4096;

#[derive(Debug)]
struct Count {
    /// Tokens that were wrong.
    wrong: u32,
    /// Tokens that are being looked at.
    pending: u32,
    begin: Instant,
}

/// Counts wrong tokens by peer.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    counts: Mutex<BTreeMap<Option<IpAddr>, Count>>,
    /// Tells those who wait that a token was looked at.
    looked_at: Notify,
}

/// The right to have one token looked at. Dropped without [`Try::was_not_wrong`], it counts as a wrong one: whoever
/// goes away before the answer may know what it will be.
#[derive(Debug)]
pub(crate) struct Try<'a> {
    limiter: &'a Limiter,
    peer: Option<IpAddr>,
    is_wrong: bool,
}

/// What becomes of a token.
enum Place {
    /// It is looked at.
    Free(Option<IpAddr>),
    /// It would be one too many if all that are looked at now turn out wrong.
    Full,
    /// Too many were wrong.
    Spent,
}

impl Limiter {
    /// Waits for a try; `None` when there is none left. No more tokens are looked at at once than may be wrong, so that
    /// many at once get no more tries than many after each other, and good ones get through.
    pub(crate) async fn take(&self, peer: Option<IpAddr>) -> Option<Try<'_>> {
        loop {
            let looked_at = self.looked_at.notified();
            match self.place(peer, Instant::now()) {
                Place::Free(peer) => return Some(Try { limiter: self, peer, is_wrong: true }),
                Place::Spent => return None,
                Place::Full => looked_at.await,
            }
        }
    }

    fn place(&self, peer: Option<IpAddr>, now: Instant) -> Place {
        let mut counts = self.counts.lock();
        let is_over = |count: &Count| now.duration_since(count.begin) >= WINDOW;
        let mut peer = network(peer);
        if counts.len() >= MAX_PEERS && !counts.contains_key(&peer) {
            counts.retain(|_, count| count.pending > 0 || !is_over(count));
            if counts.len() >= MAX_PEERS {
                peer = None;
            }
        }
        let count = counts.entry(peer).or_insert(Count { wrong: 0, pending: 0, begin: now });
        if is_over(count) {
            (count.wrong, count.begin) = (0, now);
        }
        if count.wrong >= TRIES {
            return Place::Spent;
        }
        if count.wrong + count.pending >= TRIES {
            return Place::Full;
        }
        count.pending += 1;
        Place::Free(peer)
    }
}

impl Try<'_> {
    /// The token was good, or nobody can tell.
    pub(crate) fn was_not_wrong(mut self) {
        self.is_wrong = false;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.limiter.counts.lock().get_mut(&self.peer) {
            count.pending = count.pending.saturating_sub(1);
            count.wrong += u32::from(self.is_wrong);
        }
        self.limiter.looked_at.notify_waiters();
    }
}

/// A host has a whole /64 of IPv6 addresses to choose from (RFC 4291, section 2.5.1).
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
    async fn wrong_tokens_run_out_for_one_peer_alone() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..TRIES {
            drop(limiter.take(Some(peer("10.0.0.1"))).await.unwrap());
        }
        assert!(limiter.take(Some(peer("10.0.0.1"))).await.is_none());
        assert!(limiter.take(Some(peer("::ffff:10.0.0.1"))).await.is_none(), "the same peer");
        assert!(limiter.take(Some(peer("10.0.0.2"))).await.is_some());
        assert!(matches!(limiter.place(Some(peer("10.0.0.1")), now + 2 * WINDOW), Place::Free(_)));
    }

    #[tokio::test]
    async fn good_tokens_take_nothing_however_many_come_at_once() {
        let limiter = Limiter::default();
        let mut tries = Vec::new();
        for _ in 0..TRIES {
            tries.push(limiter.take(Some(peer("2001:db8::1"))).await.unwrap());
        }
        assert!(matches!(limiter.place(Some(peer("2001:db8::2")), Instant::now()), Place::Full));
        let (waited, ()) = tokio::join!(limiter.take(Some(peer("2001:db8::2"))), async {
            tries.drain(..).for_each(Try::was_not_wrong);
        });
        waited.unwrap().was_not_wrong();
        for _ in 0..TRIES * 3 {
            limiter.take(Some(peer("2001:db8::1"))).await.unwrap().was_not_wrong();
        }
    }

    #[tokio::test]
    async fn wrong_tokens_at_once_are_no_more_than_after_each_other() {
        let limiter = Limiter::default();
        let mut tries = Vec::new();
        for _ in 0..TRIES {
            tries.push(limiter.take(None).await.unwrap());
        }
        let (waited, ()) = tokio::join!(limiter.take(None), async { tries.clear() });
        assert!(waited.is_none());
    }

    #[tokio::test]
    async fn peers_without_number_share_a_count() {
        let limiter = Limiter::default();
        let mut refused = 0;
        for at in 0..10_000_u32 {
            refused += u32::from(limiter.take(Some(IpAddr::V4(at.into()))).await.is_none());
        }
        assert!(refused > 5000, "{refused}");
        assert!(limiter.counts.lock().len() <= MAX_PEERS + 1);
    }
}
