//! Filters, sort orders and pages, as part of the address.

use axum::http::StatusCode;

use super::support::{get, open};
use crate::fixture::{demo, many};

#[tokio::test]
async fn filters_narrow_and_combine() {
    let console = open(demo());
    let total = async |query: &str| {
        let found = get(&console, &format!("/api/v1/issues?{query}")).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.text);
        found.json()["total"].as_u64().expect("a number")
    };
    let all = total("").await;
    assert_eq!(total("severity=critical,high,medium,low,info").await, all);
    assert_eq!(total("severity=critical&severity=high&severity=medium&severity=low").await, all);
    assert_eq!(total("namespace=All&rule=$__all&severity=").await, all, "as dashboards send all values");
    let (shop, others) =
        (total("namespace=shop").await, total("namespace=payments,platform,analytics,docs").await);
    assert!(shop > 0 && shop + others == all, "{shop} + {others} = {all}");
    assert_eq!(total("exempt=all").await, all + total("exempt=yes").await);
    assert_eq!(total("result=skip").await, total("exempt=yes").await);
    assert_eq!(total("result=error").await, 1);
    assert_eq!(total("kind=Rollout.argoproj.io").await, 1);
    assert_eq!(total("q=GIFT-cards").await, total("q=gift-cards").await);
    assert_eq!(total("namespace=shop&rule=latest-tag&q=zebra").await, 0);
}

#[tokio::test]
async fn an_order_can_be_reversed() {
    let console = open(demo());
    let names = async |sort: &str, field: &str| -> Vec<String> {
        let found = get(&console, &format!("/api/v1/issues?sort={sort}")).await.json();
        let issues = found["issues"].as_array().expect("issues");
        issues.iter().map(|issue| issue[field].as_str().expect("text").to_owned()).collect()
    };
    for (sort, field) in [("workload", "name"), ("age", "firstSeen"), ("rule", "rule"), ("image", "image")] {
        let forward = names(sort, field).await;
        assert!(forward.is_sorted(), "{sort}: {forward:?}");
        let backward = names(&format!("-{sort}"), field).await;
        assert!(backward.iter().rev().is_sorted(), "{sort}: {backward:?}");
    }
    assert_eq!(names("severity", "severity").await[0], "critical");
}

#[tokio::test]
async fn pages_cover_all_issues_once() {
    let console = open(many(230));
    let mut ids = Vec::new();
    for page in 1..=5 {
        let found = get(&console, &format!("/api/v1/issues?page={page}")).await.json();
        assert_eq!((found["total"].as_u64(), found["pages"].as_u64()), (Some(230), Some(5)));
        ids.extend(found["issues"].as_array().expect("issues").iter().map(|issue| issue["id"].to_string()));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 230);
    let last = get(&console, "/issues?page=99&severity=high,critical,medium").await;
    last.assert_holds("Page 5 of 5");
    last.assert_holds("severity=high&#38;severity=critical&#38;severity=medium&#38;page=4");
}

#[tokio::test]
async fn invalid_values_are_reported_with_the_expected_ones() {
    let console = open(demo());
    for (query, expected) in [
        ("severity=urgent", "severity: `urgent` is none of critical, high, medium, low, info"),
        ("result=pass", "result: `pass` is none of fail, error, warn, skip"),
        ("rule=latest", "rule: `latest` is none; /rules lists them"),
        ("sort=colour", "sort: `colour` is none of severity, result, rule"),
        ("page=two", "page: `two` is no number from 1"),
        ("page=0", "page: `0` is no number from 1"),
        ("page=-1", "page: `-1` is no number from 1"),
        ("exempt=maybe", "exempt: `maybe` is none of no, yes, all"),
        ("severity=%1b%5b2J", "severity: `\\u{1b}[2J` is none of"),
    ] {
        let answer = get(&console, &format!("/api/v1/issues?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let message = answer.json()["messages"][0].as_str().expect("a message").to_owned();
        assert!(message.starts_with(expected), "{message}");
        let page = get(&console, &format!("/issues?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        page.assert_holds("This address does not work");
    }
    for unset in ["/issues?page=&sort=&exempt=", "/workloads?page=&status=", "/api/v1/issues?page="] {
        assert_eq!(get(&console, unset).await.status, StatusCode::OK, "{unset}");
    }
    for list in ["changes", "images", "workloads", "exemptions", "namespaces"] {
        let page = get(&console, &format!("/{list}?page=0")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{list}");
    }
    // Names of a cluster come and go: one that is not there matches nothing.
    for query in ["namespace=nosuch", "kind=Foo", "registry=nosuch", "image=nosuch", "team=nosuch"] {
        let found = get(&console, &format!("/api/v1/issues?{query}")).await;
        assert_eq!((found.status, &found.json()["total"]), (StatusCode::OK, &0.into()), "{query}");
    }
    let unknown = get(&console, "/api/v1/issues?colour=red").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&console, "/issues?utm_source=chat").await.status, StatusCode::OK);
    assert_eq!(get(&console, "/workloads?status=fine").await.status, StatusCode::BAD_REQUEST);
}
