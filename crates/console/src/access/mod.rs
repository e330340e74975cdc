//! Callers, their tokens and sessions, and the namespaces that they may see.

mod admitted;
mod limit;
mod peer;
mod session;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tagwatch_core::text::UntrustedText;

pub use admitted::Admitted;
pub(crate) use admitted::{admit, mark_admitted};
pub(crate) use limit::Limiter;
pub use peer::Peer;
pub(crate) use session::{SESSION_LIFE, Sessions};

/// Decides which namespaces a caller may see.
pub trait Authorizer: Send + Sync + 'static {
    /// The caller of a token that `peer` has sent, and which of these namespaces they may see. The console asks for each
    /// request, so a revoked token stops working. An implementation may cache answers for a bounded time, and denies
    /// access on error.
    fn authorize<'a>(
        &'a self,
        token: &'a Token,
        peer: Peer,
        namespaces: &'a BTreeSet<UntrustedText>,
    ) -> Answer<'a>;

    /// Whether a token is no guess: it was accepted lately, or carries a signature of the API server. Such a token is
    /// authorized although its peer has sent too many others; it may still be denied.
    fn is_genuine<'a>(&'a self, token: &'a Token) -> Answer<'a, bool>;
}

/// What an [`Authorizer`] says.
pub type Answer<'a, T = Result<Caller, Denied>> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A bearer token. It is never printed or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Longest token in bytes, and longer than the tokens that API servers take in practice; a service account's has
    /// about 1 KiB.
    const MAX_BYTES: usize = 16 * 1024;

    /// Reads a token: one word of visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_token =
            (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The token of `Authorization: Bearer TOKEN` (RFC 6750); the scheme is case-insensitive (RFC 9110).
    pub fn of_bearer(headers: &HeaderMap) -> Option<Self> {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        Self::parse(token).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
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
    /// Whether there is nothing that the caller may see.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Namespaces(namespaces) if namespaces.is_empty())
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_the_bearer_scheme_alone() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            Token::of_bearer(&headers).map(|token| token.reveal().to_owned())
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        let too_long = format!("Bearer {}", "x".repeat(Token::MAX_BYTES + 1));
        for none in ["", "Bearer", "Bearer ", "Basic YTpi", "abc", &too_long] {
            assert_eq!(token(none), None, "{none}");
        }
        assert_eq!(Token::of_bearer(&HeaderMap::new()), None);
    }
}
