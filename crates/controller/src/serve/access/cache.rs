//! Which tokens need a review by the API server: recent decisions are cached, reviews have a budget, and each token has at
//! most one review at a time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use kube::Client;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tagwatch_client::ServerClock;
use tagwatch_console::Peer;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::TokenHash;
use super::budget::{Rate, ReviewBudget};
use super::decisions::{CachedDecision, CachedDecisions};
use super::signature::SignatureVerifier;

/// When the last review of a token failed.
type LastFailure = Option<Instant>;

/// Caches decisions by a hash of the token. `A` comes with an allowed token, `D` with a denied one.
pub(crate) struct ReviewCache<A, D> {
    decisions: Mutex<CachedDecisions<A, D>>,
    budget: Mutex<ReviewBudget>,
    signatures: SignatureVerifier,
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
    /// `known_token` is the rate of reviews of each token that was allowed lately. The client reads the keys with which the
    /// API server signs tokens.
    pub(crate) fn new(known_token: Rate, client: Client, clock: ServerClock) -> Self {
        Self {
            decisions: Mutex::new(CachedDecisions::default()),
            budget: Mutex::new(ReviewBudget::new(known_token)),
            signatures: SignatureVerifier::new(client, clock),
            pending: Mutex::new(HashMap::new()),
        }
    }

    /// Looks up the text of a token that `peer` has sent. `is_sufficient` says whether a cached decision answers the request.
    pub(crate) async fn look_up(
        &self,
        text: &str,
        peer: Peer,
        is_sufficient: impl FnOnce(&A) -> bool,
    ) -> Lookup<A, D> {
        let token = hash(text);
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
        let is_within = if is_known {
            self.budget.lock().try_take_known(token, began)
        } else {
            self.try_take_new(text, peer, began).await
        };
        if !is_within {
            return Lookup::RateLimited;
        }
        Lookup::Review(ReviewGuard { token, peer, began, last_failure }, known)
    }

    /// Takes a review of a new token: from the share of its address, else from that of the account for which the API server
    /// has signed it.
    async fn try_take_new(&self, token: &str, peer: Peer, now: Instant) -> bool {
        if self.budget.lock().try_take_new(peer, now) {
            return true;
        }
        let Some(account) = self.signatures.account(token).await else { return false };
        let now = Instant::now();
        let is_known = self.decisions.lock().knows_account(&account, now);
        self.budget.lock().try_take_signed(&account, is_known, now)
    }

    /// Whether a token was allowed lately, or carries a signature of the API server: it is no guess then, and still needs a
    /// review.
    pub(crate) async fn is_genuine(&self, token: &str) -> bool {
        let decision = self.decisions.lock().get(&hash(token), Instant::now());
        match decision {
            CachedDecision::Allowed(_) | CachedDecision::AllowedBefore => true,
            CachedDecision::Denied(_) => false,
            CachedDecision::Unknown => self.signatures.account(token).await.is_some(),
        }
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

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}
