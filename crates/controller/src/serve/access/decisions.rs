//! Recent decisions on tokens, by a hash of the token. Bounded.

use std::collections::HashMap;
use std::time::Duration;

use tagwatch_core::fair::{Capacity, evict};
use tokio::time::Instant;

use super::TokenHash;

/// As long as the API server itself caches a TokenReview by webhook: a revoked token works at most this long.
const ALLOWED_TTL: Duration = Duration::from_mins(1);
/// Shorter, because the missing right may have been granted in the meantime.
const DENIED_TTL: Duration = Duration::from_secs(10);
/// How long a token that was allowed once is preferred to unknown tokens.
const KNOWN_TTL: Duration = Duration::from_hours(24);
/// Allowed tokens, and denied tokens, that are remembered. Beyond it, the group of accounts with the most allowed tokens
/// loses its oldest one.
const CAPACITY: usize = 512;
/// Allowed tokens of one account that are remembered. Beyond it, the account's oldest one is forgotten.
const MAX_PER_ACCOUNT: usize = 16;

/// What is remembered about a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CachedDecision<A, D> {
    Allowed(A),
    Denied(D),
    /// It was allowed, too long ago to rely on.
    AllowedBefore,
    Unknown,
}

/// Allowed and denied tokens in separate maps, so that no number of denied tokens evicts an allowed one. `A` comes with
/// an allowed token, `D` with a denied one.
pub(super) struct CachedDecisions<A, D> {
    allowed: HashMap<TokenHash, AllowedToken<A>>,
    denied: HashMap<TokenHash, (D, Instant)>,
}

/// A token that was allowed.
struct AllowedToken<A> {
    /// `None` once the decision has expired.
    allowed: Option<A>,
    account: Box<str>,
    at: Instant,
}

impl<A, D> Default for CachedDecisions<A, D> {
    fn default() -> Self {
        Self { allowed: HashMap::new(), denied: HashMap::new() }
    }
}

impl<A: Clone, D: Copy> CachedDecisions<A, D> {
    pub(super) fn get(&self, token: &TokenHash, now: Instant) -> CachedDecision<A, D> {
        if let Some((denied, at)) = self.denied.get(token)
            && is_within(DENIED_TTL, *at, now)
        {
            return CachedDecision::Denied(*denied);
        }
        match self.allowed.get(token) {
            Some(AllowedToken { allowed: Some(allowed), at, .. }) if is_within(ALLOWED_TTL, *at, now) => {
                CachedDecision::Allowed(allowed.clone())
            }
            Some(AllowedToken { at, .. }) if is_within(KNOWN_TTL, *at, now) => CachedDecision::AllowedBefore,
            _ => CachedDecision::Unknown,
        }
    }

    /// Whether a token of the account was allowed within [`KNOWN_TTL`].
    pub(super) fn knows_account(&self, account: &str, now: Instant) -> bool {
        let mut tokens = self.allowed.values();
        tokens.any(|token| *token.account == *account && is_within(KNOWN_TTL, token.at, now))
    }

    pub(super) fn allow(&mut self, token: TokenHash, account: &str, allowed: A, now: Instant) {
        self.denied.remove(&token);
        self.allowed.remove(&token);
        // Expired decisions free their memory; their tokens stay known.
        self.allowed.retain(|_, AllowedToken { allowed, at, .. }| {
            *allowed = allowed.take().filter(|_| is_within(ALLOWED_TTL, *at, now));
            is_within(KNOWN_TTL, *at, now)
        });
        self.make_room_for(account);
        self.allowed.insert(token, AllowedToken { allowed: Some(allowed), account: account.into(), at: now });
    }

    /// One account obtains as many valid tokens as it likes, and must not make those of others unknown.
    fn make_room_for(&mut self, account: &str) {
        let entries = self.allowed.iter().map(|(hash, token)| (*hash, &*token.account, token.at));
        let capacity = Capacity { entries: CAPACITY, of_account: MAX_PER_ACCOUNT };
        if let Some(evicted) = evict(entries, account, capacity) {
            self.allowed.remove(&evicted);
        }
    }

    /// Replaces what came with an allowed token. Its age stays.
    pub(super) fn extend(&mut self, token: &TokenHash, allowed: A) {
        if let Some(AllowedToken { allowed: Some(known), .. }) = self.allowed.get_mut(token) {
            *known = allowed;
        }
    }

    pub(super) fn deny(&mut self, token: TokenHash, denied: D, now: Instant) {
        self.allowed.remove(&token);
        make_room(&mut self.denied, now);
        self.denied.insert(token, (denied, now));
    }
}

fn is_within(ttl: Duration, at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < ttl
}

/// Removes what has expired, and then the oldest entry, until one more fits.
fn make_room<D>(entries: &mut HashMap<TokenHash, (D, Instant)>, now: Instant) {
    if entries.len() < CAPACITY {
        return;
    }
    entries.retain(|_, (_, at)| is_within(DENIED_TTL, *at, now));
    if entries.len() >= CAPACITY
        && let Some(oldest) = entries.iter().min_by_key(|(_, (_, at))| *at).map(|(token, _)| *token)
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u16) -> TokenHash {
        let mut hash = [0; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn decisions_expire_after_their_time() {
        let (mut decisions, start) = (CachedDecisions::default(), Instant::now());
        decisions.allow(token(1), "jane", 'a', start);
        decisions.deny(token(2), 'd', start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(decisions.get(&token(1), at(59)), CachedDecision::Allowed('a'));
        assert_eq!(decisions.get(&token(1), at(60)), CachedDecision::AllowedBefore);
        assert_eq!(decisions.get(&token(2), at(9)), CachedDecision::Denied('d'));
        assert_eq!(decisions.get(&token(2), at(10)), CachedDecision::Unknown);
        assert_eq!(decisions.get(&token(3), at(0)), CachedDecision::Unknown);
    }

    #[test]
    fn an_extended_decision_keeps_its_age() {
        let (mut decisions, start) = (CachedDecisions::<_, ()>::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        decisions.allow(token(1), "jane", 'a', start);
        decisions.extend(&token(1), 'b');
        assert_eq!(decisions.get(&token(1), at(59)), CachedDecision::Allowed('b'));
        decisions.allow(token(2), "jane", 'c', at(60));
        decisions.extend(&token(1), 'd');
        assert_eq!(
            decisions.get(&token(1), at(60)),
            CachedDecision::AllowedBefore,
            "another token does not make it unknown"
        );
        assert!(decisions.allowed[&token(1)].allowed.is_none(), "an expired decision takes no memory");
    }

    #[test]
    fn an_account_is_known_by_its_tokens_for_a_day() {
        let (mut decisions, start) = (CachedDecisions::<_, ()>::default(), Instant::now());
        decisions.allow(token(1), "jane", (), start);
        let day = start + KNOWN_TTL;
        assert!(decisions.knows_account("jane", start) && !decisions.knows_account("joe", start));
        assert!(!decisions.knows_account("jane", day));
        decisions.allow(token(2), "jane", (), day);
        decisions.deny(token(1), (), day);
        assert!(decisions.knows_account("jane", day));
        decisions.deny(token(2), (), day);
        assert!(!decisions.knows_account("jane", day));
    }

    #[test]
    fn a_token_that_is_denied_is_no_longer_known() {
        let (mut decisions, start) = (CachedDecisions::default(), Instant::now());
        decisions.allow(token(1), "jane", (), start);
        decisions.deny(token(1), (), start + Duration::from_mins(2));
        assert_eq!(decisions.get(&token(1), start + Duration::from_mins(5)), CachedDecision::Unknown);
    }

    #[test]
    fn a_flood_of_denied_tokens_is_bounded_and_evicts_no_allowed_one() {
        let (mut decisions, start) = (CachedDecisions::default(), Instant::now());
        decisions.allow(token(0), "jane", (), start);
        for number in 1..10_000 {
            decisions.deny(token(number), (), start + Duration::from_millis(number.into()));
        }
        assert_eq!(decisions.denied.len(), CAPACITY);
        assert_eq!(decisions.get(&token(0), start), CachedDecision::Allowed(()));
    }

    #[test]
    fn valid_tokens_of_one_account_or_namespace_evict_no_token_of_another() {
        let (mut decisions, start) = (CachedDecisions::<_, ()>::default(), Instant::now());
        decisions.allow(token(0), "jane", (), start);
        for number in 1..1_000 {
            decisions.allow(token(number), "robot", (), start + Duration::from_millis(number.into()));
        }
        assert_eq!(decisions.allowed.len(), 1 + MAX_PER_ACCOUNT);
        for number in 1_000..5_000 {
            let account = format!("system:serviceaccount:shop:robot-{number}");
            decisions.allow(token(number), &account, (), start + Duration::from_millis(number.into()));
        }
        assert_eq!(decisions.allowed.len(), CAPACITY);
        assert_eq!(decisions.get(&token(0), start), CachedDecision::Allowed(()));
        assert_eq!(decisions.get(&token(4_999), start), CachedDecision::Allowed(()));
    }
}
