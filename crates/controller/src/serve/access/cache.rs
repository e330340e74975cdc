//! Which tokens need a review by the API server: recent decisions are cached, reviews are rate limited, and each token
//! has at most one review at a time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use leaky_bucket::RateLimiter;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::TokenHash;
use super::decisions::{CachedDecision, CachedDecisions};

/// Reviews of unknown tokens: this many at once, and then one for each interval.
const UNKNOWN_BURST: usize = 10;
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(1);

/// When the last review of a token failed.
type LastFailure = Option<Instant>;

/// Caches decisions by a hash of the token. `A` comes with an allowed token, `D` with a denied one.
pub(crate) struct ReviewCache<A, D> {
    decisions: Mutex<CachedDecisions<A, D>>,
    unknown_rate: RateLimiter,
    /// For tokens that were allowed before, so that a flood of unknown tokens does not lock them out.
    known_rate: RateLimiter,
    /// Tokens that the API server is reviewing now: requests with the same token wait for the same review.
    pending: Mutex<HashMap<TokenHash, Weak<AsyncMutex<LastFailure>>>>,
}

/// What the cache says about a token.
pub(crate) enum Lookup<A, D> {
    Allowed(A),
    Denied(D),
    /// The rate limit is reached: the client may retry later.
    RateLimited,
    /// The review failed for which this call waited.
    Failed,
    /// A review is needed; with what came with the token before, when that is recent but not sufficient.
    Review(ReviewGuard, Option<A>),
}

/// Permits the review of one token. Other calls with the token wait until this is dropped, and then see the outcome.
pub(crate) struct ReviewGuard {
    token: TokenHash,
    began: Instant,
    last_failure: OwnedMutexGuard<LastFailure>,
}

impl ReviewGuard {
    /// The API server gave no answer.
    pub(crate) fn fail(mut self) {
        *self.last_failure = Some(Instant::now());
    }
}

/// A bucket that is full at first, and regains one permit each interval.
pub(crate) fn rate_limit(burst: usize, interval: Duration) -> RateLimiter {
    RateLimiter::builder().initial(burst).max(burst).refill(1).interval(interval).build()
}

impl<A: Clone, D: Copy> ReviewCache<A, D> {
    pub(crate) fn new(known_rate: RateLimiter) -> Self {
        Self {
            decisions: Mutex::new(CachedDecisions::default()),
            unknown_rate: rate_limit(UNKNOWN_BURST, UNKNOWN_INTERVAL),
            known_rate,
            pending: Mutex::new(HashMap::new()),
        }
    }

    /// Looks a token up. `is_sufficient` says whether a cached decision answers the request.
    pub(crate) async fn look_up(&self, token: &str, is_sufficient: impl FnOnce(&A) -> bool) -> Lookup<A, D> {
        let token: TokenHash = Sha256::digest(token).into();
        let arrived = Instant::now();
        let last_failure = self.pending(token).lock_owned().await;
        let began = Instant::now();
        let cached = self.decisions.lock().get(&token, began);
        let (rate, known) = match cached {
            CachedDecision::Allowed(allowed) if is_sufficient(&allowed) => return Lookup::Allowed(allowed),
            CachedDecision::Denied(denied) => return Lookup::Denied(denied),
            CachedDecision::Allowed(allowed) => (&self.known_rate, Some(allowed)),
            CachedDecision::AllowedBefore => (&self.known_rate, None),
            CachedDecision::Unknown => (&self.unknown_rate, None),
        };
        // A call that has waited for a failed review does not start another one.
        if last_failure.is_some_and(|at| at > arrived) {
            return Lookup::Failed;
        }
        if !rate.try_acquire(1) {
            return Lookup::RateLimited;
        }
        Lookup::Review(ReviewGuard { token, began, last_failure }, known)
    }

    /// The API server allows the token. The decision is as old as its request.
    pub(crate) fn allow(&self, guard: &ReviewGuard, allowed: A) {
        self.decisions.lock().allow(guard.token, allowed, guard.began);
    }

    /// Replaces what came with an allowed token; the decision keeps its age.
    pub(crate) fn extend(&self, guard: &ReviewGuard, allowed: A) {
        self.decisions.lock().extend(&guard.token, allowed);
    }

    /// The API server denies the token.
    pub(crate) fn deny(&self, guard: &ReviewGuard, denied: D) {
        self.decisions.lock().deny(guard.token, denied, Instant::now());
    }

    fn pending(&self, token: TokenHash) -> Arc<AsyncMutex<LastFailure>> {
        let mut pending = self.pending.lock();
        if let Some(review) = pending.get(&token).and_then(Weak::upgrade) {
            return review;
        }
        // Only before the table grows, so that this is cheap on average.
        if pending.len() == pending.capacity() {
            pending.retain(|_, review| review.strong_count() > 0);
        }
        let review = Arc::new(AsyncMutex::new(None));
        pending.insert(token, Arc::downgrade(&review));
        review
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_gets_the_burst_and_then_the_rate() {
        let rate = rate_limit(UNKNOWN_BURST, UNKNOWN_INTERVAL);
        let taken = || (0..10_000).filter(|_| rate.try_acquire(1)).count();
        assert_eq!(taken(), 10);
        advance(Duration::from_secs(3)).await;
        assert_eq!(taken(), 3);
        advance(Duration::from_secs(997)).await;
        assert_eq!(taken(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_time_saves_no_more_than_the_burst() {
        let rate = rate_limit(UNKNOWN_BURST, UNKNOWN_INTERVAL);
        advance(Duration::from_secs(1_000)).await;
        assert_eq!((0..10_000).filter(|_| rate.try_acquire(1)).count(), 10);
    }
}
