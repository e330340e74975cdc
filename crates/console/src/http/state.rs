//! The state that every request shares.

use std::collections::BTreeSet;
use std::sync::Arc;

use tagwatch_core::text::UntrustedText;

use crate::access::{Authorizer, Caller, Denied, Limiter, Peer, Sessions, Token};
use crate::source::Source;

/// How the console is served.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The audience of tokens that are made for tagwatch alone: the log-in form recommends it.
    pub audience: String,
    /// Whether browsers reach the console over TLS. Cookies then carry `Secure`.
    pub tls: bool,
}

pub(crate) struct Console {
    pub(crate) source: Arc<dyn Source>,
    /// `None` shows everything to every request.
    pub(crate) authorizer: Option<Arc<dyn Authorizer>>,
    pub(crate) options: Options,
    pub(crate) sessions: Sessions,
    limiter: Limiter,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthError {
    /// Too many tokens from this peer were invalid.
    TooManyAttempts,
    Denied(Denied),
}

impl Console {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        authorizer: Option<Arc<dyn Authorizer>>,
        options: Options,
    ) -> Self {
        Self { source, authorizer, options, sessions: Sessions::default(), limiter: Limiter::default() }
    }

    /// Name of the session's cookie. Browsers accept the prefix only over TLS and from this very host (RFC 6265bis,
    /// section 4.1.3.2).
    pub(crate) fn session_cookie(&self) -> &'static str {
        if self.options.tls { "__Host-tagwatch-session" } else { "tagwatch-session" }
    }

    /// Authorizes a token that did not come from a session, within the limit of invalid tokens. Many clients can have one
    /// address, such as that of an ingress: what others send from it keeps no genuine token out.
    pub(crate) async fn try_token(
        &self,
        authorizer: &dyn Authorizer,
        token: &Token,
        peer: Peer,
        namespaces: &BTreeSet<UntrustedText>,
    ) -> Result<Caller, AuthError> {
        let attempt = self.limiter.acquire(peer).await;
        if attempt.is_none() && !authorizer.is_genuine(token).await {
            return Err(AuthError::TooManyAttempts);
        }
        let answer = authorizer.authorize(token, peer, namespaces).await;
        if answer != Err(Denied::Unauthenticated)
            && let Some(attempt) = attempt
        {
            attempt.forgive();
        }
        answer.map_err(AuthError::Denied)
    }
}
