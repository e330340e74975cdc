//! Every page says what it is for.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use crate::fixture::{demo, empty, green, three};
use crate::support::{get, links, open};

#[tokio::test]
async fn the_overview_has_the_score_and_three_donuts_whose_slices_filter() {
    let console = open(demo());
    let page = get(&console, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    for text in ["Violations by severity", "Rules in violation", "Violations by rule", "eu-west-1", "12 s"] {
        page.assert_holds(text);
    }
    let overview = get(&console, "/api/v1/overview").await.json();
    page.assert_holds(&format!("<p class=\"figure\">{}<span", overview["score"]));
    assert!(page.count("<path class=\"slice") >= 10, "{}", page.text);
    let critical = overview["severities"]["critical"].as_u64().expect("a number");
    let found = get(&console, "/api/v1/issues?severity=critical").await.json();
    assert_eq!(found["total"].as_u64(), Some(critical));
    page.assert_holds("<a href=\"/issues?severity=critical\" aria-label=\"critical: ");
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    for facts in [demo(), three(), green(), empty()] {
        let console = open(facts);
        let mut left = vec!["/".to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(path) = left.pop() {
            if seen.len() > 400 || !seen.insert(path.clone()) {
                continue;
            }
            let page = get(&console, &path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
            if page.header("content-type").starts_with("text/html") {
                left.extend(links(&page.text));
            }
        }
        assert!(seen.len() > 15, "{seen:?}");
    }
}

/// Dashboards and alerts lead here from what is over the cap of series.
#[tokio::test]
async fn what_metrics_sum_up_leads_to_a_list() {
    let console = open(demo());
    for (from, to) in [
        ("/workloads/shop/_other/_other", "/issues?namespace=shop&result=fail"),
        ("/workloads/_other/_other/_other", "/issues?result=fail"),
        ("/namespaces/_other", "/namespaces"),
    ] {
        let answer = get(&console, from).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, to), "{from}");
        assert_eq!(get(&console, to).await.status, StatusCode::OK, "{to}");
    }
}

#[tokio::test]
async fn an_issue_has_evidence_resolution_and_history() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?namespace=shop&rule=stale-pull-policy&q=cart").await.json();
    assert_eq!(found["total"], 1);
    let page = get(&console, found["issues"][0]["path"].as_str().expect("a path")).await;
    for text in [
        "<span class=\"line marked\"><mark><span class=\"visually-hidden\">Marked line: </span>  <span class=\"key\">imagePullPolicy:</span> IfNotPresent",
        "2026-11-15 10:04 UTC",
        "24 d 13 h</strong> in violation, in 2 intervals",
        "cart:2.9.0</bdi></code> to <code><bdi>registry.example.com/shop/cart:latest",
        "latest-tag</a> was found in",
        "digest=$(docker buildx imagetools inspect --format &#39;{{.Manifest.Digest}}&#39; registry.example.com/shop/cart:latest) &amp;&amp;",
        "kubectl patch deployment cart --namespace shop --type json",
        "&quot;path&quot;:&quot;/spec/template/spec/containers/0/imagePullPolicy&quot;,&quot;value&quot;:&quot;Always&quot;",
        "tagwatch.dev/ignore: api/stale-pull-policy",
    ] {
        page.assert_holds(text);
    }
}

#[tokio::test]
async fn a_link_to_a_resolved_issue_says_so() {
    let page = get(&open(demo()), "/issues/resolved000000000001").await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_holds("Resolved <time");
    page.assert_holds("floating-tag");
}

#[tokio::test]
async fn a_link_survives_when_the_result_changes() {
    let facts = demo();
    let cart = facts.workloads.iter().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let issue = cart.issues.iter().find(|issue| issue.rule.id == "stale-pull-policy").expect("an issue");
    let exempt = facts.workloads.iter().flat_map(|workload| &workload.issues);
    let exempt = exempt.filter(|issue| issue.is_exempt()).collect::<Vec<_>>();
    assert!(!exempt.is_empty());
    let console = open(facts.clone());
    for issue in [issue].into_iter().chain(exempt) {
        assert_eq!(issue.other_ids.len(), 4);
        for old in &issue.other_ids {
            let away = get(&console, &format!("/issues/{old}")).await;
            assert_eq!(away.status, StatusCode::TEMPORARY_REDIRECT);
            assert_eq!(away.header("location"), format!("/issues/{}", issue.id));
            let record = get(&console, &format!("/api/v1/issues/{old}")).await.json();
            assert_eq!(record["id"], issue.id.as_str());
        }
    }
    // Only the past knows this key, and it is open again: not resolved.
    let away = get(&console, "/issues/resultchanged0000001").await;
    assert_eq!(away.header("location"), format!("/issues/{}", issue.id));
}

#[tokio::test]
async fn what_is_exempt_says_why_and_until_when() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?exempt=yes&namespace=platform").await.json();
    let page = get(&console, found["issues"][0]["path"].as_str().expect("a path")).await;
    page.assert_holds("Exempt until 2027-01-31");
    page.assert_holds("PLAT-2291");
    page.assert_holds("spec.exemptions[0] of the policy");
}

#[tokio::test]
async fn commands_are_offered_only_where_they_work() {
    let console = open(demo());
    for (query, has, has_not) in [
        ("q=ledger-migration&rule=latest-tag", "apply it anew", "kubectl patch"),
        ("q=churn-model&rule=floating-tag", "read from the pods", "kubectl patch"),
        ("q=receipts", "Resolution", "kubectl patch"),
        ("q=dashboards&rule=floating-tag", "kubectl patch rollout.argoproj.io dashboards", "apply it anew"),
        ("q=fraud&rule=latest-tag", "/spec/template/spec/volumes/1/image/reference", "apply it anew"),
    ] {
        let found = get(&console, &format!("/api/v1/issues?{query}")).await.json();
        let page = get(&console, found["issues"][0]["path"].as_str().expect(query)).await;
        page.assert_holds(has);
        assert_eq!(page.count(has_not), 0, "{query}");
    }
}

#[tokio::test]
async fn nothing_judged_and_nothing_found_are_told_apart() {
    let page = get(&open(empty()), "/").await;
    page.assert_holds("Nothing judged yet");
    assert_eq!(get(&open(empty()), "/api/v1/overview").await.json()["score"], serde_json::Value::Null);
    let console = open(green());
    get(&console, "/").await.assert_holds("Nothing to mend");
    get(&console, "/").await.assert_holds("100<span");
    get(&console, "/issues").await.assert_holds("Nothing that was judged violates a rule");
}

#[tokio::test]
async fn a_rule_says_n_of_m_entities() {
    let console = open(demo());
    let rules = get(&console, "/api/v1/rules").await.json();
    let rule = rules["rules"].as_array().expect("rules").iter().find(|rule| rule["rule"] == "floating-tag");
    let rule = rule.expect("the rule");
    get(&console, "/rules")
        .await
        .assert_holds(&format!("<strong>{}</strong> of {} entities", rule["entities"], rule["ofEntities"]));
    get(&console, "/rules/floating-tag").await.assert_holds("Why it matters");
}

#[tokio::test]
async fn what_is_not_there_looks_like_the_rest() {
    let console = open(demo());
    for path in [
        "/nothing",
        "/issues/none",
        "/issues/%ff",
        "/namespaces/none",
        "/workloads/shop/Deployment/none",
        "/workloads/%ff/%ff/%ff",
        "/rules/floating",
    ] {
        let page = get(&console, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.assert_holds("Nothing here");
        page.assert_holds("<nav aria-label=\"Sections\">");
    }
    get(&console, "/rules/latest-tags").await.assert_holds("Did you mean latest-tag?");
    let answer = get(&console, "/api/v1/issues/none").await;
    assert_eq!((answer.status, answer.json()["status"].as_u64()), (StatusCode::NOT_FOUND, Some(404)));
}
