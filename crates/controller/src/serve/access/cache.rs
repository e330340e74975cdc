//! Which tokens need a review by the API server: recent decisions are cached, reviews have a budget, and each token has at
//! most one review at a time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tagwatch_console::Peer;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::TokenHash;
use super::budget::{Rate, ReviewBudget};
use super::decisions::{CachedDecision, CachedDecisions};

/// When the last review of a token failed.
type LastFailure = Option<Instant>;

/// Caches decisions by a hash of the token. `A` comes with an allowed token, `D` with a denied one.
pub(crate) struct ReviewCache<A, D> {
    decisions: Mutex<CachedDecisions<A, D>>,
    budget: Mutex<ReviewBudget>,
    /// Tokens that the API server is reviewing now: requests with the same token wait for the same review.
    pending: Mutex<HashMap<TokenHash, Weak<AsyncMutex<LastFailure>>>>,
}

/// What the cache says about a token.
pub(crate) enum Lookup<A, D> {
    Allowed(A),
    Denied(D),
    /// The budget is spent: the client may retry later.
    RateLimited,
    /// The review failed for which this call waited.
    Failed,
    /// A review is needed; with what came with the token before, when that is recent but not sufficient.
    Review(ReviewGuard, Option<A>),
}

/// Permits the review of one token. Other calls with the token wait until this is dropped, and then see the outcome.
pub(crate) struct ReviewGuard {
    token: TokenHash,
    peer: Peer,
    began: Instant,
    last_failure: OwnedMutexGuard<LastFailure>,
}

impl ReviewGuard {
    /// The API server gave no answer.
    pub(crate) fn fail(mut self) {
        *self.last_failure = Some(Instant::now());
    }
}

impl<A: Clone, D: Copy> ReviewCache<A, D> {
    /// `known_token` is the rate of reviews of each token that was allowed lately.
    pub(crate) fn new(known_token: Rate) -> Self {
        Self {
            decisions: Mutex::new(CachedDecisions::default()),
            budget: Mutex::new(ReviewBudget::new(known_token)),
            pending: Mutex::new(HashMap::new()),
        }
    }

    /// Looks up a token that `peer` has sent. `is_sufficient` says whether a cached decision answers the request.
    pub(crate) async fn look_up(
        &self,
        token: &str,
        peer: Peer,
        is_sufficient: impl FnOnce(&A) -> bool,
    ) -> Lookup<A, D> {
        let token: TokenHash = Sha256::digest(token).into();
        let arrived = Instant::now();
        let last_failure = self.pending(token).lock_owned().await;
        let began = Instant::now();
        let cached = self.decisions.lock().get(&token, began);
        let (is_known, known) = match cached {
            CachedDecision::Allowed(allowed) if is_sufficient(&allowed) => return Lookup::Allowed(allowed),
            CachedDecision::Denied(denied) => return Lookup::Denied(denied),
            CachedDecision::Allowed(allowed) => (true, Some(allowed)),
            CachedDecision::AllowedBefore => (true, None),
            CachedDecision::Unknown => (false, None),
        };
        // A call that has waited for a failed review does not start another one.
        if last_failure.is_some_and(|at| at > arrived) {
            return Lookup::Failed;
        }
        let mut budget = self.budget.lock();
        let is_within =
            if is_known { budget.try_take_known(token, began) } else { budget.try_take_new(peer, began) };
        drop(budget);
        if !is_within {
            return Lookup::RateLimited;
        }
        Lookup::Review(ReviewGuard { token, peer, began, last_failure }, known)
    }

    /// The API server allows the token of an account. The decision is as old as its request.
    pub(crate) fn allow(&self, guard: &ReviewGuard, account: &str, allowed: A) {
        self.decisions.lock().allow(guard.token, account, allowed, guard.began);
        self.budget.lock().mark_allowed(guard.peer, guard.began);
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
