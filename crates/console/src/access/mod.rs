//! Callers, their tokens and sessions, and the namespaces that they may see.

mod limit;
mod peer;
mod session;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tagwatch_core::text::UntrustedText;

pub(crate) use limit::Limiter;
pub use peer::Peer;
pub(crate) use session::{SESSION_LIFE, Sessions};

/// Decides which namespaces a caller may see.
pub trait Authorizer: Send + Sync + 'static {
    /// Whether every request may see everything, without a token. The console then answers only to loopback names and
    /// IP addresses, so that no other site can read it under a name of its own.
    fn is_open(&self) -> bool;

    /// The caller of a token that `peer` has sent, and which of these namespaces they may see. The console asks for each
    /// request, so a revoked token stops working. An implementation may cache answers for a bounded time, and denies
    /// access on error.
    fn authorize<'a>(
        &'a self,
        token: &'a Token,
        peer: Peer,
        namespaces: &'a BTreeSet<UntrustedText>,
    ) -> Answer<'a>;
}

/// The result of [`Authorizer::authorize`].
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Caller, Denied>> + Send + 'a>>;

/// Shows everything to every request: for a console that listens on loopback only.
#[derive(Debug, Clone, Copy)]
pub struct OpenToAll;

impl Authorizer for OpenToAll {
    fn is_open(&self) -> bool {
        true
    }

    fn authorize<'a>(&'a self, _: &'a Token, _: Peer, _: &'a BTreeSet<UntrustedText>) -> Answer<'a> {
        Box::pin(async { Ok(Caller { name: None, visible: Visible::All, may_see_more: false }) })
    }
}

/// A bearer token. It is never printed or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Longest token in bytes; a service account's has about 1 KiB.
    const MAX: usize = 16 * 1024;

    /// Reads a token: one word of visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_token =
            (1..=Self::MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The token itself, for a `TokenReview`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A user whom the API server authenticated by a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// User name, shown on the caller's own pages.
    pub name: Option<UntrustedText>,
    /// Namespaces that they may see.
    pub visible: Visible,
    /// Whether namespaces were left unchecked because there are too many. Pages say so, without a number.
    pub may_see_more: bool,
}

/// Namespaces that a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// The caller may list policy reports in all namespaces.
    All,
    /// The caller may list policy reports in these namespaces.
    Namespaces(BTreeSet<UntrustedText>),
}

impl Visible {
    /// Whether the caller may see a namespace.
    pub fn admits(&self, namespace: &UntrustedText) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => namespaces.contains(namespace),
        }
    }
}

/// Why a token was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The token is invalid or has expired.
    Unauthenticated,
    /// Too many unknown tokens are being reviewed.
    Busy,
    /// The API server does not answer.
    Unavailable,
}
