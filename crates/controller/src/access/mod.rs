//! Who may read `/metrics`: a bearer token that the API server knows (TokenReview), of somebody who may `get` the path
//! (SubjectAccessReview).
//!
//! Whatever cannot be told is refused. Answers are remembered for a short time by a hash of the token, and the number
//! of questions to the API server is limited: a flood of made-up tokens does not become a flood of reviews, and does
//! not lock out whoever was let in before.

mod answers;
mod budget;
mod ledger;
mod review;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use kube::Client;

pub(crate) use budget::Budget;
pub(crate) use ledger::{Ledger, Next, Turn};
pub(crate) use review::{Question, allowed, user};

/// Longer than any token of a service account, and than what an API server takes for one in practice.
const MAX_TOKEN: usize = 16 * 1024;

/// A token, as far as we keep it.
type TokenHash = [u8; 32];

/// What is said to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// May read.
    Allowed,
    /// No token, or one that the API server does not know.
    Unauthenticated,
    /// Known, and may not.
    Forbidden,
    /// Too many unknown tokens at once: to be asked again later.
    Busy,
    /// The API server does not answer.
    Unavailable,
}

/// Decides on callers.
pub(crate) struct Gate {
    client: Client,
    ledger: Ledger<(), Decision>,
}

impl Gate {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, ledger: Ledger::new(Budget::new()) }
    }

    /// Whether whoever sent these headers may `get` the path.
    pub(crate) async fn decide(&self, headers: &HeaderMap, path: &str) -> Decision {
        let Some(token) = bearer(headers) else { return Decision::Unauthenticated };
        let turn = match self.ledger.next(token, |()| true).await {
            Next::LetIn(()) => return Decision::Allowed,
            Next::Refused(decision) => return decision,
            Next::Busy => return Decision::Busy,
            Next::Failed => return Decision::Unavailable,
            Next::Ask(turn, _) => turn,
        };
        let decision = review::ask(&self.client, token, path).await;
        match decision {
            Decision::Allowed => self.ledger.let_in(&turn, ()),
            Decision::Unauthenticated | Decision::Forbidden => self.ledger.refuse(&turn, decision),
            Decision::Busy | Decision::Unavailable => turn.fail(),
        }
        decision
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750); the scheme is compared without case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= MAX_TOKEN;
    fits.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_the_bearer_scheme_alone() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        for none in
            ["", "Bearer", "Bearer ", "Basic YTpi", "abc", &format!("Bearer {}", "x".repeat(MAX_TOKEN + 1))]
        {
            assert_eq!(token(none), None, "{none}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
