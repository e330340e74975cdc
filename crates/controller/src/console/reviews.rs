//! Who may see what of the console, as the API server says: a token that it knows (TokenReview), and the namespaces whose
//! reports its owner may list (SubjectAccessReview). Whatever cannot be told is refused.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tagwatch_console::{Answer, Authorizer, Caller, Denied, Token, Visible};
use tagwatch_core::text::UntrustedText;
use tokio::time::Instant;

use crate::access::{Budget, Question, TokenHash, allowed, user};
use crate::api::CallError;

/// How long an answer holds: what is taken away works at most so long on.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// Answers that are kept.
const CAPACITY: usize = 256;
/// Namespaces that are asked about for one caller who may not list reports everywhere.
const MAX_NAMESPACES: usize = 500;
/// Questions at a time.
const CONCURRENCY: usize = 8;

/// Asks the API server, and remembers its answers for a short time by a hash of the token.
pub(super) struct Reviews {
    client: Client,
    kept: Mutex<HashMap<TokenHash, Kept>>,
    strangers: Budget,
    regulars: Budget,
}

#[derive(Clone)]
struct Kept {
    at: Instant,
    /// The namespaces that were asked about.
    namespaces: BTreeSet<UntrustedText>,
    caller: Caller,
}

impl Reviews {
    pub(super) fn new(client: Client) -> Self {
        Self { client, kept: Mutex::default(), strangers: Budget::new(), regulars: Budget::new() }
    }

    async fn decide(&self, token: &Token, namespaces: &BTreeSet<UntrustedText>) -> Result<Caller, Denied> {
        let hash: TokenHash = Sha256::digest(token.reveal()).into();
        let kept = self.kept.lock().get(&hash).cloned();
        let now = Instant::now();
        if let Some(kept) = &kept
            && now.duration_since(kept.at) < KEPT_FOR
            && (kept.caller.visible == Visible::All || kept.namespaces == *namespaces)
        {
            return Ok(kept.caller.clone());
        }
        let budget = if kept.is_some() { &self.regulars } else { &self.strangers };
        if !budget.take(now) {
            return Err(Denied::Unavailable);
        }
        let caller = self.ask(token, namespaces).await.map_err(|error| {
            tracing::warn!(%error, "cannot tell who sees the console, so nobody does");
            Denied::Unavailable
        })?;
        let mut all = self.kept.lock();
        all.retain(|_, kept| now.duration_since(kept.at) < KEPT_FOR);
        let Some(caller) = caller else {
            all.remove(&hash);
            return Err(Denied::Unauthenticated);
        };
        if all.len() < CAPACITY {
            all.insert(hash, Kept { at: now, namespaces: namespaces.clone(), caller: caller.clone() });
        }
        Ok(caller)
    }

    async fn ask(
        &self,
        token: &Token,
        namespaces: &BTreeSet<UntrustedText>,
    ) -> Result<Option<Caller>, CallError> {
        let Some(user) = user(&self.client, token.reveal()).await? else { return Ok(None) };
        let name = user.username.as_deref().map(UntrustedText::from);
        let visible = if self.may_list(&user, None).await? {
            Visible::All
        } else {
            let asked =
                stream::iter(namespaces.iter().take(MAX_NAMESPACES).cloned()).map(async |namespace| {
                    let may = self.may_list(&user, Some(namespace.raw())).await?;
                    Ok::<_, CallError>(may.then_some(namespace))
                });
            let found: Vec<Option<UntrustedText>> = asked.buffer_unordered(CONCURRENCY).try_collect().await?;
            Visible::Namespaces(found.into_iter().flatten().collect())
        };
        Ok(Some(Caller { name, visible }))
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
