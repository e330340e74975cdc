//! Tells tokens of service accounts that the API server has signed from made-up ones, without a request for each.
//!
//! A signature grants nothing: a token may be revoked, or be for another audience. It decides from which budget the token's
//! review is taken. Tokens of other issuers, and tokens that are no JSON Web Tokens, have no signature that could be checked
//! here.

mod keys;
mod public_key;

use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use tagwatch_client::ServerClock;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use self::keys::SigningKeys;
use self::public_key::PublicKey;
use super::jwt::Jwt;

/// The pause behind the check of a signature is [`PAUSE`] times as long as the check, within these: made-up tokens take a fifth
/// of one core at most. Checks wait in the order in which they came, at most one for each connection: a client that has a token
/// of the API server waits for a fraction of a second, however many others have none.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(10);
const PAUSE: u32 = 4;

/// Checks signatures by the keys that the API server publishes.
pub(super) struct SignatureVerifier {
    keys: SigningKeys,
    clock: ServerClock,
    /// When the next signature may be checked. Waiting calls hold the lock in turn.
    next_check: Mutex<Instant>,
}

/// What is read of the header of a token (RFC 7515, section 4.1). `alg` is not: the key decides the algorithm, so that no
/// token chooses another one.
#[derive(Deserialize)]
struct Header {
    kid: String,
}

/// What is read of the claims of a token (RFC 7519, section 4.1).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds since the epoch; tokens of Secrets have none.
    exp: Option<i64>,
}

impl SignatureVerifier {
    /// The client reads the keys, the first time that a signature is to be checked.
    pub(super) fn new(client: Client, clock: ServerClock) -> Self {
        Self { keys: SigningKeys::new(client), clock, next_check: Mutex::new(Instant::now()) }
    }

    /// The account of a token that the API server has signed and that has not expired.
    pub(super) async fn account(&self, token: &str) -> Option<String> {
        let token = Jwt::parse(token)?;
        let Header { kid } = token.header()?;
        let signature = token.signature()?;
        let key = self.keys.find(&kid).await?;
        if !self.verifies(&key, token.signed, &signature).await {
            return None;
        }
        let Claims { sub, exp } = token.claims()?;
        // Old tokens of an account must not spend the budget of its new ones.
        let is_current = exp.is_none_or(|end| end > self.clock.now().as_second());
        is_current.then_some(sub)
    }

    /// Checks a signature, in turn.
    async fn verifies(&self, key: &PublicKey, signed: &str, signature: &[u8]) -> bool {
        let mut next_check = self.next_check.lock().await;
        sleep_until(*next_check).await;
        let began = Instant::now();
        let is_valid = key.verifies(signed.as_bytes(), signature);
        *next_check = Instant::now() + (began.elapsed() * PAUSE).clamp(MIN_PAUSE, MAX_PAUSE);
        is_valid
    }
}

#[cfg(test)]
mod tests;
