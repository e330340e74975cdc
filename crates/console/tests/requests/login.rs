//! Logging in, sessions, and what each caller may see.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::StatusCode;
use tagwatch_core::issue::Issue;
use tokio::task::JoinSet;

use super::support::{get, get_with, guarded, open, post};
use crate::fixture::{Tokens, demo};

const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

fn console() -> (Router, Arc<Tokens>) {
    let tokens = Arc::new(Tokens::new());
    (guarded(demo(), tokens.clone()), tokens)
}

/// Logs in and returns the session cookie.
async fn log_in(console: &Router, token: &str) -> String {
    let answer = post(console, "/login", &[HERE], &format!("token={token}&next=/issues")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/issues"));
    answer.header("set-cookie").split(';').next().expect("a cookie").to_owned()
}

#[tokio::test]
async fn login_redirects_to_the_linked_page() {
    let (console, _) = console();
    let found =
        get_with(&console, "/api/v1/issues?q=cart", &[("authorization", "Bearer admin-token")]).await.json();
    let path = found["issues"][0]["path"].as_str().expect("a path").to_owned();
    let away = get(&console, &format!("{path}?a=b%26c")).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    let login = away.header("location").to_owned();
    let form = get(&console, &login).await;
    form.assert_holds(&format!("name=\"next\" value=\"{path}?a=b%26c\""));
    let answer =
        post(&console, "/login", &[HERE], &format!("token=admin-token&next={path}%3Fa%3Db%2526c")).await;
    assert_eq!(answer.header("location"), format!("{path}?a=b%26c"));
    let cookie = answer.header("set-cookie");
    for part in ["__Host-tagwatch-session=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    assert_eq!(get_with(&console, &path, &[("cookie", &cookie)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_on_another_site_makes_the_browser_reload() {
    let (console, _) = console();
    let page = get_with(&console, "/issues?rule=latest-tag&q=%22", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_holds("content=\"0; url=/issues?rule=latest-tag&#38;q=%22\"");
    assert_eq!(page.count("cart"), 0);
}

#[tokio::test]
async fn redirects_never_leave_the_site() {
    let (console, _) = console();
    for next in ["https://example.com", "//example.com", "/%5Cexample.com", "%09//example.com"] {
        let answer = post(&console, "/login", &[HERE], &format!("token=admin-token&next={next}")).await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    let answer = post(&open(demo()), "/theme", &[HERE], "theme=dark&next=//example.com").await;
    assert_eq!(answer.header("location"), "/");
    assert!(answer.header("set-cookie").starts_with("tagwatch-theme=dark; "));
}

/// Paths that browsers read as an address of another host.
const ELSEWHERE: [&str; 6] = [
    "//elsewhere.example/login",
    "//elsewhere.example",
    "/\\elsewhere.example/login",
    "///elsewhere.example/login?a=b",
    "//elsewhere.example/api/v1/issues",
    "/\\/elsewhere.example",
];

#[tokio::test]
async fn paths_that_browsers_read_as_another_site_are_never_repeated() {
    let (guarded, _) = console();
    let open = open(demo());
    let cookie = log_in(&guarded, "admin-token").await;
    for path in ELSEWHERE {
        for site in ["cross-site", "same-site", "same-origin", "none"] {
            let site = ("sec-fetch-site", site);
            let answers = [
                get_with(&guarded, path, &[site]).await,
                get_with(&guarded, path, &[site, ("cookie", &cookie)]).await,
                get_with(&open, path, &[site]).await,
                post(&guarded, path, &[site], "").await,
            ];
            for answer in answers {
                assert_eq!(answer.count("elsewhere.example"), 0, "{path}: {}", answer.text);
                assert!(!answer.header("location").contains("elsewhere.example"), "{path}");
            }
        }
        let onward = get_with(&guarded, path, &[("sec-fetch-site", "cross-site")]).await;
        onward.assert_holds("content=\"0; url=/\"");
        assert_eq!(get_with(&guarded, path, &[]).await.header("location"), "/login", "{path}");
    }
}

#[tokio::test]
async fn the_api_answers_json_to_a_long_address() {
    let (console, _) = console();
    let path = format!("/api/v1/issues?q={}", "x".repeat(4000));
    let answer = get(&console, &path).await;
    assert_eq!((answer.status, answer.json()["status"].as_u64()), (StatusCode::UNAUTHORIZED, Some(401)));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let (console, _) = console();
    let cookie = log_in(&console, "admin-token").await;
    for site in ["cross-site", "same-site"] {
        let elsewhere = ("sec-fetch-site", site);
        for (path, body) in [("/login", "token=admin-token"), ("/theme", "theme=dark"), ("/logout", "")] {
            for headers in [vec![elsewhere], vec![elsewhere, ("cookie", &cookie)]] {
                let answer = post(&console, path, &headers, body).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
                assert_eq!(answer.header("set-cookie"), "", "{path}");
                answer.assert_holds("sent from another site");
            }
        }
    }
    assert_eq!(get_with(&console, "/", &[("cookie", &cookie)]).await.status, StatusCode::OK);
    let unknown = post(&console, "/theme", &[HERE], "theme=blue").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    unknown.assert_holds("theme: expected system, light or dark");
}

#[tokio::test]
async fn a_caller_sees_only_their_namespaces_and_no_trace_of_others() {
    let (console, _) = console();
    let cookie = log_in(&console, "shopkeeper-token").await;
    let get = async |path: &str| get_with(&console, path, &[("cookie", &cookie)]).await;
    let overview = get("/api/v1/overview").await.json();
    let shop = get("/api/v1/issues?namespace=shop").await.json();
    assert_eq!(overview["findings"], shop["total"]);
    assert_eq!(get("/api/v1/issues?exempt=all").await.json()["total"], shop["total"]);
    let all = get_with(&console, "/api/v1/issues?q=receipts", &[("authorization", "Bearer admin-token")])
        .await
        .json();
    let hidden = all["issues"][0]["path"].as_str().expect("a path").to_owned();
    let none = get("/issues/none").await;
    // Also under the key of another result.
    let facts = demo();
    let mut issues =
        facts.workloads.iter().flat_map(|workload| workload.issues.iter().zip(&workload.other_ids));
    let is_hidden = |(issue, _): &(&Issue, _)| hidden.ends_with(&issue.id.to_string());
    let (_, other_ids) = issues.find(is_hidden).expect("the issue");
    for hidden in [hidden.clone(), format!("/issues/{}", other_ids[0])] {
        let theirs = get(&hidden).await;
        assert_eq!((theirs.status, none.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        assert_eq!(theirs.text.replace(&hidden, ""), none.text.replace("/issues/none", ""));
    }
    for path in ["/", "/issues?exempt=all", "/namespaces", "/workloads", "/rules/latest-tag", "/issues.csv"] {
        let page = get(path).await;
        for other in ["payments", "analytics", "receipts", "churn-model"] {
            assert_eq!(page.count(other), 0, "{other} on {path}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_at_logout_or_when_its_token_is_revoked() {
    let (console, tokens) = console();
    let [one, other] = [log_in(&console, "admin-token").await, log_in(&console, "shopkeeper-token").await];
    let answer = post(&console, "/logout", &[("cookie", &one), HERE], "").await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(get_with(&console, "/", &[("cookie", &one)]).await.status, StatusCode::SEE_OTHER);
    tokens.revoke("shopkeeper-token");
    assert_eq!(get_with(&console, "/", &[("cookie", &other)]).await.header("location"), "/login");
}

#[tokio::test]
async fn log_ins_of_one_account_end_no_session_of_another() {
    let (console, _) = console();
    let admin = log_in(&console, "admin-token").await;
    let first = log_in(&console, "shopkeeper-token").await;
    for _ in 0..1_100 {
        log_in(&console, "shopkeeper-token").await;
    }
    assert_eq!(get_with(&console, "/", &[("cookie", &admin)]).await.status, StatusCode::OK);
    assert_eq!(get_with(&console, "/", &[("cookie", &first)]).await.header("location"), "/login");
}

#[tokio::test]
async fn the_form_recommends_a_token_for_tagwatch_alone() {
    let (console, _) = console();
    let form = get(&console, "/login").await;
    form.assert_holds("kubectl create token NAME --namespace NAMESPACE --audience tagwatch<");
}

#[tokio::test]
async fn invalid_tokens_are_rejected_then_limited() {
    let (console, tokens) = console();
    let cookie = log_in(&console, "admin-token").await;
    let mut codes = Vec::new();
    for number in 0..50 {
        let (login, bearer) = (format!("token=wrong-{number}"), format!("Bearer wrong-{number}"));
        codes.push(post(&console, "/login", &[HERE], &login).await.status.as_u16());
        codes.push(get_with(&console, "/api/v1/issues", &[("authorization", &bearer)]).await.status.as_u16());
    }
    codes.dedup();
    assert_eq!(codes, [401, 429]);
    assert_eq!(tokens.asked.load(Ordering::Relaxed), 1 + 10);
    assert_eq!(
        get_with(&console, "/", &[("cookie", &cookie)]).await.status,
        StatusCode::OK,
        "the session continues"
    );
}

/// All clients of an ingress have its address.
#[tokio::test]
async fn invalid_tokens_of_others_at_an_address_keep_no_genuine_token_out() {
    let (console, tokens) = console();
    for number in 0..50 {
        let bearer = format!("Bearer wrong-{number}");
        get_with(&console, "/api/v1/issues", &[("authorization", &bearer)]).await;
    }
    let asked = tokens.asked.load(Ordering::Relaxed);
    for (token, status) in [("admin-token", 200), ("wrong", 429), ("shopkeeper-token", 200)] {
        let bearer = format!("Bearer {token}");
        let program = get_with(&console, "/api/v1/issues", &[("authorization", &bearer)]).await;
        assert_eq!(program.status.as_u16(), status, "{token}");
    }
    assert_eq!(tokens.asked.load(Ordering::Relaxed), asked + 2, "others are not asked about");
    let cookie = log_in(&console, "admin-token").await;
    assert_eq!(get_with(&console, "/", &[("cookie", &cookie)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn valid_tokens_pass_in_many_parallel_requests() {
    let (console, _) = console();
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let console = console.clone();
        let headers = [("authorization", "Bearer admin-token")];
        requests.spawn(async move { get_with(&console, "/api/v1/overview", &headers).await.status });
    }
    assert_eq!(requests.join_all().await, [StatusCode::OK; 100]);
}

#[tokio::test]
async fn temporary_errors_have_a_retry_after_header() {
    let (console, tokens) = console();
    for (token, status, after) in [("busy", 429, "10"), ("unavailable", 503, "10"), ("wrong", 401, "")] {
        let bearer = format!("Bearer {token}");
        let program = get_with(&console, "/api/v1/issues", &[("authorization", &bearer)]).await;
        let person = post(&console, "/login", &[HERE], &format!("token={token}")).await;
        for answer in [program, person] {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, after), "{token}");
            assert_eq!(answer.count("does not answer"), usize::from(status == 503), "{}", answer.text);
        }
    }
    for number in 0..20 {
        post(&console, "/login", &[HERE], &format!("token=wrong-{number}")).await;
    }
    let answer = post(&console, "/login", &[HERE], "token=another").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
    assert!(tokens.asked.load(Ordering::Relaxed) < 20);
}

#[tokio::test]
async fn pages_say_when_namespaces_may_be_missing() {
    let (console, tokens) = console();
    let cookie = log_in(&console, "shopkeeper-token").await;
    for path in ["/", "/issues", "/namespaces", "/nothing"] {
        assert_eq!(get_with(&console, path, &[("cookie", &cookie)]).await.count("may be missing here"), 0);
    }
    tokens.mark_incomplete("shopkeeper-token");
    for path in ["/", "/issues", "/namespaces", "/nothing"] {
        get_with(&console, path, &[("cookie", &cookie)]).await.assert_holds("may be missing here");
    }
}

#[tokio::test]
async fn requests_without_a_token_get_no_data() {
    let (console, tokens) = console();
    for path in ["/", "/issues.csv", "/nothing", "/rules"] {
        assert_eq!(get(&console, path).await.status, StatusCode::SEE_OTHER, "{path}");
    }
    let answer = get(&console, "/api/v1/issues").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
    assert_eq!(answer.json()["status"], 401);
    assert_eq!(tokens.asked.load(Ordering::Relaxed), 0);
    let away = get_with(&console, "/api/v1/issues", &[("authorization", "Bearer unavailable")]).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    for token in ["", "two%20words", "%00"] {
        let answer = post(&console, "/login", &[HERE], &format!("token={token}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{token}");
    }
}

#[tokio::test]
async fn an_open_console_answers_only_to_local_names() {
    let console = open(demo());
    for host in ["localhost", "localhost:80", "127.0.0.1:8080", "[::1]:8080", "console.localhost:1"] {
        assert_eq!(get_with(&console, "/", &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    for host in ["example.com", "example.com:8080", "localhost.example.com", "127.0.0.1.example.com", ""] {
        let answer = get_with(&console, "/", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.count("cart"), 0);
    }
}

/// A server keeps the connections of these callers among any number of others.
#[tokio::test]
async fn answers_to_callers_who_may_see_something_are_marked() {
    let (console, _) = console();
    let with = |token: &str| format!("Bearer {token}");
    for (token, is_admitted) in
        [("admin-token", true), ("shopkeeper-token", true), ("stranger-token", false), ("wrong", false)]
    {
        for path in ["/", "/issues", "/api/v1/issues", "/issues.csv", "/nowhere"] {
            let answer = get_with(&console, path, &[("authorization", &with(token))]).await;
            assert_eq!(answer.is_admitted, is_admitted, "{token} {path}");
        }
        let form = post(&console, "/login", &[HERE], &format!("token={token}")).await;
        assert_eq!(form.is_admitted, is_admitted, "{token} logs in");
    }
    let cookie = log_in(&console, "admin-token").await;
    assert!(get_with(&console, "/", &[("cookie", &cookie)]).await.is_admitted);
    for path in ["/", "/login", "/api/v1/issues", "/assets/style.css"] {
        assert!(!get(&console, path).await.is_admitted, "{path}");
    }
    assert!(!get(&open(demo()), "/").await.is_admitted, "without log-in");
}
