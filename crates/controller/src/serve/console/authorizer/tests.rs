//! The authorizer against a scripted API server, with paused time.

use std::time::Duration;

use futures::future::join_all;
use http::Response;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use super::*;
use crate::testing;

/// What the API server permits, and which reviews it got.
#[derive(Default)]
struct Server {
    /// Tokens with the namespaces in which their users may list reports; `*` is all namespaces.
    rights: Vec<(&'static str, Vec<String>)>,
    is_away: bool,
    token_reviews: usize,
    access_reviews: usize,
    most_at_once: usize,
    at_once: usize,
}

type SharedServer = Arc<Mutex<Server>>;

fn scripted(rights: &[(&'static str, &[&str])]) -> (SharedServer, ReviewAuthorizer) {
    let own = |namespaces: &[&str]| namespaces.iter().map(|&name| name.to_owned()).collect();
    let rights = rights.iter().map(|(token, namespaces)| (*token, own(namespaces))).collect();
    let server: SharedServer = Arc::new(Mutex::new(Server { rights, ..Server::default() }));
    let shared = Arc::clone(&server);
    let client = testing::client(move |request| {
        let server = Arc::clone(&shared);
        async move {
            let body = request
                .into_body()
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let review: Value = serde_json::from_slice(&body).unwrap_or_default();
            {
                let mut server = server.lock();
                server.at_once += 1;
                server.most_at_once = server.most_at_once.max(server.at_once);
            }
            sleep(Duration::from_millis(1)).await;
            let mut server = server.lock();
            server.at_once -= 1;
            server.answer(review)
        }
    });
    (server, ReviewAuthorizer::new(client, "tagwatch".to_owned(), ServerClock::default()))
}

impl Server {
    fn answer(&mut self, mut review: Value) -> Response<Body> {
        let is_access = review["kind"] == "SubjectAccessReview";
        *(if is_access { &mut self.access_reviews } else { &mut self.token_reviews }) += 1;
        let may = |wanted: &Value, of: &Value| {
            let mut known = self.rights.iter().filter(|(token, _)| of == token);
            let namespace = wanted.as_str().unwrap_or("*");
            known.any(|(_, namespaces)| namespaces.iter().any(|name| name == namespace))
        };
        review["status"] = if is_access {
            let spec = &review["spec"];
            json!({ "allowed": may(&spec["resourceAttributes"]["namespace"], &spec["user"]) })
        } else {
            // In this test the name of a user is the token.
            let token = review["spec"]["token"].clone();
            let known = self.rights.iter().any(|(known, _)| token == *known);
            json!({ "authenticated": known, "user": { "username": token } })
        };
        let mut response = Response::new(Body::from(review.to_string().into_bytes()));
        *response.status_mut() =
            if self.is_away { http::StatusCode::SERVICE_UNAVAILABLE } else { http::StatusCode::CREATED };
        response
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Namespaces {
    names.into_iter().map(UntrustedText::from).collect()
}

fn many(count: usize) -> Namespaces {
    (0..count).map(|number| UntrustedText::from(format!("a{number:05}"))).chain(names(["zeta"])).collect()
}

async fn ask(authorizer: &ReviewAuthorizer, token: &str, namespaces: &Namespaces) -> Result<Caller, Denied> {
    ask_from(Peer::UNKNOWN, authorizer, token, namespaces).await
}

async fn ask_from(
    peer: Peer,
    authorizer: &ReviewAuthorizer,
    token: &str,
    namespaces: &Namespaces,
) -> Result<Caller, Denied> {
    authorizer.authorize(&Token::parse(token).unwrap(), peer, namespaces).await
}

fn visible(answer: Result<Caller, Denied>) -> Result<Namespaces, Denied> {
    answer.map(|caller| match caller.visible {
        Visible::All => names(["*"]),
        Visible::Namespaces(namespaces) => namespaces,
    })
}

#[tokio::test(start_paused = true)]
async fn a_user_who_may_list_in_all_namespaces_needs_two_reviews() {
    let (server, authorizer) = scripted(&[("admin", &["*"])]);
    assert_eq!(visible(ask(&authorizer, "admin", &many(20_000)).await), Ok(names(["*"])));
    let server = server.lock();
    assert_eq!((server.token_reviews, server.access_reviews), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_of_many_namespaces_is_visible() {
    let (server, authorizer) = scripted(&[("reader", &["zeta"])]);
    let caller = ask(&authorizer, "reader", &many(600)).await.unwrap();
    assert_eq!((caller.visible, caller.may_see_more), (Visible::Namespaces(names(["zeta"])), false));
    assert!(server.lock().most_at_once <= CONCURRENCY);
}

#[tokio::test(start_paused = true)]
async fn a_user_learns_that_not_all_namespaces_were_reviewed() {
    let (_, authorizer) = scripted(&[("reader", &["zeta", "a00000"])]);
    let caller = ask(&authorizer, "reader", &many(MAX_NAMESPACES)).await.unwrap();
    assert_eq!((caller.visible, caller.may_see_more), (Visible::Namespaces(names(["a00000"])), true));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_right_ends_within_a_minute() {
    let (server, authorizer) = scripted(&[("reader", &["shop"]), ("other", &["shop"])]);
    let shop = names(["shop"]);
    assert_eq!(visible(ask(&authorizer, "reader", &shop).await), Ok(shop.clone()));
    assert_eq!(visible(ask(&authorizer, "other", &shop).await), Ok(shop.clone()));
    server.lock().rights = vec![("other", Vec::new())];
    // New namespaces do not renew a decision.
    advance(Duration::from_secs(40)).await;
    let both = names(["shop", "new"]);
    assert_eq!(visible(ask(&authorizer, "reader", &both).await), Ok(shop.clone()), "it holds for a minute");
    advance(Duration::from_secs(20)).await;
    assert_eq!(visible(ask(&authorizer, "reader", &both).await), Err(Denied::Unauthenticated));
    assert_eq!(visible(ask(&authorizer, "other", &both).await), Ok(Namespaces::new()));
}

#[tokio::test(start_paused = true)]
async fn a_new_namespace_is_visible_at_once_and_the_only_one_reviewed() {
    let (server, authorizer) = scripted(&[("reader", &["shop", "new"])]);
    assert_eq!(visible(ask(&authorizer, "reader", &names(["docs", "shop"])).await), Ok(names(["shop"])));
    let before = server.lock().access_reviews;
    let wanted = names(["docs", "new", "shop"]);
    assert_eq!(visible(ask(&authorizer, "reader", &wanted).await), Ok(names(["new", "shop"])));
    assert_eq!(server.lock().access_reviews - before, 1);
    assert_eq!(
        visible(ask(&authorizer, "reader", &names(["docs", "new"])).await),
        Ok(names(["new", "shop"]))
    );
    let server = server.lock();
    assert_eq!((server.access_reviews - before, server.token_reviews), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_tokens_ends_no_session() {
    let (server, authorizer) = scripted(&[("reader", &["shop"]), ("newcomer", &["shop"])]);
    let shop = names(["shop"]);
    assert!(ask(&authorizer, "reader", &shop).await.is_ok());
    for minute in 0..5 {
        advance(Duration::from_secs(61)).await;
        let flood = join_all((0..1_000).map(|number| {
            let (authorizer, shop) = (&authorizer, &shop);
            async move { ask(authorizer, &format!("made-up-{minute}-{number}"), shop).await }
        }));
        let answers = flood.await;
        assert!(answers.iter().filter(|answer| **answer == Err(Denied::Unauthenticated)).count() <= 11);
        assert!(answers.contains(&Err(Denied::Busy)), "the API server is not unavailable");
        assert_eq!(ask(&authorizer, "newcomer", &shop).await, Err(Denied::Busy));
        assert!(ask(&authorizer, "reader", &shop).await.is_ok(), "minute {minute}");
    }
    let asked = server.lock().token_reviews;
    assert!(asked <= 1 + 5 * 12, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_from_one_address_keeps_no_newcomer_from_another_out() {
    let (_, authorizer) = scripted(&[("newcomer", &["shop"])]);
    let (shop, flood) = (names(["shop"]), Peer::of([10, 0, 0, 1].into()));
    for second in 0..120 {
        advance(Duration::from_secs(1)).await;
        let answer = ask_from(flood, &authorizer, &format!("made-up-{second}"), &shop).await;
        assert!(answer.is_err());
    }
    assert!(ask_from(Peer::of([10, 0, 0, 2].into()), &authorizer, "newcomer", &shop).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn all_callers_together_keep_to_one_bound() {
    let readers = ["a", "b", "c", "d"].map(|token| (token, &["zeta"] as &[&str]));
    let (server, authorizer) = scripted(&readers);
    let namespaces = many(600);
    for answer in join_all(readers.map(|(token, _)| ask(&authorizer, token, &namespaces))).await {
        assert_eq!(visible(answer), Ok(names(["zeta"])));
    }
    assert_eq!(server.lock().most_at_once, CONCURRENCY);
}

#[tokio::test(start_paused = true)]
async fn one_token_at_once_is_one_review() {
    let (server, authorizer) = scripted(&[("reader", &["shop"])]);
    let shop = names(["shop"]);
    for (token, expected) in [("reader", Ok(shop.clone())), ("made-up", Err(Denied::Unauthenticated))] {
        server.lock().token_reviews = 0;
        for answer in join_all((0..20).map(|_| ask(&authorizer, token, &shop))).await {
            assert_eq!(visible(answer), expected);
        }
        assert_eq!(server.lock().token_reviews, 1, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_cached_decisions_allow_access_while_the_api_server_is_away() {
    let (server, authorizer) = scripted(&[("reader", &["shop"])]);
    let shop = names(["shop"]);
    assert!(ask(&authorizer, "reader", &shop).await.is_ok());
    server.lock().is_away = true;
    assert!(ask(&authorizer, "reader", &shop).await.is_ok(), "the decision is cached");
    advance(Duration::from_secs(61)).await;
    let before = server.lock().token_reviews;
    for answer in join_all((0..20).map(|_| ask(&authorizer, "reader", &shop))).await {
        assert_eq!(answer, Err(Denied::Unavailable));
    }
    assert_eq!(server.lock().token_reviews - before, 1, "a call that has waited starts no review");
    server.lock().is_away = false;
    assert!(ask(&authorizer, "reader", &shop).await.is_ok());
}
