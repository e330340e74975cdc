//! Access to the console: a token that the API server authenticates (TokenReview), and the namespaces whose reports its
//! user may list (SubjectAccessReview). On error, access is denied.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use leaky_bucket::RateLimiter;
use parking_lot::Mutex;
use tagwatch_client::{CallError, ServerClock};
use tagwatch_console::{Answer, Authorizer, Caller, Denied, Peer, Token, Visible};
use tagwatch_core::text::UntrustedText;
use tokio::sync::Semaphore;

use crate::serve::access::{
    AccessAttributes, Lookup, Rate, ReviewCache, ReviewGuard, review_access, review_token,
};
use crate::state::rate_limiter;

/// Namespaces that are reviewed for a user who may not list reports in all namespaces. The console shows such a user when
/// there are more.
const MAX_NAMESPACES: usize = 5_000;
/// Questions to the API server at a time, of all callers.
const CONCURRENCY: usize = 16;
/// Questions to the API server at a time, of one caller: one who is asked about in thousands of namespaces leaves room for
/// others, since each waits in turn.
const CALLER_CONCURRENCY: usize = 8;
/// Questions to the API server: this many at once, and then so many a second. One who may not list reports in all
/// namespaces takes up to [`MAX_NAMESPACES`] a minute.
const BURST: usize = 5_000;
const PER_SECOND: usize = 500;
/// Reviews of a token that was allowed lately: it needs one a minute, and one for each new namespace.
const KNOWN_TOKEN: Rate = Rate { burst: 60, interval: Duration::from_secs(1) };

type Namespaces = BTreeSet<UntrustedText>;

/// Authorizes by reviews of the API server, which are cached for a short time by a hash of the token.
pub(super) struct ReviewAuthorizer {
    /// For these questions alone: they wait for no write of a report, and no write for them.
    client: Client,
    audience: String,
    /// All questions together keep to these.
    permits: Semaphore,
    rate: RateLimiter,
    cache: ReviewCache<Arc<UserAccess>, ()>,
    /// The namespaces of the last review: most cached decisions share them.
    reviewed: Mutex<Arc<Namespaces>>,
}

/// What a user may see.
struct UserAccess {
    user: UserInfo,
    visible: Visible,
    /// The namespaces that were reviewed.
    reviewed: Arc<Namespaces>,
}

impl ReviewAuthorizer {
    pub(super) fn new(client: Client, audience: String, clock: ServerClock) -> Self {
        Self {
            audience,
            permits: Semaphore::new(CONCURRENCY),
            rate: rate_limiter(BURST, PER_SECOND),
            cache: ReviewCache::new(KNOWN_TOKEN, client.clone(), clock),
            client,
            reviewed: Mutex::default(),
        }
    }

    /// Asks the API server, within the bounds of all questions together.
    async fn ask<T>(&self, question: impl Future<Output = T>) -> T {
        self.rate.acquire_one().await;
        // Fails only when the semaphore is closed, which it never is.
        let _permit = self.permits.acquire().await;
        question.await
    }

    async fn decide(&self, token: &Token, peer: Peer, namespaces: &Namespaces) -> Result<Caller, Denied> {
        let wanted = self.wanted(namespaces);
        let is_cut = wanted.len() < namespaces.len();
        let is_sufficient =
            |access: &Arc<UserAccess>| access.visible == Visible::All || wanted.is_subset(&access.reviewed);
        let access = match self.cache.look_up(token.reveal(), peer, is_sufficient).await {
            Lookup::Allowed(access) => access,
            Lookup::Denied(()) => return Err(Denied::Unauthenticated),
            Lookup::RateLimited => return Err(Denied::Busy),
            Lookup::Failed => return Err(Denied::Unavailable),
            Lookup::Review(guard, known) => self.review(guard, token, wanted, is_cut, known).await?,
        };
        let may_see_more = access.visible != Visible::All && is_cut;
        let name = access.user.username.as_deref().map(UntrustedText::from);
        Ok(Caller { name, visible: access.visible.clone(), may_see_more })
    }

    /// The namespaces to review. Calls share one copy while the set stays the same.
    fn wanted(&self, namespaces: &Namespaces) -> Arc<Namespaces> {
        let mut reviewed = self.reviewed.lock();
        let wanted = || namespaces.iter().take(MAX_NAMESPACES);
        if !reviewed.iter().eq(wanted()) {
            *reviewed = Arc::new(wanted().cloned().collect());
        }
        Arc::clone(&reviewed)
    }

    /// Reviews a token, or the new namespaces of a `known` user.
    async fn review(
        &self,
        guard: ReviewGuard,
        token: &Token,
        wanted: Arc<Namespaces>,
        is_cut: bool,
        known: Option<Arc<UserAccess>>,
    ) -> Result<Arc<UserAccess>, Denied> {
        let is_known = known.is_some();
        let reviewed = match known {
            Some(known) => self.review_new_namespaces(&known, wanted).await.map(Some),
            None => self.review_user(token, wanted, is_cut).await,
        };
        match reviewed {
            Ok(Some(access)) => {
                let access = Arc::new(access);
                if is_known {
                    self.cache.extend(&guard, Arc::clone(&access));
                } else {
                    let account = access.user.username.as_deref().unwrap_or_default();
                    self.cache.allow(&guard, account, Arc::clone(&access));
                }
                Ok(access)
            }
            Ok(None) => {
                self.cache.deny(&guard, ());
                Err(Denied::Unauthenticated)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot review who sees the console; access is denied");
                guard.fail();
                Err(Denied::Unavailable)
            }
        }
    }

    /// `None` when the API server does not know the token.
    async fn review_user(
        &self,
        token: &Token,
        wanted: Arc<Namespaces>,
        is_cut: bool,
    ) -> Result<Option<UserAccess>, CallError> {
        let known = self.ask(review_token(&self.client, token.reveal(), &self.audience)).await?;
        let Some(user) = known else { return Ok(None) };
        let visible = if self.may_list(&user, None).await? {
            Visible::All
        } else {
            if is_cut {
                tracing::warn!(
                    reviewed = MAX_NAMESPACES,
                    "a user of the console may not list reports in all namespaces at once, and there are more namespaces \
                     than are reviewed: the user may see less than permitted"
                );
            }
            Visible::Namespaces(self.listable(&user, wanted.iter()).await?)
        };
        Ok(Some(UserAccess { user, visible, reviewed: wanted }))
    }

    async fn review_new_namespaces(
        &self,
        known: &UserAccess,
        wanted: Arc<Namespaces>,
    ) -> Result<UserAccess, CallError> {
        let mut visible = known.visible.clone();
        if let Visible::Namespaces(visible) = &mut visible {
            visible.extend(self.listable(&known.user, wanted.difference(&known.reviewed)).await?);
            // A deleted namespace is reviewed again when it comes back: it may have other owners then.
            visible.retain(|namespace| wanted.contains(namespace));
        }
        Ok(UserAccess { user: known.user.clone(), visible, reviewed: wanted })
    }

    /// Those of the namespaces whose reports the user may list.
    async fn listable(
        &self,
        user: &UserInfo,
        namespaces: impl Iterator<Item = &UntrustedText>,
    ) -> Result<Namespaces, CallError> {
        let namespaces: Vec<UntrustedText> = namespaces.cloned().collect();
        let reviews = stream::iter(namespaces).map(async |namespace| {
            let may = self.may_list(user, Some(namespace.raw())).await?;
            Ok::<_, CallError>(may.then_some(namespace))
        });
        let found: Vec<Option<UntrustedText>> =
            reviews.buffer_unordered(CALLER_CONCURRENCY).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Whether the user may list reports in a namespace; `None` is all namespaces at once.
    async fn may_list(&self, user: &UserInfo, namespace: Option<&str>) -> Result<bool, CallError> {
        let attributes = ResourceAttributes {
            group: Some("wgpolicyk8s.io".to_owned()),
            resource: Some("policyreports".to_owned()),
            verb: Some("list".to_owned()),
            namespace: namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let attributes = AccessAttributes::Resource(Box::new(attributes));
        self.ask(review_access(&self.client, user.clone(), attributes)).await
    }
}

impl Authorizer for ReviewAuthorizer {
    fn authorize<'a>(
        &'a self,
        token: &'a Token,
        peer: Peer,
        namespaces: &'a BTreeSet<UntrustedText>,
    ) -> Answer<'a> {
        Box::pin(self.decide(token, peer, namespaces))
    }

    fn is_genuine<'a>(&'a self, token: &'a Token) -> Answer<'a, bool> {
        Box::pin(self.cache.is_genuine(token.reveal()))
    }
}

#[cfg(test)]
mod tests;
