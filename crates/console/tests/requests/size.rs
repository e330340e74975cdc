//! The size of pages with many rows. `make bench` measures their latency.

use axum::http::StatusCode;

use super::support::{get, open};
use crate::fixture::{crowded, crowded_with, many};

#[tokio::test]
async fn a_page_of_ten_thousand_issues_is_small() {
    let console = open(many(10_000));
    for path in [
        "/",
        "/issues",
        "/issues?sort=-age&q=service&page=7",
        "/issues?per_page=100&q=service",
        "/namespaces/team-01",
        "/rules",
        "/workloads",
        "/workloads?per_page=100",
        "/exemptions",
        "/changes?since=60d",
        "/images",
        "/images?by=registry",
    ] {
        let page = get(&console, path).await;
        assert!(page.text.len() <= 150 * 1024, "{path}: {} bytes", page.text.len());
    }
    assert_eq!(get(&console, "/api/v1/overview").await.json()["findings"], 10_000);
}

#[tokio::test]
async fn pages_of_many_namespaces_and_containers_are_small() {
    let console = open(crowded());
    for path in [
        "/",
        "/namespaces",
        "/namespaces?page=7",
        "/namespaces/crowd",
        "/workloads/crowd/Deployment/crowd",
        "/changes",
        "/images",
    ] {
        let page = get(&console, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.len() <= 150 * 1024, "{path}: {} bytes", page.text.len());
    }
    let last = get(&console, "/namespaces?page=7").await;
    last.assert_holds("301–301 of <strong>301</strong>");
    let workload = get(&console, "/workloads/crowd/Deployment/crowd").await;
    workload.assert_holds(
        "<a href=\"/issues?namespace=crowd&#38;kind=Deployment&#38;name=crowd&#38;exempt=all\">975 more containers with 1950 issues</a>",
    );
    assert_eq!(get(&console, "/namespaces?page=two").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn issues_beyond_the_cap_of_a_workload_are_named_on_its_page() {
    let console = open(crowded_with(1_100));
    let workload = get(&console, "/workloads/crowd/Deployment/crowd").await;
    workload.assert_holds("200 more issues are not shown");
    assert_eq!(get(&console, "/api/v1/issues?namespace=crowd").await.json()["total"], 2_000);
}
