//! Recent decisions on tokens, by a hash of the token. Bounded.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::TokenHash;

/// As long as the API server itself caches a TokenReview by webhook: a revoked token works at most this long.
const ALLOWED_TTL: Duration = Duration::from_mins(1);
/// Shorter, because the missing right may have been granted in the meantime.
const DENIED_TTL: Duration = Duration::from_secs(10);
/// How long a token that was allowed once is preferred to unknown tokens.
const KNOWN_TTL: Duration = Duration::from_hours(24);
/// Allowed tokens, and denied tokens, that are remembered.
const CAPACITY: usize = 512;

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
    /// `None` once the decision has expired.
    allowed: HashMap<TokenHash, (Option<A>, Instant)>,
    denied: HashMap<TokenHash, (D, Instant)>,
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
            Some((Some(allowed), at)) if is_within(ALLOWED_TTL, *at, now) => {
                CachedDecision::Allowed(allowed.clone())
            }
            Some((_, at)) if is_within(KNOWN_TTL, *at, now) => CachedDecision::AllowedBefore,
            _ => CachedDecision::Unknown,
        }
    }

    pub(super) fn allow(&mut self, token: TokenHash, allowed: A, now: Instant) {
        self.denied.remove(&token);
        make_room(&mut self.allowed, KNOWN_TTL, now);
        // Expired decisions free their memory; their tokens stay known.
        self.allowed.retain(|_, (allowed, at)| {
            *allowed = allowed.take().filter(|_| is_within(ALLOWED_TTL, *at, now));
            true
        });
        self.allowed.insert(token, (Some(allowed), now));
    }

    /// Replaces what came with an allowed token. Its age stays.
    pub(super) fn extend(&mut self, token: &TokenHash, allowed: A) {
        if let Some((Some(known), _)) = self.allowed.get_mut(token) {
            *known = allowed;
        }
    }

    pub(super) fn deny(&mut self, token: TokenHash, denied: D, now: Instant) {
        self.allowed.remove(&token);
        make_room(&mut self.denied, DENIED_TTL, now);
        self.denied.insert(token, (denied, now));
    }
}

fn is_within(ttl: Duration, at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < ttl
}

/// Removes what has expired, and then the oldest entry, until one more fits.
fn make_room<V>(entries: &mut HashMap<TokenHash, (V, Instant)>, ttl: Duration, now: Instant) {
    if entries.len() < CAPACITY {
        return;
    }
    entries.retain(|_, (_, at)| is_within(ttl, *at, now));
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
        decisions.allow(token(1), 'a', start);
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
        decisions.allow(token(1), 'a', start);
        decisions.extend(&token(1), 'b');
        assert_eq!(decisions.get(&token(1), at(59)), CachedDecision::Allowed('b'));
        decisions.allow(token(2), 'c', at(60));
        decisions.extend(&token(1), 'd');
        assert_eq!(
            decisions.get(&token(1), at(60)),
            CachedDecision::AllowedBefore,
            "another token does not make it unknown"
        );
        assert!(decisions.allowed[&token(1)].0.is_none(), "an expired decision takes no memory");
    }

    #[test]
    fn a_token_that_is_denied_is_no_longer_known() {
        let (mut decisions, start) = (CachedDecisions::default(), Instant::now());
        decisions.allow(token(1), (), start);
        decisions.deny(token(1), (), start + Duration::from_mins(2));
        assert_eq!(decisions.get(&token(1), start + Duration::from_mins(5)), CachedDecision::Unknown);
    }

    #[test]
    fn a_flood_of_denied_tokens_is_bounded_and_evicts_no_allowed_one() {
        let (mut decisions, start) = (CachedDecisions::default(), Instant::now());
        decisions.allow(token(0), (), start);
        for number in 1..10_000 {
            decisions.deny(token(number), (), start + Duration::from_millis(number.into()));
        }
        assert_eq!(decisions.denied.len(), CAPACITY);
        assert_eq!(decisions.get(&token(0), start), CachedDecision::Allowed(()));
    }
}
