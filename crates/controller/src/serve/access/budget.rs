//! How many reviews by the API server clients may cause. Every token that was allowed lately and every network address has
//! a share of its own, so that a client that sends made-up tokens spends its own share.
//!
//! The first review from an address comes from a budget of its own, which no address takes from twice within
//! [`FIRST_TTL`]. So a new scraper waits at most until every other new address has had its one review, a tenth of a second
//! each, however often they ask.
//!
//! Pods with `hostNetwork` share an address, and so does everything behind one that translates addresses. Where the share
//! of its address is spent, a token that the API server has signed takes from one of its account, which made-up tokens
//! cannot spend.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tagwatch_console::Peer;
use tagwatch_core::fair::account_group;
use tokio::time::Instant;

use super::TokenHash;
use super::known_peers::KnownPeers;

/// Known addresses and tokens with a share of their own; those beyond use one together.
const MAX_SHARES: usize = 1024;
/// How long an address that had its first review is none that asks for the first time.
const FIRST_TTL: Duration = Duration::from_hours(1);

/// Reviews of new tokens from an address from which a token was allowed lately, such as that of a scraper whose token is
/// renewed.
const KNOWN_PEER: Rate = Rate { burst: 10, interval: Duration::from_secs(1) };
/// The first reviews of all other addresses. They bound how many addresses are remembered, too.
const FIRST_REVIEWS: Rate = Rate { burst: 50, interval: Duration::from_millis(100) };
/// Further reviews of new tokens from such an address.
const FURTHER_OF_PEER: Rate = Rate { burst: 4, interval: Duration::from_secs(5) };
/// Those of all such addresses together.
const FURTHER_REVIEWS: Rate = Rate { burst: 50, interval: Duration::from_millis(200) };

/// Reviews of new tokens with a signature of the API server, of an account of which a token was allowed lately.
const KNOWN_ACCOUNT: Rate = Rate { burst: 10, interval: Duration::from_secs(5) };
/// Those of all other accounts of a namespace, whose owner creates as many accounts and tokens as they like.
const OTHER_ACCOUNTS_OF_NAMESPACE: Rate = Rate { burst: 5, interval: Duration::from_secs(10) };
/// Those of all such accounts together.
const OTHER_ACCOUNTS: Rate = Rate { burst: 50, interval: Duration::from_millis(200) };

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
    allowed_from: KnownPeers,
    first_reviews: Share,
    /// Addresses that have had their first review.
    reviewed: HashMap<Peer, Reviewed>,
    further_reviews: Share,
    known_accounts: Shares<Box<str>>,
    /// By their namespace.
    other_accounts: Shares<Box<str>>,
    all_other_accounts: Share,
}

/// An address that is not known and has had its first review.
#[derive(Debug)]
struct Reviewed {
    at: Instant,
    further: Share,
}

impl ReviewBudget {
    /// `known_token` is the rate of each token that was allowed lately.
    pub(super) fn new(known_token: Rate) -> Self {
        let now = Instant::now();
        Self {
            known_tokens: Shares::new(known_token, now),
            known_peers: Shares::new(KNOWN_PEER, now),
            allowed_from: KnownPeers::default(),
            first_reviews: Share::full(now),
            reviewed: HashMap::new(),
            further_reviews: Share::full(now),
            known_accounts: Shares::new(KNOWN_ACCOUNT, now),
            other_accounts: Shares::new(OTHER_ACCOUNTS_OF_NAMESPACE, now),
            all_other_accounts: Share::full(now),
        }
    }

    /// Takes a review of a token that was allowed lately.
    pub(super) fn try_take_known(&mut self, token: TokenHash, now: Instant) -> bool {
        self.known_tokens.try_take(token, now)
    }

    /// Takes a review of a new token.
    pub(super) fn try_take_new(&mut self, peer: Peer, now: Instant) -> bool {
        if self.allowed_from.is_known(peer, now) {
            return self.known_peers.try_take(peer, now);
        }
        let is_over = |reviewed: &Reviewed| now.saturating_duration_since(reviewed.at) >= FIRST_TTL;
        if let Some(reviewed) = self.reviewed.get_mut(&peer).filter(|reviewed| !is_over(reviewed)) {
            return reviewed.further.try_take(FURTHER_OF_PEER, now)
                && self.further_reviews.try_take(FURTHER_REVIEWS, now);
        }
        if !self.first_reviews.try_take(FIRST_REVIEWS, now) {
            return false;
        }
        // Only before the table grows, so that this is cheap on average.
        if self.reviewed.len() == self.reviewed.capacity() {
            self.reviewed.retain(|_, reviewed| !is_over(reviewed));
        }
        self.reviewed.insert(peer, Reviewed { at: now, further: Share::full(now) });
        true
    }

    /// Takes a review of a new token that the API server has signed, where the share of its address is spent. `is_known` says
    /// whether another token of the account was allowed lately.
    pub(super) fn try_take_signed(&mut self, account: &str, is_known: bool, now: Instant) -> bool {
        if is_known {
            return self.known_accounts.try_take(account.into(), now);
        }
        self.other_accounts.try_take(account_group(account).into(), now)
            && self.all_other_accounts.try_take(OTHER_ACCOUNTS, now)
    }

    /// A token from this address is allowed.
    pub(super) fn mark_allowed(&mut self, peer: Peer, now: Instant) {
        self.reviewed.remove(&peer);
        self.allowed_from.mark(peer, now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_peers::KNOWN_TTL;
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
        let much_later = later + KNOWN_TTL;
        let taken = (0..100).filter(|_| budget.try_take_new(peer(3), much_later)).count();
        assert_eq!(taken, 5, "a known one is forgotten");
    }

    #[test]
    fn further_reviews_have_a_bound_together() {
        let (mut budget, now) = (budget(), Instant::now());
        let reviewed: Vec<u32> = (0..50).filter(|from| budget.try_take_new(peer(*from), now)).collect();
        assert_eq!(reviewed.len(), 50);
        let further = (0..10).flat_map(|_| &reviewed).filter(|from| budget.try_take_new(peer(**from), now));
        assert_eq!(further.count(), 50);
    }

    /// The scraper asks every 15 s, behind all the others; each of those asks every second, for three hours.
    #[test]
    fn a_new_scraper_waits_no_longer_than_each_other_new_address_takes_once() {
        const OTHERS: u32 = 2_000;
        let start = Instant::now();
        let mut budget = budget();
        let mut waits = Vec::new();
        let (mut next, mut came) = (1_000_000, 0);
        for second in 0..10_800 {
            let now = start + Duration::from_secs(second);
            for other in 0..OTHERS {
                budget.try_take_new(peer(other), now);
            }
            if second % 15 == 0 && budget.try_take_new(peer(next), now) {
                waits.push(second - came);
                // Another one comes with the next second.
                (next, came) = (next + 1, second + 1);
            }
        }
        let longest = waits.iter().copied().max().unwrap();
        assert!(longest <= u64::from(OTHERS) / 10 + 15, "{longest} s");
        assert!(waits.len() > 600, "{}", waits.len());
    }

    #[test]
    fn a_token_that_was_allowed_spends_its_own_share() {
        let (mut budget, now) = (budget(), Instant::now());
        assert_eq!((0..100).filter(|_| budget.try_take_known([1; 32], now)).count(), 2);
        assert!(budget.try_take_known([2; 32], now));
    }

    #[test]
    fn accounts_of_a_namespace_spend_its_share_and_a_known_account_its_own() {
        let account = |namespace: &str, name: u32| format!("system:serviceaccount:{namespace}:robot-{name}");
        let (mut budget, now) = (budget(), Instant::now());
        let robots = (0..1_000).filter(|name| budget.try_take_signed(&account("shop", *name), false, now));
        assert_eq!(robots.count(), 5);
        assert!(budget.try_take_signed(&account("bank", 1), false, now), "another namespace");
        let tenants = (0..1_000)
            .filter(|tenant| budget.try_take_signed(&account(&format!("tenant-{tenant}"), 1), false, now));
        assert_eq!(tenants.count(), 50 - 6, "all namespaces have a bound together");
        let known = account("shop", 1);
        assert_eq!((0..1_000).filter(|_| budget.try_take_signed(&known, true, now)).count(), 10);
        assert!(budget.try_take_signed(&account("shop", 2), true, now), "another known account");
        let later = now + Duration::from_secs(10);
        assert_eq!((0..1_000).filter(|_| budget.try_take_signed(&known, true, later)).count(), 2);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut budget, start) = (budget(), Instant::now());
        let mut most = 0;
        for number in 0..400_000 {
            // For more than two hours, a new address every 20 ms.
            let now = start + Duration::from_millis(20) * number;
            budget.try_take_new(peer(number), now);
            budget.known_tokens.try_take([u8::try_from(number % 251).unwrap(); 32], now);
            budget.known_peers.try_take(peer(number), now);
            budget.try_take_signed(&format!("system:serviceaccount:tenant-{number}:robot"), false, now);
            most = most.max(budget.reviewed.len());
        }
        // What takes room is at most twice what is remembered.
        assert!((36_000..=2 * 36_050).contains(&most), "{most}");
        assert!(budget.known_peers.each.len() <= MAX_SHARES, "{}", budget.known_peers.each.len());
        assert!(budget.other_accounts.each.len() <= MAX_SHARES, "{}", budget.other_accounts.each.len());
    }
}
