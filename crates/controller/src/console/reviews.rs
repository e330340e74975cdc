//! Who may see what of the console, as the API server says: a token that it knows (TokenReview), and the namespaces whose
//! reports its owner may list (SubjectAccessReview). Whatever cannot be told is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use parking_lot::Mutex;
use tagwatch_console::{Answer, Authorizer, Caller, Denied, Token, Visible};
use tagwatch_core::text::UntrustedText;

use crate::access::{Budget, Ledger, Next, Question, Turn, allowed, user};
use crate::api::CallError;

/// Namespaces that are asked about for one caller who may not list reports everywhere; whoever would see more is told.
const MAX_NAMESPACES: usize = 5_000;
/// Questions at a time.
const CONCURRENCY: usize = 16;
/// Reviews of those who were let in before, at once and a second: each token that is known takes one a minute, and those
/// of a namespace that is new.
const REGULARS: (f64, f64) = (60.0, 10.0);

type Namespaces = BTreeSet<UntrustedText>;

/// Asks the API server, and remembers its answers for a short time by a hash of the token.
pub(super) struct Reviews {
    client: Client,
    ledger: Ledger<Arc<Seen>, ()>,
    /// The namespaces that were last asked about, which most answers share.
    asked: Mutex<Arc<Namespaces>>,
}

/// What somebody may see.
struct Seen {
    user: UserInfo,
    visible: Visible,
    /// The namespaces that were asked about.
    asked: Arc<Namespaces>,
}

impl Reviews {
    pub(super) fn new(client: Client) -> Self {
        let ledger = Ledger::new(Budget::of(REGULARS.0, REGULARS.1));
        Self { client, ledger, asked: Mutex::default() }
    }

    async fn decide(&self, token: &Token, namespaces: &Namespaces) -> Result<Caller, Denied> {
        let wanted = self.wanted(namespaces);
        let is_cut = wanted.len() < namespaces.len();
        let is_enough = |seen: &Arc<Seen>| seen.visible == Visible::All || wanted.is_subset(&seen.asked);
        let seen = match self.ledger.next(token.reveal(), is_enough).await {
            Next::LetIn(seen) => seen,
            Next::Refused(()) => return Err(Denied::Unauthenticated),
            Next::Busy => return Err(Denied::Busy),
            Next::Failed => return Err(Denied::Unavailable),
            Next::Ask(turn, before) => self.ask(turn, token, wanted, is_cut, before).await?,
        };
        let may_see_more = seen.visible != Visible::All && is_cut;
        let name = seen.user.username.as_deref().map(UntrustedText::from);
        Ok(Caller { name, visible: seen.visible.clone(), may_see_more })
    }

    /// As many of these as are asked about, in one copy as long as they stay the same.
    fn wanted(&self, namespaces: &Namespaces) -> Arc<Namespaces> {
        let mut asked = self.asked.lock();
        let wanted = || namespaces.iter().take(MAX_NAMESPACES);
        if !asked.iter().eq(wanted()) {
            *asked = Arc::new(wanted().cloned().collect());
        }
        Arc::clone(&asked)
    }

    /// Asks about a caller, or about the namespaces that nobody has asked about for them.
    async fn ask(
        &self,
        turn: Turn,
        token: &Token,
        wanted: Arc<Namespaces>,
        is_cut: bool,
        before: Option<Arc<Seen>>,
    ) -> Result<Arc<Seen>, Denied> {
        let is_new = before.is_none();
        let answer = match before {
            Some(before) => self.see_more(&before, wanted).await.map(Some),
            None => self.see(token, wanted, is_cut).await,
        };
        match answer {
            Ok(Some(seen)) => {
                let seen = Arc::new(seen);
                if is_new {
                    self.ledger.let_in(&turn, Arc::clone(&seen));
                } else {
                    self.ledger.add(&turn, Arc::clone(&seen));
                }
                Ok(seen)
            }
            Ok(None) => {
                self.ledger.refuse(&turn, ());
                Err(Denied::Unauthenticated)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot tell who sees the console, so nobody does");
                turn.fail();
                Err(Denied::Unavailable)
            }
        }
    }

    async fn see(
        &self,
        token: &Token,
        wanted: Arc<Namespaces>,
        is_cut: bool,
    ) -> Result<Option<Seen>, CallError> {
        let Some(user) = user(&self.client, token.reveal()).await? else { return Ok(None) };
        let visible = if self.may_list(&user, None).await? {
            Visible::All
        } else {
            if is_cut {
                tracing::warn!(
                    asked = MAX_NAMESPACES,
                    "a caller of the console may not list reports in all namespaces at once, and there are more than \
                     are asked about one by one: they may see less than they might"
                );
            }
            Visible::Namespaces(self.among(&user, wanted.iter()).await?)
        };
        Ok(Some(Seen { user, visible, asked: wanted }))
    }

    async fn see_more(&self, before: &Seen, wanted: Arc<Namespaces>) -> Result<Seen, CallError> {
        let mut visible = before.visible.clone();
        if let Visible::Namespaces(visible) = &mut visible {
            visible.extend(self.among(&before.user, wanted.difference(&before.asked)).await?);
        }
        // Those that are gone are asked about again should they come back: they may be somebody else's then.
        if let Visible::Namespaces(visible) = &mut visible {
            visible.retain(|namespace| wanted.contains(namespace));
        }
        Ok(Seen { user: before.user.clone(), visible, asked: wanted })
    }

    /// Those of these namespaces whose reports somebody may list.
    async fn among(
        &self,
        user: &UserInfo,
        namespaces: impl Iterator<Item = &UntrustedText>,
    ) -> Result<Namespaces, CallError> {
        let namespaces: Vec<UntrustedText> = namespaces.cloned().collect();
        let asked = stream::iter(namespaces).map(async |namespace| {
            let may = self.may_list(user, Some(namespace.raw())).await?;
            Ok::<_, CallError>(may.then_some(namespace))
        });
        let found: Vec<Option<UntrustedText>> = asked.buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn may_list(&self, user: &UserInfo, namespace: Option<&str>) -> Result<bool, CallError> {
        let attributes = ResourceAttributes {
            group: Some("wgpolicyk8s.io".to_owned()),
            resource: Some("policyreports".to_owned()),
            verb: Some("list".to_owned()),
            namespace: namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        allowed(&self.client, user.clone(), Question::Resource(Box::new(attributes))).await
    }
}

impl Authorizer for Reviews {
    fn is_open(&self) -> bool {
        false
    }

    fn authorize<'a>(&'a self, token: &'a Token, namespaces: &'a BTreeSet<UntrustedText>) -> Answer<'a> {
        Box::pin(self.decide(token, namespaces))
    }
}

#[cfg(test)]
#[path = "reviews_tests.rs"]
mod tests;
