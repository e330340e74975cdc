//! Access to `/metrics`: a bearer token that the API server authenticates (TokenReview), whose user may `get` the path
//! (SubjectAccessReview).
//!
//! On error, access is denied. Decisions are cached for a short time by a hash of the token, and reviews have a budget: a
//! flood of made-up tokens neither floods the API server with reviews nor locks others out.

mod audience;
mod budget;
mod cache;
mod decisions;
mod jwt;
mod known_peers;
mod review;
mod signature;

use std::time::Duration;

use http::HeaderMap;
use kube::Client;
use tagwatch_client::{CallError, ServerClock};
use tagwatch_console::{Peer, Token};

pub(crate) use budget::Rate;
pub(crate) use cache::{Lookup, ReviewCache, ReviewGuard};
pub(crate) use known_peers::KnownPeers;
pub(crate) use review::{AccessAttributes, review_access, review_token};

/// Reviews of a token that was allowed lately: it needs one a minute.
const KNOWN_TOKEN: Rate = Rate { burst: 5, interval: Duration::from_secs(5) };

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

/// What the API server says of a token.
enum Reviewed {
    Allowed { account: String },
    Denied(AccessDecision),
}

/// Decides whether a request may read `/metrics`, by the API server's review of its token.
pub(crate) struct AccessGate {
    client: Client,
    audience: String,
    cache: ReviewCache<(), AccessDecision>,
}

impl AccessGate {
    /// The client is for reviews alone; `audience` is that of tokens for tagwatch alone.
    pub(crate) fn new(client: Client, audience: String, clock: ServerClock) -> Self {
        let cache = ReviewCache::new(KNOWN_TOKEN, client.clone(), clock);
        Self { client, audience, cache }
    }

    /// Whether `peer`, which has sent these headers, may `get` the path.
    pub(crate) async fn decide(&self, headers: &HeaderMap, peer: Peer, path: &str) -> AccessDecision {
        let Some(token) = Token::of_bearer(headers) else { return AccessDecision::Unauthenticated };
        let guard = match self.cache.look_up(token.reveal(), peer, |()| true).await {
            Lookup::Allowed(()) => return AccessDecision::Allowed,
            Lookup::Denied(decision) => return decision,
            Lookup::RateLimited => return AccessDecision::RateLimited,
            Lookup::Failed => return AccessDecision::Unavailable,
            Lookup::Review(guard, _) => guard,
        };
        match self.review(&token, path).await {
            Ok(Reviewed::Allowed { account }) => {
                self.cache.allow(&guard, &account, ());
                AccessDecision::Allowed
            }
            Ok(Reviewed::Denied(decision)) => {
                self.cache.deny(&guard, decision);
                decision
            }
            Err(error) => {
                tracing::warn!(%error, "cannot review who reads the metrics; access is denied");
                guard.fail();
                AccessDecision::Unavailable
            }
        }
    }

    async fn review(&self, token: &Token, path: &str) -> Result<Reviewed, CallError> {
        let Some(user) = review_token(&self.client, token.reveal(), &self.audience).await? else {
            return Ok(Reviewed::Denied(AccessDecision::Unauthenticated));
        };
        let account = user.username.clone().unwrap_or_default();
        Ok(if review_access(&self.client, user, AccessAttributes::Path(path)).await? {
            Reviewed::Allowed { account }
        } else {
            Reviewed::Denied(AccessDecision::Forbidden)
        })
    }
}

#[cfg(test)]
mod tests;
