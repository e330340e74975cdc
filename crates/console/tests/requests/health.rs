//! The banner on what is wrong with tagwatch itself.

use std::sync::Arc;

use tagwatch_console::{Health, Options, router};

use super::support::{get, get_with, links, open};
use crate::fixture::{Fixed, Tokens, demo, sick, with_failed};

const PAGES: [&str; 15] = [
    "/",
    "/changes",
    "/issues",
    "/images",
    "/images?by=registry",
    "/namespaces",
    "/namespaces/shop",
    "/workloads",
    "/workloads/shop/Deployment/cart",
    "/workloads/shop/Deployment/gone",
    "/rules",
    "/rules/latest-tag",
    "/exemptions",
    "/issues/d0000000000000000001",
    "/nothing",
];

/// One page of each kind, with that of an open issue. Fails where a section of the console has none.
async fn pages(console: &axum::Router) -> Vec<String> {
    let issues = get(console, "/api/v1/issues").await.json();
    let issue = issues["issues"][0]["path"].as_str().expect("a path").to_owned();
    let overview = get(console, "/").await.text;
    let (_, sections) = overview.split_once("<nav").expect("sections");
    let sections = links(sections.split_once("</nav>").expect("an end").0);
    for section in &sections {
        assert!(PAGES.contains(&section.as_str()), "{section} is not among the pages");
    }
    PAGES.map(str::to_owned).into_iter().chain([issue]).collect()
}

#[tokio::test]
async fn every_page_says_what_is_wrong_and_what_to_do() {
    let console = router(Fixed::with_health(with_failed(), sick()), None, Options::default());
    for path in pages(&console).await {
        let page = get(&console, &path).await;
        for line in [
            "<strong>The policy default is invalid: its last valid spec applies (generation 7).</strong> kubectl describe tagpolicy default",
            "<strong>The API server does not serve policyreports of wgpolicyk8s.io/v1alpha2, so no report can be written.</strong> If",
            "<strong>The reports of 3 workloads in payments cannot be written: a ResourceQuota is used up.</strong> Raise",
            "<strong>Another client keeps changing or removing 1 report:",
            "<strong>tagwatch may not read namespaces",
            "<strong>tagwatch may not read Rollout.argoproj.io, so only their pods are checked.</strong> Grant",
            "<strong>tagwatch does not see changes of pods in payments (timeout).</strong> Look",
            "<strong>Results are stale: everything was last checked 3 h ago",
            "<strong>This replica is a standby",
        ] {
            page.assert_holds(line);
        }
    }
    let overview = get(&console, "/api/v1/overview").await.json();
    assert_eq!(overview["problems"].as_array().map(Vec::len), Some(9), "{overview}");
}

#[tokio::test]
async fn a_healthy_tagwatch_has_no_banner() {
    let console = open(demo());
    for path in pages(&console).await {
        assert_eq!(get(&console, &path).await.count("class=\"health\""), 0, "{path}");
    }
    assert_eq!(get(&console, "/api/v1/overview").await.json()["problems"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn the_banner_names_no_namespace_of_others() {
    let Health { failing_watches, unwritten, .. } = sick();
    let health = Health { failing_watches, unwritten, ..Health::default() };
    let source = Fixed::with_health(demo(), health);
    let console = router(source, Some(Arc::new(Tokens::new())), Options::default());
    let page = get_with(&console, "/", &[("authorization", "Bearer shopkeeper-token")]).await;
    page.assert_holds("tagwatch does not see changes of pods (timeout).");
    assert_eq!(page.count("payments"), 0);
}
