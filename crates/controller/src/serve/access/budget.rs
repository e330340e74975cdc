//! How many reviews by the API server clients may cause. Every token that was allowed lately and every network address has
//! a share of its own, so that a client that sends made-up tokens spends its own share.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tagwatch_console::Peer;
use tokio::time::Instant;

use super::TokenHash;

/// Addresses and tokens with a share of their own; those beyond use one together.
const MAX_SHARES: usize = 1024;
/// Addresses that are known: beyond it, the one that was let in least lately is no longer.
const MAX_KNOWN_PEERS: usize = 256;
/// How long an address is known after a token from it was allowed.
const KNOWN_PEER_TTL: Duration = Duration::from_hours(24);

/// Reviews of new tokens from an address from which a token was allowed lately, such as that of a scraper whose token is
/// renewed.
const KNOWN_PEER: Rate = Rate { burst: 10, interval: Duration::from_secs(1) };
/// Reviews of new tokens from another address.
const NEW_PEER: Rate = Rate { burst: 5, interval: Duration::from_secs(5) };
/// Reviews of new tokens from all those addresses together.
const NEW_PEERS: Rate = Rate { burst: 50, interval: Duration::from_millis(100) };

/// So many at once, and then one each interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) interval: Duration,
}

/// What is left of a rate, as the time at which all of it is there again (the generic cell rate algorithm of ITU-T
/// I.371).
#[derive(Debug)]
struct Share {
    full_at: Instant,
}

impl Share {
    fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    fn try_take(&mut self, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + rate.interval;
        if full_at > now + rate.interval * rate.burst {
            return false;
        }
        self.full_at = full_at;
        true
    }
}

/// A share for each client, up to [`MAX_SHARES`].
#[derive(Debug)]
struct Shares<K> {
    rate: Rate,
    each: HashMap<K, Share>,
    /// Of the clients beyond the maximum.
    rest: Share,
}

impl<K: Eq + Hash> Shares<K> {
    fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, each: HashMap::new(), rest: Share::full(now) }
    }

    fn try_take(&mut self, client: K, now: Instant) -> bool {
        if self.each.len() >= MAX_SHARES && !self.each.contains_key(&client) {
            // A share that is full is as good as a new one.
            self.each.retain(|_, share| !share.is_full(now));
            if self.each.len() >= MAX_SHARES {
                return self.rest.try_take(self.rate, now);
            }
        }
        self.each.entry(client).or_insert_with(|| Share::full(now)).try_take(self.rate, now)
    }
}

/// The reviews that clients may cause at one endpoint.
#[derive(Debug)]
pub(super) struct ReviewBudget {
    known_tokens: Shares<TokenHash>,
    known_peers: Shares<Peer>,
    /// When a token from the address was last allowed.
    allowed_from: HashMap<Peer, Instant>,
    new_peers: Shares<Peer>,
    new_peers_together: Share,
}

impl ReviewBudget {
    /// `known_token` is the rate of each token that was allowed lately.
    pub(super) fn new(known_token: Rate) -> Self {
        let now = Instant::now();
        Self {
            known_tokens: Shares::new(known_token, now),
            known_peers: Shares::new(KNOWN_PEER, now),
            allowed_from: HashMap::new(),
            new_peers: Shares::new(NEW_PEER, now),
            new_peers_together: Share::full(now),
        }
    }

    /// Takes a review of a token that was allowed lately.
    pub(super) fn try_take_known(&mut self, token: TokenHash, now: Instant) -> bool {
        self.known_tokens.try_take(token, now)
    }

    /// Takes a review of a new token.
    pub(super) fn try_take_new(&mut self, peer: Peer, now: Instant) -> bool {
        let is_known =
            self.allowed_from.get(&peer).is_some_and(|at| now.duration_since(*at) < KNOWN_PEER_TTL);
        if is_known {
            return self.known_peers.try_take(peer, now);
        }
        self.new_peers.try_take(peer, now) && self.new_peers_together.try_take(NEW_PEERS, now)
    }

    /// A token from this address is allowed.
    pub(super) fn mark_allowed(&mut self, peer: Peer, now: Instant) {
        if self.allowed_from.len() >= MAX_KNOWN_PEERS && !self.allowed_from.contains_key(&peer) {
            let oldest = self.allowed_from.iter().min_by_key(|(_, at)| **at).map(|(peer, _)| *peer);
            oldest.and_then(|peer| self.allowed_from.remove(&peer));
        }
        self.allowed_from.insert(peer, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> Peer {
        Peer::of(std::net::Ipv4Addr::from(number).into())
    }

    fn budget() -> ReviewBudget {
        ReviewBudget::new(Rate { burst: 2, interval: Duration::from_secs(1) })
    }

    #[test]
    fn a_share_has_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let (mut share, rate) = (Share::full(start), Rate { burst: 10, interval: Duration::from_secs(1) });
        let mut taken = |second| {
            let now = start + Duration::from_secs(second);
            (0..10_000).filter(|_| share.try_take(rate, now)).count()
        };
        assert_eq!([taken(0), taken(3), taken(1_000), taken(1_000)], [10, 3, 10, 0]);
    }

    #[test]
    fn an_address_spends_its_own_share() {
        let (mut budget, now) = (budget(), Instant::now());
        assert_eq!((0..100).filter(|_| budget.try_take_new(peer(1), now)).count(), 5);
        assert!(budget.try_take_new(peer(2), now), "another address");
        budget.mark_allowed(peer(3), now);
        let later = now + Duration::from_hours(1);
        assert_eq!((0..10_000).filter(|from| budget.try_take_new(peer(100 + from), later)).count(), 50);
        assert!(!budget.try_take_new(peer(4), later), "new addresses have a bound together");
        assert!(budget.try_take_new(peer(3), later), "which is none for a known one");
        let much_later = later + KNOWN_PEER_TTL;
        let taken = (0..100).filter(|_| budget.try_take_new(peer(3), much_later)).count();
        assert_eq!(taken, 5, "a known one is forgotten");
    }

    #[test]
    fn a_token_that_was_allowed_spends_its_own_share() {
        let (mut budget, now) = (budget(), Instant::now());
        assert_eq!((0..100).filter(|_| budget.try_take_known([1; 32], now)).count(), 2);
        assert!(budget.try_take_known([2; 32], now));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut budget, now) = (budget(), Instant::now());
        for number in 0..10_000 {
            budget.mark_allowed(peer(number), now + Duration::from_millis(number.into()));
            budget.try_take_new(peer(20_000 + number), now);
            budget.known_tokens.try_take([u8::try_from(number % 251).unwrap(); 32], now);
            budget.known_peers.try_take(peer(number), now);
        }
        assert_eq!(budget.allowed_from.len(), MAX_KNOWN_PEERS);
        assert!(budget.allowed_from.contains_key(&peer(9_999)), "the latest are known");
        for shares in [&budget.new_peers, &budget.known_peers] {
            assert!(shares.each.len() <= MAX_SHARES, "{}", shares.each.len());
        }
    }
}
