//! Headers of every answer.

use std::sync::Arc;

use axum::http::StatusCode;

use super::support::{Answer, get, get_with, guarded, links, open, post};
use crate::fixture::{Tokens, demo};

const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

#[track_caller]
fn assert_safe(answer: &Answer, cached: bool, what: &str) {
    let cache = if cached { "private, max-age=300" } else { "no-store" };
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("cache-control", cache),
    ] {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{name} of {what}, {}", answer.status);
    }
    let absent = ["access-control-allow-origin", "server", "x-powered-by"];
    assert!(absent.iter().all(|name| answer.header(name).is_empty()), "{what}");
}

/// Every address of a page or of the API, with parameters filled in.
const PATHS: [&str; 27] = [
    "/",
    "/issues",
    "/issues/none",
    "/issues.csv",
    "/issues.json",
    "/issues.md",
    "/issues/none/fix.sh",
    "/issues/none/patch.yaml",
    "/issues/none/exemption.yaml",
    "/exemptions",
    "/namespaces",
    "/namespaces/shop",
    "/namespaces/none",
    "/workloads",
    "/workloads/none/Deployment/none",
    "/rules",
    "/rules/latest-tag",
    "/rules/none",
    "/api/v1/overview",
    "/api/v1/issues",
    "/api/v1/issues/none",
    "/api/v1/namespaces",
    "/api/v1/workloads",
    "/api/v1/workloads/none/Deployment/none",
    "/api/v1/rules",
    "/api/v1/openapi.json",
    "/login",
];

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let everybody = open(demo());
    let callers = guarded(demo(), Arc::new(Tokens::new()));
    let index = get(&everybody, "/").await.text;
    let issues = get(&everybody, "/issues").await.text;
    let linked = [links(&index), links(&issues)].concat();
    let paths = PATHS.iter().map(|&path| path.to_owned()).chain(linked);
    for path in paths.chain(["/nothing".to_owned(), "/issues?severity=urgent".to_owned()]) {
        let cached = path.starts_with("/assets/");
        assert_safe(&get(&everybody, &path).await, cached, &path);
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Bearer unavailable")],
            &[("authorization", "Bearer admin-token")],
        ] {
            assert_safe(&get_with(&callers, &path, headers).await, cached, &path);
        }
        // No page accepts POST.
        assert_safe(&post(&everybody, &path, &[HERE], "").await, false, &path);
    }
    let elsewhere = get_with(&everybody, "/", &[("host", "elsewhere.example")]).await;
    assert_eq!(elsewhere.status, StatusCode::MISDIRECTED_REQUEST);
    assert_safe(&elsewhere, false, "another name");
    for (path, body) in [
        ("/login", "token=admin-token".to_owned()),
        ("/login", "token=".to_owned()),
        ("/login", format!("token={}", "x".repeat(100_000))),
        ("/logout", String::new()),
        ("/theme", "theme=dark".to_owned()),
        ("/theme", "theme=blue".to_owned()),
    ] {
        for site in [HERE, ("sec-fetch-site", "cross-site")] {
            assert_safe(&post(&callers, path, &[site], &body).await, false, path);
        }
    }
}
