//! The gate of `/metrics` against a scripted API server, with paused time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::testing;

/// A gate whose API server knows tokens by their beginning `known`, and the reviews of tokens that it was sent. It names no
/// audience but those of `confirmed`.
fn gate(confirmed: &'static [&'static str]) -> (AccessGate, Arc<Mutex<Vec<Value>>>) {
    let reviews = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reviews);
    let client = testing::client(move |request| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut review: Value = serde_json::from_slice(&body).unwrap();
            review["status"] = if review["kind"] == "TokenReview" {
                seen.lock().push(review["spec"].clone());
                let token = review["spec"]["token"].as_str().unwrap();
                let is_known = token.starts_with("known") || token.starts_with("e30.");
                json!({ "authenticated": is_known, "user": { "username": "scraper" }, "audiences": confirmed })
            } else {
                json!({ "allowed": true })
            };
            testing::response(201, &review)
        }
    });
    (AccessGate::new(client, "tagwatch".to_owned()), reviews)
}

fn headers(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
}

fn peer(last: u8) -> Peer {
    Peer::of([10, 0, 0, last].into())
}

/// For an hour, and then a scraper whose token is renewed.
#[tokio::test(start_paused = true)]
async fn made_up_tokens_of_others_keep_no_scraper_out() {
    for floods in 1..=20 {
        let (gate, reviews) = gate(&[]);
        assert_eq!(gate.decide(&headers("known-1"), peer(1), "/metrics").await, AccessDecision::Allowed);
        for second in 0..600 {
            advance(Duration::from_secs(1)).await;
            for flood in 0..floods {
                let made_up = headers(&format!("made-up-{flood}-{second}"));
                let answer = gate.decide(&made_up, peer(100 + flood), "/metrics").await;
                assert_ne!(answer, AccessDecision::Allowed);
            }
        }
        let renewed = gate.decide(&headers("known-2"), peer(1), "/metrics").await;
        assert_eq!(renewed, AccessDecision::Allowed, "from a known address, {floods} floods");
        let moved = gate.decide(&headers("known-3"), peer(2), "/metrics").await;
        assert_eq!(moved, AccessDecision::Allowed, "from a new address, {floods} floods");
        assert!(reviews.lock().len() <= 3 + usize::from(floods) * (5 + 600 / 5), "{}", reviews.lock().len());
    }
}

#[tokio::test]
async fn a_token_is_reviewed_for_the_audience_that_it_names() {
    let with_audience = |audience: &str| {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "aud": [audience] }).to_string());
        format!("e30.{claims}.c2ln")
    };
    for (token, confirmed, asked, expected) in [
        ("known", &[] as &[&str], Value::Null, AccessDecision::Allowed),
        (&with_audience("tagwatch"), &["tagwatch"], json!(["tagwatch"]), AccessDecision::Allowed),
        (&with_audience("https://kubernetes.default.svc"), &["x"], Value::Null, AccessDecision::Allowed),
        // An authenticator that does not look at audiences: whom the token is for is not known.
        (&with_audience("tagwatch"), &[], json!(["tagwatch"]), AccessDecision::Unauthenticated),
    ] {
        let (gate, reviews) = gate(confirmed);
        assert_eq!(gate.decide(&headers(token), peer(1), "/metrics").await, expected, "{token}");
        assert_eq!(reviews.lock()[0]["audiences"], asked, "{token}");
    }
}
