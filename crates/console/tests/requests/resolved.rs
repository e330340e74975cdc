//! The page of an issue that is over.

use std::sync::Arc;

use axum::http::StatusCode;
use tagwatch_core::issue::{Ending, Interval};

use super::support::{get, open};
use crate::fixture::{RESOLVED, RESULT_CHANGED, demo};

#[tokio::test]
async fn a_resolved_issue_has_description_evidence_history_and_its_end() {
    let page = get(&open(demo()), &format!("/issues/{RESOLVED}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for text in [
        "<title>Resolved: shop/cart · api · stable · floating-tag · tagwatch</title>",
        "<a href=\"/rules/floating-tag\">floating-tag</a>",
        "<a href=\"/workloads/shop/Deployment/cart\">",
        "<a href=\"/issues?team=storefront\">",
        "<h2>Resolved <time datetime=\"2026-11-02T16:30:00Z\"",
        "Then the container ran <code>",
        ":2.9.0",
        "<h2 id=\"description\">Description</h2>",
        "<h2 id=\"evidence\">Last evidence</h2>",
        "<span class=\"key\">image:</span> registry.example.com/shop/cart:stable</mark>",
        "<span class=\"key\">imagePullPolicy:</span> IfNotPresent",
        "high</span> <span class=\"res resolved\">resolved</span>",
        "<div><dt>Policy</dt><dd>image-tag <span class=\"muted\">",
        "<p class=\"lead description\">container <code>api</code> runs <code>registry.example.com/shop/cart:stable</code>, a tag that moves</p>",
        "<h2 id=\"history\">History</h2>",
        "<strong>12 d 8 h</strong> open",
        "class=\"stretch closed\"",
    ] {
        page.assert_holds(text);
    }
}

#[tokio::test]
async fn every_interval_of_it_is_in_its_history_and_the_last_one_is_its_end() {
    let mut facts = demo();
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let cart = Arc::make_mut(cart);
    let later = Interval {
        id: tagwatch_core::issue::ResultId::parse("d0000000000000000002").expect("20 hex digits"),
        from: "2026-11-20T00:00:00Z".parse().expect("a time"),
        until: "2026-11-21T00:00:00Z".parse().expect("a time"),
        ..cart.closed[1].clone()
    };
    cart.closed.push(later);
    let page = get(&open(facts), &format!("/issues/{RESOLVED}")).await;
    page.assert_holds("<h2>Resolved <time datetime=\"2026-11-21T00:00:00Z\"");
    page.assert_holds("<strong>13 d 8 h</strong> open, in 2 intervals");
    assert_eq!(page.count("class=\"stretch closed\""), 2);
}

#[tokio::test]
async fn two_resolved_issues_of_one_container_have_headings_that_differ() {
    let mut facts = demo();
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let cart = Arc::make_mut(cart);
    cart.issues.clear();
    cart.closed[0].pull_policy = Some("Never".into());
    let console = open(facts);
    let of_tag = get(&console, &format!("/issues/{RESOLVED}")).await;
    of_tag.assert_holds("<h1><bdi>shop/cart · api · stable · floating-tag</bdi></h1>");
    let of_policy = get(&console, &format!("/issues/{RESULT_CHANGED}")).await;
    of_policy.assert_holds("<h1><bdi>shop/cart · api · stable with Never · stale-pull-policy</bdi></h1>");
    of_policy.assert_holds(
        "<title>Resolved: shop/cart · api · stable with Never · stale-pull-policy · tagwatch</title>",
    );
    of_policy.assert_holds("<span class=\"key\">imagePullPolicy:</span> Never</mark>");
}

#[tokio::test]
async fn what_an_older_version_did_not_keep_is_unknown() {
    let mut facts = demo();
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let of_tag = &mut Arc::make_mut(cart).closed[1];
    (of_tag.severity, of_tag.pull_policy, of_tag.message) = (None, None, "".into());
    let page = get(&open(facts.clone()), &format!("/issues/{RESOLVED}")).await;
    page.assert_holds("severity unknown</span> <span class=\"res resolved\">");
    page.assert_holds("An older version of tagwatch wrote this history");
    assert_eq!((page.count("lead description"), page.count("imagePullPolicy")), (0, 0));
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    Arc::make_mut(cart).closed[1].pull_policy = Some(Interval::UNSET.into());
    let page = get(&open(facts), &format!("/issues/{RESOLVED}")).await;
    page.assert_holds("No pull policy was written.");
    assert_eq!(page.count("imagePullPolicy"), 0);
}

#[tokio::test]
async fn a_rule_of_another_version_is_named_without_description() {
    let mut facts = demo();
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    Arc::make_mut(cart).closed[1].rule = "rule-of-tomorrow".into();
    let page = get(&open(facts), &format!("/issues/{RESOLVED}")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_holds("This version of tagwatch does not know the rule rule-of-tomorrow.");
    page.assert_holds("<div><dt>Policy</dt><dd>unknown</dd></div>");
}

#[tokio::test]
async fn it_says_how_it_ended() {
    for (ending, words) in [
        (Ending::Exempted, "<p>An exemption applied from then on.</p>"),
        (Ending::RuleOff, "<p>The policy turned the rule off. Whether anything was fixed is not known.</p>"),
        (Ending::Fixed, "its pull policy or what its pods run changed, or the container is gone.</p>"),
        (
            Ending::Resolved,
            "its pull policy, the policy or an exemption changed, or the container is gone.</p>",
        ),
    ] {
        let mut facts = demo();
        let cart =
            facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
        let cart = Arc::make_mut(cart);
        cart.image_changes.clear();
        cart.closed[1].ending = ending;
        get(&open(facts), &format!("/issues/{RESOLVED}")).await.assert_holds(words);
    }
}
