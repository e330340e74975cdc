//! Who may see what.

mod cookies;
mod limit;
mod session;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tagwatch_core::text::UntrustedText;

pub(crate) use cookies::{cookie, is_from_here, same_site_path, set_cookie};
pub(crate) use limit::Limiter;
pub(crate) use session::{LIFE as SESSION_LIFE, Sessions};

/// Decides who may see what.
pub trait Authorizer: Send + Sync + 'static {
    /// Whether everybody who reaches the console may see everything, without a token. Then the console answers to
    /// no other names than loopback ones and addresses, so that no page of elsewhere can read it by a name of its own.
    fn is_open(&self) -> bool;

    /// Who a token stands for, and which of these namespaces they may see. It is asked for each request, so that a
    /// token which no longer counts lets nobody in; an implementation keeps answers for as long as it dares to, within
    /// bounds, and refuses where it cannot tell.
    fn authorize<'a>(&'a self, token: &'a Token, namespaces: &'a BTreeSet<UntrustedText>) -> Answer<'a>;
}

/// What [`Authorizer::authorize`] gives.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Caller, Denied>> + Send + 'a>>;

/// Everybody may see everything: for a console that listens on loopback alone.
#[derive(Debug, Clone, Copy)]
pub struct OpenToAll;

impl Authorizer for OpenToAll {
    fn is_open(&self) -> bool {
        true
    }

    fn authorize<'a>(&'a self, _: &'a Token, _: &'a BTreeSet<UntrustedText>) -> Answer<'a> {
        Box::pin(async { Ok(Caller { name: None, visible: Visible::All, may_see_more: false }) })
    }
}

/// A bearer token. Neither printed nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Longest token in bytes; a service account's takes about 1 KiB.
    const MAX: usize = 16 * 1024;

    /// Takes a token as somebody sent it: one word of visible ASCII.
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

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their name, to be shown to them.
    pub name: Option<UntrustedText>,
    /// What they may see.
    pub visible: Visible,
    /// Whether there are so many namespaces that not all of them were asked about: pages say so, without a number.
    pub may_see_more: bool,
}

/// Namespaces that somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// Every one.
    All,
    /// These.
    Namespaces(BTreeSet<UntrustedText>),
}

impl Visible {
    /// Whether a namespace is among them.
    pub fn admits(&self, namespace: &UntrustedText) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => namespaces.contains(namespace),
        }
    }
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The token is none, or no longer.
    Unauthenticated,
    /// Too many tokens that nobody knows are asked about at once.
    Busy,
    /// Nobody can tell now: the API server does not answer.
    Unavailable,
}
