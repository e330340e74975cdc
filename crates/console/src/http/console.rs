//! What every request shares.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use tagwatch_core::text::UntrustedText;

use super::Options;
use crate::access::{Authorizer, Caller, Denied, Limiter, Sessions, Token};
use crate::source::Source;

pub(crate) struct Console {
    pub(super) source: Arc<dyn Source>,
    pub(super) authorizer: Arc<dyn Authorizer>,
    pub(super) options: Options,
    pub(super) sessions: Sessions,
    limiter: Limiter,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many wrong tokens.
    TooMany,
    /// This one.
    Denied(Denied),
}

impl Console {
    pub(super) fn new(source: Arc<dyn Source>, authorizer: Arc<dyn Authorizer>, options: Options) -> Self {
        Self { source, authorizer, options, sessions: Sessions::default(), limiter: Limiter::default() }
    }

    /// The session's cookie. A browser takes the prefix from nobody but this very host, by TLS (RFC 6265bis, section
    /// 4.1.3.2).
    pub(super) fn session_cookie(&self) -> &'static str {
        if self.options.tls { "__Host-tagwatch-session" } else { "tagwatch-session" }
    }

    /// Asks about a token that anybody may have made up.
    pub(super) async fn try_token(
        &self,
        token: &Token,
        peer: Option<IpAddr>,
        namespaces: &BTreeSet<UntrustedText>,
    ) -> Result<Caller, Refused> {
        let Some(attempt) = self.limiter.take(peer).await else { return Err(Refused::TooMany) };
        let answer = self.authorizer.authorize(token, namespaces).await;
        if answer != Err(Denied::Unauthenticated) {
            attempt.was_not_wrong();
        }
        answer.map_err(Refused::Denied)
    }
}
