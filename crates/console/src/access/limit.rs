//! How often somebody may come with a token that is none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Tokens that may be wrong within a [`WINDOW`], for each peer.
const TRIES: u32 = 10;
/// After it, tries count anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Peers that are told apart; those beyond share one count.
const MAX_PEERS: usize = 4096;

#[derive(Debug)]
struct Count {
    tries: u32,
    begin: Instant,
}

/// Counts tries by peer.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<BTreeMap<Option<IpAddr>, Count>>);

impl Limiter {
    /// Takes a try; `false` when there is none left. Taken before the token is looked at, so that many at once get no
    /// more than many after each other.
    pub(crate) fn take(&self, peer: Option<IpAddr>, now: Instant) -> bool {
        let mut counts = self.0.lock();
        counts.retain(|_, count| now.duration_since(count.begin) < WINDOW);
        let mut peer = network(peer);
        if counts.len() >= MAX_PEERS && !counts.contains_key(&peer) {
            peer = None;
        }
        let count = counts.entry(peer).or_insert(Count { tries: 0, begin: now });
        count.tries = count.tries.saturating_add(1);
        count.tries <= TRIES
    }

    /// Gives a try back: the token was good.
    pub(crate) fn give_back(&self, peer: Option<IpAddr>) {
        if let Some(count) = self.0.lock().get_mut(&network(peer)) {
            count.tries = count.tries.saturating_sub(1);
        }
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

    #[test]
    fn wrong_tokens_run_out_for_one_peer_alone() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..TRIES {
            assert!(limiter.take(Some(peer("10.0.0.1")), now));
        }
        assert!(!limiter.take(Some(peer("10.0.0.1")), now));
        assert!(!limiter.take(Some(peer("::ffff:10.0.0.1")), now), "the same peer");
        assert!(limiter.take(Some(peer("10.0.0.2")), now));
        assert!(limiter.take(Some(peer("10.0.0.1")), now + WINDOW));
    }

    #[test]
    fn good_tokens_take_nothing() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..TRIES * 3 {
            assert!(limiter.take(Some(peer("2001:db8::1")), now));
            limiter.give_back(Some(peer("2001:db8::2")));
        }
    }

    #[test]
    fn peers_without_number_share_a_count() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let refused = (0..10_000_u32).filter(|&at| !limiter.take(Some(IpAddr::V4(at.into())), now)).count();
        assert!(refused > 5000, "{refused}");
        assert!(limiter.0.lock().len() <= MAX_PEERS + 1);
    }
}
