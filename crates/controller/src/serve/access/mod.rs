//! Access to `/metrics`: a bearer token that the API server authenticates (TokenReview), whose user may `get` the path
//! (SubjectAccessReview).
//!
//! On error, access is denied. Decisions are cached for a short time by a hash of the token, and reviews are rate
//! limited: a flood of made-up tokens neither floods the API server with reviews nor locks out tokens that were allowed
//! before.

mod cache;
mod decisions;
mod review;

use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use kube::Client;

pub(crate) use cache::{Lookup, ReviewCache, ReviewGuard, rate_limit};
pub(crate) use review::{AccessAttributes, review_access, review_token};

/// Longer than any token of a service account, and than the tokens that API servers take in practice.
const MAX_TOKEN: usize = 16 * 1024;
/// Reviews of tokens that were allowed before: this many at once, and then one for each interval.
const KNOWN_BURST: usize = 10;
const KNOWN_INTERVAL: Duration = Duration::from_secs(1);

/// SHA-256 of a token: the token itself is not kept.
type TokenHash = [u8; 32];

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessDecision {
    Allowed,
    /// No token, or one that the API server does not know.
    Unauthenticated,
    /// The user of the token lacks the right.
    Forbidden,
    /// Too many reviews at once: the client may retry later.
    RateLimited,
    /// The API server does not answer.
    Unavailable,
}

/// Decides whether a request may read `/metrics`, by the API server's review of its token.
pub(crate) struct AccessGate {
    client: Client,
    cache: ReviewCache<(), AccessDecision>,
}

impl AccessGate {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, cache: ReviewCache::new(rate_limit(KNOWN_BURST, KNOWN_INTERVAL)) }
    }

    /// Whether the sender of these headers may `get` the path.
    pub(crate) async fn decide(&self, headers: &HeaderMap, path: &str) -> AccessDecision {
        let Some(token) = bearer(headers) else { return AccessDecision::Unauthenticated };
        let guard = match self.cache.look_up(token, |()| true).await {
            Lookup::Allowed(()) => return AccessDecision::Allowed,
            Lookup::Denied(decision) => return decision,
            Lookup::RateLimited => return AccessDecision::RateLimited,
            Lookup::Failed => return AccessDecision::Unavailable,
            Lookup::Review(guard, _) => guard,
        };
        let decision = review::decide(&self.client, token, path).await;
        match decision {
            AccessDecision::Allowed => self.cache.allow(&guard, ()),
            AccessDecision::Unauthenticated | AccessDecision::Forbidden => self.cache.deny(&guard, decision),
            AccessDecision::RateLimited | AccessDecision::Unavailable => guard.fail(),
        }
        decision
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750); the scheme is case-insensitive (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= MAX_TOKEN;
    is_usable.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_the_bearer_scheme_alone() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        for none in
            ["", "Bearer", "Bearer ", "Basic YTpi", "abc", &format!("Bearer {}", "x".repeat(MAX_TOKEN + 1))]
        {
            assert_eq!(token(none), None, "{none}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
