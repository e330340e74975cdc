//! Signatures against a scripted API server, with paused time.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use parking_lot::Mutex as SyncMutex;
use serde_json::{Value, json};
use tagwatch_client::CALL_LIMIT;
use tokio::time::{advance, sleep};

use super::keys::MAX_AGE;
use super::*;
use crate::testing::{self, Issuer, failure, response};

const ACCOUNT: &str = "system:serviceaccount:monitoring:prometheus";
/// A second in 2033.
const NOW: i64 = 2_000_000_000;

/// What the API server publishes, or the code with which it refuses, and how often it was asked.
type Published = Arc<SyncMutex<(Result<Vec<Value>, u16>, usize)>>;

/// A verifier whose API server answers a tenth of a second after it is asked.
fn verifier(keys: Result<Vec<Value>, u16>) -> (SignatureVerifier, Published) {
    let published: Published = Arc::new(SyncMutex::new((keys, 0)));
    let shared = Arc::clone(&published);
    let client = testing::client(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            assert_eq!(request.uri().path(), "/openid/v1/jwks");
            shared.lock().1 += 1;
            sleep(Duration::from_millis(100)).await;
            match &shared.lock().0 {
                Ok(keys) => response(200, &json!({ "keys": keys })),
                Err(code) => response(*code, &failure(*code, "Refused", "no")),
            }
        }
    });
    let clock = ServerClock::with_local(|| k8s_openapi::jiff::Timestamp::from_second(NOW).unwrap());
    (SignatureVerifier::new(client, clock), published)
}

fn claims(jti: usize) -> Value {
    json!({ "sub": ACCOUNT, "exp": NOW + 3_600, "jti": jti.to_string(), "aud": ["tagwatch"] })
}

#[tokio::test(start_paused = true)]
async fn signed_tokens_name_their_account_and_no_other_token_does() {
    let issuer = Issuer::new("one");
    let (verifier, published) = verifier(Ok(vec![json!({ "kty": "oct" }), issuer.jwk()]));
    let account = async |token: &str| verifier.account(token).await;
    assert_eq!(account(&issuer.token(&claims(1))).await.as_deref(), Some(ACCOUNT));
    assert_eq!(account(&issuer.token(&json!({ "sub": ACCOUNT }))).await.as_deref(), Some(ACCOUNT));
    let other = Issuer::new("one");
    let token = issuer.token(&claims(2));
    let (header, rest) = token.split_once('.').unwrap();
    let nested = format!("{}1{}", "[".repeat(6_000), "]".repeat(6_000));
    let deep = format!("{}.{}.c2ln", encode(&nested), encode(&nested));
    for refused in [
        issuer.forged(&claims(3)),
        other.token(&claims(4)),
        issuer.token(&json!({ "sub": ACCOUNT, "exp": NOW })),
        issuer.token(&json!({ "sub": ACCOUNT, "exp": "never" })),
        issuer.token(&json!({ "exp": NOW + 3_600 })),
        format!("{}.{rest}", encode(r#"{"alg":"none","kid":"one"}"#)),
        format!("{}.{rest}", encode(r#"{"alg":"ES256"}"#)),
        format!("{header}.{rest}.x"),
        format!("{header}..."),
        token.replace('.', ""),
        deep,
        String::new(),
    ] {
        assert_eq!(account(&refused).await, None, "{}", &refused[..refused.len().min(80)]);
    }
    assert_eq!(published.lock().1, 1, "one request for all");
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_read_within_a_minute_and_unknown_ones_cause_no_more_requests() {
    let (old, new) = (Issuer::new("old"), Issuer::new("new"));
    let (verifier, published) = verifier(Ok(vec![old.jwk()]));
    assert!(verifier.account(&old.token(&claims(1))).await.is_some());
    published.lock().0 = Ok(vec![old.jwk(), new.jwk()]);
    let unknown = Issuer::new("unknown");
    for second in 0..600 {
        for number in 0..50 {
            assert_eq!(verifier.account(&unknown.token(&claims(number))).await, None);
        }
        advance(Duration::from_secs(1)).await;
        let is_known = verifier.account(&new.token(&claims(second))).await.is_some();
        assert!(is_known || second <= 60, "{second} s");
    }
    assert!((10..=12).contains(&published.lock().1), "{}", published.lock().1);
    // Nothing else asks for the withdrawn key to be forgotten.
    published.lock().0 = Ok(vec![new.jwk()]);
    advance(MAX_AGE).await;
    assert_eq!(verifier.account(&old.token(&claims(2))).await, None);
    assert!(verifier.account(&new.token(&claims(2))).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_keeps_no_other_from_the_keys() {
    let issuer = Issuer::new("one");
    let (verifier, published) = verifier(Ok(vec![issuer.jwk()]));
    let token = issuer.token(&claims(1));
    // It has asked for the keys, and is gone. They are read to their end without it.
    assert_eq!(verifier.account(&token).now_or_never(), None);
    assert!(verifier.keys.known("one").is_none());
    sleep(CALL_LIMIT * 2).await;
    assert!(verifier.keys.known("one").is_some());
    assert!(verifier.account(&token).await.is_some());
    assert_eq!(published.lock().1, 1);
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_read_are_asked_for_once_a_minute() {
    let issuer = Issuer::new("one");
    let (verifier, published) = verifier(Err(403));
    for number in 0..600 {
        assert_eq!(verifier.account(&issuer.token(&claims(number))).await, None);
        advance(Duration::from_secs(1)).await;
    }
    assert!((10..=11).contains(&published.lock().1), "{}", published.lock().1);
    published.lock().0 = Ok(vec![issuer.jwk()]);
    advance(Duration::from_mins(1)).await;
    assert!(verifier.account(&issuer.token(&claims(1))).await.is_some());
    // Once they are known, a failure leaves them.
    published.lock().0 = Err(503);
    advance(MAX_AGE).await;
    assert!(verifier.account(&issuer.token(&claims(2))).await.is_some());
}

/// Each of 128 connections sends one after another, as fast as it is answered.
#[tokio::test(start_paused = true)]
async fn among_any_number_of_forged_tokens_a_signed_one_waits_for_a_fraction_of_a_second() {
    let issuer = Arc::new(Issuer::new("one"));
    let (verifier, _) = verifier(Ok(vec![issuer.jwk()]));
    let (verifier, checked) = (Arc::new(verifier), Arc::new(SyncMutex::new(0)));
    let mut flood = tokio::task::JoinSet::new();
    for connection in 0..128 {
        let (issuer, verifier, checked) = (Arc::clone(&issuer), Arc::clone(&verifier), Arc::clone(&checked));
        flood.spawn(async move {
            for number in 0.. {
                let forged = issuer.forged(&claims(connection * 1_000_000 + number));
                assert_eq!(verifier.account(&forged).await, None);
                *checked.lock() += 1;
            }
        });
    }
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    assert!(verifier.account(&issuer.token(&claims(1))).await.is_some());
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert!((500..=2_500).contains(&*checked.lock()), "{}", checked.lock());
}
