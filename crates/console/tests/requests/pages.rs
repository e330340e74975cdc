//! The content of each page.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use tagwatch_console::Workload;
use tagwatch_core::issue::{Interval, Issue, ResultId};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::rules;
use tagwatch_core::workload::ContainerType;

use super::support::{get, links, open};
use crate::fixture::{RESOLVED, RESULT_CHANGED, demo, empty, green, three};

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
    page.assert_holds(
        "<a href=\"/issues?severity=critical&#38;result=fail&#38;result=error\" aria-label=\"critical: ",
    );
}

#[tokio::test]
async fn programs_get_the_numbers_of_violations_and_of_findings() {
    let console = open(demo());
    let answer = async |path: &str| get(&console, path).await.json();
    let total = async |query: &str| answer(&format!("/api/v1/issues?{query}")).await["total"].clone();
    let expect = async |record: &Value, of: String| {
        let violations = total(&format!("{of}&result=fail&result=error")).await;
        assert_eq!(record["violations"], violations, "{record}");
        assert_eq!(record["findings"], total(&of).await, "{record}");
    };
    expect(&answer("/api/v1/overview").await, String::new()).await;
    for (list, name, field) in
        [("namespaces", "namespace", "namespace"), ("rules", "rule", "rule"), ("workloads", "name", "name")]
    {
        let records = answer(&format!("/api/v1/{list}")).await;
        for record in records[list].as_array().expect("records") {
            expect(record, format!("{field}={}", record[name].as_str().expect("a name"))).await;
        }
    }
}

/// As dashboards and metrics count: a violation is a fail or an error, and a warning is neither.
#[tokio::test]
async fn donuts_count_violations_and_tell_warnings_apart() {
    let console = open(demo());
    let page = get(&console, "/").await;
    let total = async |query: &str| -> u64 {
        let found = get(&console, &format!("/api/v1/issues?{query}")).await.json();
        found["total"].as_u64().expect("a number")
    };
    let violations = "result=fail&result=error";
    let all = total(violations).await;
    assert!(all > 0 && total("result=warn").await > 0 && all < total("").await);
    for severity in ["critical", "high", "medium", "low"] {
        let count = total(&format!("severity={severity}&{violations}")).await;
        let slice =
            format!("aria-label=\"{severity}: {count} violation{}, ", if count == 1 { "" } else { "s" });
        assert_eq!(page.text.contains(&slice), count > 0, "{slice}");
    }
    page.assert_holds(&format!(
        "<dt>Violations</dt><dd><a href=\"/issues?result=fail&#38;result=error\">{all}</a>"
    ));
    page.assert_holds("workloads without a violation");
    for rule in rules::all() {
        let count = total(&format!("rule={}&{violations}", rule.id)).await;
        let slice =
            format!("aria-label=\"{}: {count} violation{}, ", rule.id, if count == 1 { "" } else { "s" });
        // Rules of few violations share one slice.
        assert!(count > 0 || !page.text.contains(&slice), "{slice}");
    }
}

#[tokio::test]
async fn every_link_works() {
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

/// Dashboards and alerts link here from series beyond the cap.
#[tokio::test]
async fn links_from_capped_metrics_redirect_to_a_list() {
    let console = open(demo());
    for (from, to) in [
        ("/workloads/shop/_other/_other", "/issues?namespace=shop&result=fail&result=error"),
        ("/workloads/_other/_other/_other", "/issues?result=fail&result=error"),
        ("/namespaces/_other", "/namespaces"),
    ] {
        let answer = get(&console, from).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, to), "{from}");
        assert_eq!(get(&console, to).await.status, StatusCode::OK, "{to}");
    }
    let total =
        async |query: &str| get(&console, &format!("/api/v1/issues?{query}")).await.json()["total"].clone();
    assert_eq!(total("namespace=_other&rule=latest-tag").await, total("rule=latest-tag").await);
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
        "24 d 13 h</strong> open, in 2 intervals",
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
async fn a_link_to_a_resolved_issue_shows_that() {
    let page = get(&open(demo()), &format!("/issues/{RESOLVED}")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_holds("Resolved <time");
    page.assert_holds("floating-tag");
}

#[tokio::test]
async fn issue_links_keep_working_when_the_result_changes() {
    let facts = demo();
    let cart = facts.workloads.iter().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let with_ids = |workload: &Workload| -> Vec<(Issue, Box<[ResultId]>)> {
        workload.issues.iter().cloned().zip(workload.other_ids.iter().cloned()).collect()
    };
    let issue = with_ids(cart).into_iter().find(|(issue, _)| issue.rule.id == "stale-pull-policy");
    let issue = issue.expect("an issue");
    let exempt = facts.workloads.iter().flat_map(|workload| with_ids(workload));
    let exempt = exempt.filter(|(issue, _)| issue.is_exempt()).collect::<Vec<_>>();
    assert!(!exempt.is_empty());
    let console = open(facts.clone());
    let id = issue.0.id;
    for (issue, other_ids) in [issue].into_iter().chain(exempt) {
        assert_eq!(other_ids.len(), 4);
        for old in &other_ids {
            let away = get(&console, &format!("/issues/{old}")).await;
            assert_eq!(away.status, StatusCode::TEMPORARY_REDIRECT);
            assert_eq!(away.header("location"), format!("/issues/{}", issue.id));
            let record = get(&console, &format!("/api/v1/issues/{old}")).await.json();
            assert_eq!(record["id"], issue.id.to_string());
        }
    }
    // Only the past knows this key, and it is open again: not resolved.
    let away = get(&console, &format!("/issues/{RESULT_CHANGED}")).await;
    assert_eq!(away.header("location"), format!("/issues/{id}"));
}

#[tokio::test]
async fn an_exempt_issue_shows_reason_and_expiry() {
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
        ("q=debug-shell&rule=stale-pull-policy", "delete the Pod", "imagePullPolicy&quot;,&quot;value"),
        ("q=churn-model&rule=floating-tag", "read from what this object made", "kubectl patch"),
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

/// The issue of `stale-pull-policy` in shop/cart, which was violated from 2026-10-21T08:00 to 2026-11-02T16:30, and again
/// since 2026-11-15T10:04.
fn cart(facts: &mut tagwatch_console::Facts) -> (&mut Workload, usize) {
    let cart =
        facts.workloads.iter_mut().find(|workload| *workload.name.raw() == *"cart").expect("a workload");
    let cart = Arc::make_mut(cart);
    let at = cart.issues.iter().position(|issue| issue.rule.id == "stale-pull-policy").expect("an issue");
    (cart, at)
}

#[tokio::test]
async fn an_exempt_issue_is_not_in_violation() {
    let mut facts = demo();
    let (workload, at) = cart(&mut facts);
    workload.issues[at].outcome = Outcome::Skip;
    let id = workload.issues[at].id;
    let page = get(&open(facts.clone()), &format!("/issues/{id}")).await;
    for text in [
        "Exempt since <time datetime=\"2026-11-15T10:04:00Z\">",
        "for <strong>12 d 4 h</strong>",
        "<strong>12 d 8 h</strong> open before",
        "class=\"stretch exempt\"",
        "class=\"stretch closed\"",
        "<dt>Exempt for</dt>",
    ] {
        page.assert_holds(text);
    }
    for text in ["stretch open", "Open for", "<strong>now</strong>"] {
        assert_eq!(page.count(text), 0, "{text}");
    }
    let record = get(&open(facts.clone()), &format!("/api/v1/issues/{id}")).await.json();
    assert_eq!(record["violatedSeconds"], 12 * 86_400 + 8 * 3600 + 1800);
    // One that has been exempt from its begin violates nothing, and never has.
    cart(&mut facts).0.closed.clear();
    let page = get(&open(facts), &format!("/issues/{id}")).await;
    page.assert_holds("Exempt since");
    assert_eq!(page.count("</strong> open"), 0);
}

#[tokio::test]
async fn overlapping_intervals_count_once_and_a_changed_result_continues() {
    let mut facts = demo();
    let (workload, at) = cart(&mut facts);
    let id = workload.issues[at].id;
    let other_images = workload.closed[0].clone();
    // Pods ran a second image for some of that time; a volume has the container's name; a warning before the failure of
    // now, which it met.
    workload.closed.push(Interval { image: "other:1".into(), ..other_images.clone() });
    let volume = Some(ContainerType::ImageVolume);
    let (from, until) = (time("2026-11-05T00:00:00Z"), time("2026-11-06T00:00:00Z"));
    workload.closed.push(Interval {
        id: ResultId::parse("e0000000000000000001").expect("20 hex digits"),
        container_type: volume,
        from,
        until,
        ..other_images.clone()
    });
    let (from, until) = (time("2026-11-14T10:04:00Z"), time("2026-11-15T10:04:00Z"));
    workload.closed.push(Interval { from, until, ..other_images });
    let console = open(facts.clone());
    let page = get(&console, &format!("/issues/{id}")).await;
    page.assert_holds("<p class=\"lead\"><strong>25 d 13 h</strong> open, in 2 intervals");
    let page = get(&console, "/workloads/shop/Deployment/cart").await;
    let resolved = page.text.split("<h3>Resolved</h3>").nth(1).expect("a list").split("</ul>").next();
    let resolved = resolved.expect("a list");
    // That of November, that of the volume, and that of floating-tag.
    assert_eq!(resolved.matches("<li>").count(), 3, "{resolved}");
    assert!(!resolved.contains("2026-11-14"), "{resolved}");
    cart(&mut facts).0.is_history_full = true;
    get(&open(facts), &format!("/issues/{id}")).await.assert_holds("At least <strong>25 d 13 h</strong>");
}

fn time(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

#[tokio::test]
async fn an_empty_cluster_differs_from_a_clean_one() {
    let page = get(&open(empty()), "/").await;
    page.assert_holds("Nothing checked yet");
    assert_eq!(get(&open(empty()), "/api/v1/overview").await.json()["score"], serde_json::Value::Null);
    let console = open(green());
    get(&console, "/").await.assert_holds("Nothing to fix");
    get(&console, "/").await.assert_holds("100<span");
    get(&console, "/issues").await.assert_holds("Nothing that was checked has a finding");
}

#[tokio::test]
async fn a_rule_shows_n_of_m_workloads() {
    let console = open(demo());
    let rules = get(&console, "/api/v1/rules").await.json();
    let rule = rules["rules"].as_array().expect("rules").iter().find(|rule| rule["rule"] == "floating-tag");
    let rule = rule.expect("the rule");
    get(&console, "/rules").await.assert_holds(&format!(
        "<strong>{}</strong> of {} workloads",
        rule["workloads"], rule["ofWorkloads"]
    ));
    get(&console, "/rules/floating-tag").await.assert_holds("Why it matters");
}

#[tokio::test]
async fn a_missing_page_has_the_usual_frame() {
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

#[tokio::test]
async fn the_heading_of_an_issue_differs_from_that_of_others() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?q=shop/cart&rule=stale-pull-policy").await.json();
    let page = get(&console, found["issues"][0]["path"].as_str().expect("a path")).await;
    let heading = "shop/cart · api · latest with IfNotPresent · stale-pull-policy";
    page.assert_holds(&format!("<h1><bdi>{heading}</bdi></h1>\n<p class=\"lead\">"));
    let found = get(&console, "/api/v1/issues?per_page=100").await.json();
    let mut headings = BTreeSet::new();
    for issue in found["issues"].as_array().expect("issues") {
        let page = get(&console, issue["path"].as_str().expect("a path")).await;
        let (_, rest) = page.text.split_once("<h1>").expect("a heading");
        let (heading, _) = rest.split_once("</h1>").expect("its end");
        let namespace = issue["namespace"].as_str().expect("a namespace");
        assert!(heading.contains(&format!("{namespace}/")), "{heading}");
        headings.insert(heading.to_owned());
    }
    assert_eq!(Some(headings.len()), found["issues"].as_array().map(Vec::len));
}
