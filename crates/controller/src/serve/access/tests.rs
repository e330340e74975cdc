//! The gate of `/metrics` against a scripted API server, with paused time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use super::jwt::Jwt;
use super::*;
use crate::testing::{self, Issuer};

/// A gate whose API server knows tokens by their beginning `known`, and the reviews of tokens that it was sent. It names no
/// audience but those of `confirmed`.
fn gate(confirmed: &'static [&'static str]) -> (AccessGate, Arc<Mutex<Vec<Value>>>) {
    let reviews = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reviews);
    let client = testing::client(move |request| {
        let seen = Arc::clone(&seen);
        async move {
            if request.uri().path() == "/openid/v1/jwks" {
                return testing::response(404, &testing::failure(404, "NotFound", "no issuer"));
            }
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
    (AccessGate::new(client, "tagwatch".to_owned(), ServerClock::default()), reviews)
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

/// An API server that has issued these tokens, and lets one account read the metrics.
struct Cluster {
    issuer: Issuer,
    issued: Mutex<HashSet<String>>,
    /// Of tokens.
    reviews: AtomicUsize,
}

const PROMETHEUS: &str = "system:serviceaccount:monitoring:prometheus-k8s";

impl Cluster {
    fn new() -> (AccessGate, Arc<Self>) {
        let cluster = Arc::new(Self {
            issuer: Issuer::new("signing-key"),
            issued: Mutex::default(),
            reviews: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&cluster);
        let client = testing::client(move |request| {
            let cluster = Arc::clone(&shared);
            async move {
                if request.uri().path() == "/openid/v1/jwks" {
                    return testing::response(200, &json!({ "keys": [cluster.issuer.jwk()] }));
                }
                let body = request.into_body().collect_bytes().await.unwrap();
                let mut review: Value = serde_json::from_slice(&body).unwrap();
                review["status"] = if review["kind"] == "TokenReview" {
                    cluster.reviews.fetch_add(1, Ordering::Relaxed);
                    let token = review["spec"]["token"].as_str().unwrap();
                    let claims = Jwt::parse(token).and_then(|token| token.claims::<Value>());
                    json!({
                        "authenticated": cluster.issued.lock().contains(token),
                        "user": { "username": claims.map(|claims| claims["sub"].clone()) },
                        "audiences": review["spec"]["audiences"],
                    })
                } else {
                    json!({ "allowed": review["spec"]["user"] == PROMETHEUS })
                };
                testing::response(201, &review)
            }
        });
        (AccessGate::new(client, "tagwatch".to_owned(), ServerClock::default()), cluster)
    }

    fn issue(&self, account: &str, number: usize) -> String {
        let token = self.issuer.token(&claims(account, number));
        self.issued.lock().insert(token.clone());
        token
    }
}

/// All that the API server writes, but for UIDs.
fn claims(account: &str, number: usize) -> Value {
    json!({ "aud": ["tagwatch"], "exp": 4_000_000_000_i64, "iss": "https://kubernetes.default.svc", "sub": account,
        "jti": number.to_string() })
}

/// Tokens that others send from the address of the scraper.
#[derive(Clone, Copy, Debug)]
enum Flood {
    Opaque,
    /// With the claims of the scraper's token, and the id of the signing key.
    Forged,
    UnknownKey,
    /// Valid tokens of one tenant's many accounts.
    OfTenant,
}

const FLOODS: [Flood; 4] = [Flood::Opaque, Flood::Forged, Flood::UnknownKey, Flood::OfTenant];

/// Sends 2,000 tokens a second over 100 connections, for ever.
fn flood(gate: &Arc<AccessGate>, cluster: &Arc<Cluster>, kinds: &'static [Flood]) -> JoinSet<()> {
    let stranger = Arc::new(Issuer::new("another-key"));
    let mut connections = JoinSet::new();
    for connection in 0..100 {
        let (gate, cluster, stranger) = (Arc::clone(gate), Arc::clone(cluster), Arc::clone(&stranger));
        connections.spawn(async move {
            for number in 0.. {
                let id = connection * 1_000_000 + number;
                let token = match kinds[id % kinds.len()] {
                    Flood::Opaque => format!("made-up-{id}"),
                    Flood::Forged => cluster.issuer.forged(&claims(PROMETHEUS, id)),
                    Flood::UnknownKey => stranger.token(&claims(PROMETHEUS, id)),
                    Flood::OfTenant => cluster.issue(&format!("system:serviceaccount:shop:robot-{id}"), id),
                };
                let decision = gate.decide(&headers(&token), peer(1), "/metrics").await;
                assert_ne!(decision, AccessDecision::Allowed);
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
    connections
}

/// With `hostNetwork`, behind a proxy or behind SNAT, others have the scraper's address. Whatever they send from it, the
/// scraper's renewed token is accepted at its first scrape.
#[tokio::test(start_paused = true)]
async fn whatever_others_send_from_a_scrapers_own_address_its_renewed_token_is_accepted_at_once() {
    for kinds in [&FLOODS[..1], &FLOODS[1..2], &FLOODS[2..3], &FLOODS[3..], &FLOODS] {
        let (gate, cluster) = Cluster::new();
        let gate = Arc::new(gate);
        let scrape = async |token: &str| gate.decide(&headers(token), peer(1), "/metrics").await;
        assert_eq!(scrape(&cluster.issue(PROMETHEUS, 1)).await, AccessDecision::Allowed);
        let (began, others) = (Instant::now(), flood(&gate, &cluster, kinds));
        for renewal in 2..=4 {
            sleep(Duration::from_millis(500)).await;
            let (renewed, asked) = (cluster.issue(PROMETHEUS, renewal), Instant::now());
            assert_eq!(scrape(&renewed).await, AccessDecision::Allowed, "{kinds:?} {renewal}");
            assert!(asked.elapsed() < Duration::from_millis(500), "{kinds:?} {:?}", asked.elapsed());
        }
        drop(others);
        // One of the scraper and its renewals, those of the address, and those of the tenant's namespace.
        let (reviews, seconds) = (cluster.reviews.load(Ordering::Relaxed), began.elapsed().as_secs());
        let budget = 4 + 10 + usize::try_from(seconds).unwrap() + 5 + 1;
        assert!((10..=budget).contains(&reviews), "{kinds:?} {reviews} of {budget}");
    }
}

/// The same for a scraper that was never seen before, at an address from which no token was ever accepted.
#[tokio::test(start_paused = true)]
async fn a_new_scraper_is_accepted_at_once_from_an_address_that_others_use_up() {
    let (gate, cluster) = Cluster::new();
    let gate = Arc::new(gate);
    let others = flood(&gate, &cluster, &FLOODS);
    sleep(Duration::from_secs(1)).await;
    let first = cluster.issue(PROMETHEUS, 1);
    assert_eq!(gate.decide(&headers(&first), peer(1), "/metrics").await, AccessDecision::Allowed);
    drop(others);
}
