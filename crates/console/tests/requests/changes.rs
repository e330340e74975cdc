//! What changed: counts, lists, the trend, and what they say is not known.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use tagwatch_console::{Departures, Facts, Workload};
use tagwatch_core::issue::{Ending, ImageChange, Interval, ResultId};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use super::support::{get, get_with, guarded, open};
use crate::fixture::{Tokens, demo, departed, empty, many, now, three};

/// Two workloads in `shop`: cart with two issues, and report with some. All began forty days ago.
pub(super) fn quiet() -> Facts {
    let mut facts = three();
    for workload in &mut facts.workloads {
        let workload = Arc::make_mut(workload);
        (workload.closed, workload.image_changes) = (Vec::new(), Vec::new());
        workload.known_since = Some(ago(40 * 24));
        workload.issues.iter_mut().for_each(|issue| issue.first_seen = ago(40 * 24));
    }
    facts.departures = Departures { since: Some(ago(30 * 24)), ..Departures::default() };
    facts
}

pub(super) fn ago(hours: i64) -> Timestamp {
    now() - hours.hours()
}

pub(super) fn workload<'a>(facts: &'a mut Facts, name: &str) -> &'a mut Workload {
    let found = facts.workloads.iter_mut().find(|workload| workload.name.raw() == name);
    Arc::make_mut(found.expect("a workload"))
}

/// The past of an issue of cart, between these hours ago.
fn closed(workload: &Workload, rule: &str, from: i64, until: i64) -> Interval {
    Interval {
        id: ResultId::parse(&format!("{:010}{:010}", from + 1_000, until + 1_000)).expect("20 hex digits"),
        rule: rule.into(),
        container: workload.containers[0].name.clone(),
        container_type: Some(workload.containers[0].container_type),
        image: "registry.example.com/shop/cart:stable".into(),
        severity: None,
        pull_policy: None,
        message: UntrustedText::default(),
        from: ago(from),
        until: ago(until),
        ending: Ending::Fixed,
    }
}

/// Opened, resolved, and images changed.
pub(super) async fn counts(console: &Router, query: &str) -> (u64, u64, u64) {
    let found = get(console, &format!("/api/v1/changes?{query}")).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let found = found.json();
    let count = |field: &str| found[field].as_u64().expect("a number");
    (count("opened"), count("resolved"), count("imagesChanged"))
}

/// The changes as `what rule-or-image ending`.
async fn listed(console: &Router, query: &str) -> Vec<String> {
    let found = get(console, &format!("/api/v1/changes?{query}")).await.json();
    let word = |change: &Value, field: &str| change[field].as_str().map(str::to_owned);
    let line = |change: &Value| {
        let what = word(change, "rule").or_else(|| word(change, "image"));
        [word(change, "change"), what, word(change, "ending")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    found["changes"].as_array().expect("changes").iter().map(line).collect()
}

#[tokio::test]
async fn what_opened_was_resolved_and_changed_its_image_counts_in_its_time() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    let latest = cart.issues.iter_mut().find(|issue| issue.rule.id == "latest-tag").expect("an issue");
    latest.first_seen = ago(3);
    let over = [closed(cart, "floating-tag", 300, 20), closed(cart, "unclassified-tag", 100, 90)];
    cart.closed = over.into();
    let (from, to) = ("cart:stable".into(), "cart:latest".into());
    cart.image_changes.push(ImageChange { container: "api".into(), from, to, at: ago(3) });
    let console = open(facts);
    assert_eq!(counts(&console, "").await, (1, 1, 1), "a day, where no time is given");
    assert_eq!(counts(&console, "since=24h").await, (1, 1, 1));
    assert_eq!(counts(&console, "since=2h").await, (0, 0, 0));
    assert_eq!(counts(&console, "since=7d").await, (2, 2, 1));
    assert_eq!(counts(&console, "since=13d").await, (3, 2, 1));
    let instant = ago(21).to_string();
    assert_eq!(counts(&console, &format!("since={instant}")).await, (1, 1, 1));
    assert_eq!(
        listed(&console, "since=7d").await,
        [
            "image cart:latest",
            "opened latest-tag",
            "resolved floating-tag fixed",
            "resolved unclassified-tag fixed",
            "opened unclassified-tag",
        ]
    );
    assert_eq!(listed(&console, "since=7d&change=image,resolved").await.len(), 3);
    assert_eq!(listed(&console, "since=7d&namespace=none").await, [""; 0]);
    let page = get(&console, "/changes?since=7d&change=resolved").await;
    for part in [
        "aria-current=\"true\">Resolved <span class=\"muted\">2</span>",
        "href=\"/changes?since=7d&#38;change=opened\">Opened <span class=\"muted\">2</span>",
        "href=\"/issues/00000013000000001020\">floating-tag</a>",
        "href=\"/workloads/shop/Deployment/cart\"",
        "name=\"change\" value=\"resolved\"",
    ] {
        page.assert_holds(part);
    }
}

#[tokio::test]
async fn it_is_the_first_thing_on_the_overview_and_every_number_leads_to_what_it_counts() {
    let console = open(demo());
    let page = get(&console, "/").await;
    let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("<h1>Overview</h1>") < at("<h2 id=\"changed\">What changed</h2>"));
    assert!(at("<h2 id=\"changed\">What changed</h2>") < at("aria-label=\"Score and totals\""));
    let mut total = 0;
    for since in ["24h", "7d"] {
        let (opened, resolved, images) = counts(&console, &format!("since={since}")).await;
        for (kind, count) in [("opened", opened), ("resolved", resolved), ("image", images)] {
            page.assert_holds(&format!("<a href=\"/changes?since={since}&#38;change={kind}\">{count}</a>"));
            let listed = get(&console, &format!("/changes?since={since}&change={kind}")).await;
            let rows = listed.text.split("</caption>").nth(1).map_or(0, |table| {
                table
                    .split("</tbody>")
                    .next()
                    .unwrap_or_default()
                    .matches("<td role=\"cell\" class=\"change\">")
                    .count()
            });
            assert_eq!(u64::try_from(rows).ok(), Some(count), "{since} {kind}");
            total += count;
        }
    }
    assert!(total > 8, "{total}");
    page.assert_holds("psql-client");
    assert_eq!(get(&open(empty()), "/").await.count("What changed"), 0, "nothing is known yet");
}

#[tokio::test]
async fn a_bad_time_is_refused_with_what_was_expected() {
    let console = open(demo());
    for bad in ["yesterday", "0h", "7", "-7d", "99999999d", "2026-13-01T00:00:00Z"] {
        for path in ["/changes", "/issues", "/api/v1/changes", "/api/v1/issues", "/issues.csv"] {
            let answer = get(&console, &format!("{path}?since={bad}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {bad}");
            answer.assert_holds("is no time: expected hours or days");
        }
    }
    let several = get(&console, "/api/v1/changes?since=x&change=moved&colour=red").await.json();
    assert_eq!(several["messages"].as_array().map(Vec::len), Some(3), "{several}");
    assert_eq!(get(&console, "/changes?since=&change=&page=&utm_source=chat").await.status, StatusCode::OK);
    for good in ["24h", "7d", "2026-11-20T08:00:00Z"] {
        assert_eq!(get(&console, &format!("/changes?since={good}")).await.status, StatusCode::OK, "{good}");
    }
}

#[tokio::test]
async fn issues_since_a_time_are_those_first_seen_then() {
    let console = open(demo());
    let all = get(&console, "/issues.json").await.json();
    let start = now() - (24 * 7).hours();
    let first_seen = |issue: &Value| issue["firstSeen"].as_str().expect("a time").parse::<Timestamp>();
    let issues = all["issues"].as_array().expect("issues");
    let expected = issues.iter().filter(|issue| first_seen(issue).expect("a time") >= start).count();
    assert!(0 < expected && expected < issues.len(), "{expected}");
    let found = get(&console, "/issues.json?since=7d").await.json();
    assert_eq!(found["total"].as_u64(), u64::try_from(expected).ok());
}

#[tokio::test]
async fn a_result_that_changes_opens_nothing_and_an_exemption_resolves() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    // A warning that became a failure three hours ago: one violation since three hundred.
    let warned = closed(cart, "stale-pull-policy", 300, 3);
    let exempted = Interval { ending: Ending::Exempted, ..closed(cart, "latest-tag", 400, 5) };
    cart.closed = vec![warned, exempted];
    for issue in &mut cart.issues {
        if issue.rule.id == "stale-pull-policy" {
            issue.first_seen = ago(3);
        } else {
            (issue.outcome, issue.first_seen) = (Outcome::Skip, ago(5));
        }
    }
    let console = open(facts);
    assert_eq!(listed(&console, "since=24h").await, ["resolved latest-tag exempted"]);
    assert_eq!(
        listed(&console, "since=14d").await,
        ["resolved latest-tag exempted", "opened stale-pull-policy"]
    );
}

/// The exemption that ended it is gone, and the workload is the same.
#[tokio::test]
async fn what_ended_a_violation_stays_what_becomes_of_it_later() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    for issue in &mut cart.issues {
        issue.first_seen = ago(2);
    }
    let ended = |rule, until, ending| Interval { ending, ..closed(cart, rule, 400, until) };
    cart.closed = vec![
        ended("stale-pull-policy", 5, Ending::Exempted),
        ended("latest-tag", 6, Ending::RuleOff),
        // An older version did not say.
        ended("floating-tag", 7, Ending::Resolved),
        ended("unclassified-tag", 8, Ending::Fixed),
    ];
    let console = open(facts);
    let expected = [
        "resolved stale-pull-policy exempted",
        "resolved latest-tag rule-off",
        "resolved floating-tag resolved",
        "resolved unclassified-tag fixed",
    ];
    assert_eq!(listed(&console, "since=24h&change=resolved").await, expected);
    let page = get(&console, "/changes?since=24h&change=resolved").await;
    for ending in ["exempted", "rule-off", "resolved", "fixed"] {
        page.assert_holds(&format!("\">{ending}</span></span>"));
    }
    let workload = get(&console, "/api/v1/workloads/shop/Deployment/cart").await.json();
    let endings: Vec<_> =
        workload["closed"].as_array().expect("intervals").iter().map(|one| one["ending"].as_str()).collect();
    assert_eq!(endings, [Some("exempted"), Some("rule-off"), Some("resolved"), Some("fixed")]);
}

/// What had ended before its workload left did not leave with it.
#[tokio::test]
async fn what_a_workload_that_left_had_resolved_keeps_its_ending() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    cart.closed = vec![Interval { ending: Ending::Exempted, ..closed(cart, "floating-tag", 400, 5) }];
    let left = tagwatch_console::DepartedWorkload::new(cart, ago(1));
    facts.workloads.retain(|workload| workload.name.raw() != "cart");
    facts.departures.workloads.push(Arc::new(left));
    let mut endings = listed(&open(facts), "since=24h").await;
    endings.sort();
    let expected =
        ["resolved floating-tag exempted", "resolved latest-tag gone", "resolved stale-pull-policy gone"];
    assert_eq!(endings, expected);
}

#[tokio::test]
async fn a_workload_that_left_is_named_without_a_link() {
    let mut facts = quiet();
    facts.departures.workloads.push(departed("shop", "toolbox", "busybox:latest", 30));
    let console = open(facts);
    assert_eq!(
        listed(&console, "since=1h").await,
        ["resolved latest-tag gone", "resolved stale-pull-policy gone"]
    );
    let page = get(&console, "/changes?since=1h").await;
    page.assert_holds("<bdi class=\"strong\">toolbox</bdi>");
    assert_eq!(page.count("href=\"/workloads/shop/Pod/toolbox\""), 0);
}

#[tokio::test]
async fn changes_of_hidden_namespaces_are_neither_shown_nor_counted() {
    let mut facts = demo();
    facts.departures.workloads.push(departed("payments-old", "ledger", "busybox:latest", 30));
    facts.departures.workloads.push(departed("shop", "toolbox", "busybox:latest", 30));
    facts.departures.forgotten = [("payments".into(), ago(1))].into();
    let console = guarded(facts, Arc::new(Tokens::new()));
    let shop = [("authorization", "Bearer shopkeeper-token")];
    let admin = [("authorization", "Bearer admin-token")];
    let changes = async |headers: &[(&str, &str)]| {
        get_with(&console, "/api/v1/changes?since=60d", headers).await.json()
    };
    let (seen, all) = (changes(&shop).await, changes(&admin).await);
    let rows = seen["changes"].as_array().expect("changes");
    assert!(rows.iter().all(|change| change["namespace"] == "shop"), "{rows:?}");
    assert_eq!(seen["total"].as_u64(), u64::try_from(rows.len()).ok());
    for field in ["opened", "resolved", "total"] {
        assert!(seen[field].as_u64() < all[field].as_u64(), "{field}");
    }
    let last = |record: &Value| record["days"][13]["open"].clone();
    let open = get_with(&console, "/api/v1/issues", &shop).await.json();
    assert_eq!(last(&seen), open["total"]);
    assert_ne!(last(&seen), last(&all));
    assert_eq!((&seen["known"]["forgotten"], all["known"]["forgotten"].is_string()), (&Value::Null, true));
    for path in
        ["/", "/changes?since=60d", "/changes?since=60d&namespace=payments", "/api/v1/changes?since=60d"]
    {
        let page = get_with(&console, path, &shop).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let shown =
            page.text.replace("namespace=payments", "").replace("<option selected>payments</option>", "");
        let shown = shown.replace("&#38;namespace&#61;payments", "");
        let shown = shown.replace("<title>What changed in the last 60 days: payments", "");
        for name in ["payments", "analytics", "psql-client", "ledger", "forgotten:"] {
            assert!(!shown.contains(name), "{path} shows {name}");
        }
    }
}

#[tokio::test]
async fn the_days_of_the_trend_add_up() {
    let console = open(demo());
    let record = get(&console, "/api/v1/changes").await.json();
    let days = record["days"].as_array().expect("days");
    let count = |day: &Value, field: &str| day[field].as_i64().expect("a number");
    for pair in days.windows(2) {
        let [before, day] = pair else { unreachable!("two days") };
        let expected = count(before, "open") + count(day, "opened") - count(day, "resolved");
        assert_eq!(count(day, "open"), expected, "{day}");
    }
    assert!(days.iter().map(|day| count(day, "opened")).sum::<i64>() > 3);
    assert!(days.iter().map(|day| count(day, "resolved")).sum::<i64>() > 2);
    let issues = get(&console, "/api/v1/issues").await.json();
    assert_eq!(days[13]["open"], issues["total"]);
    let of_one = get(&console, "/api/v1/changes?namespace=shop").await.json();
    let issues = get(&console, "/api/v1/issues?namespace=shop").await.json();
    assert_eq!(of_one["days"][13]["open"], issues["total"]);
}

#[tokio::test]
async fn the_severity_of_a_resolved_issue_is_its_own_or_unknown() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    // Not that of the rule: an override said another one.
    let known = Interval { severity: Some(Severity::Info), ..closed(cart, "floating-tag", 300, 20) };
    cart.closed = vec![known, closed(cart, "missing-tag", 300, 10)];
    let gone = workload(&mut facts, "report");
    gone.issues[0].severity = Severity::Info;
    let rule = gone.issues[0].rule.id;
    let departed = tagwatch_console::DepartedWorkload::new(gone, ago(5));
    facts.workloads.retain(|workload| workload.name.raw() != "report");
    facts.departures.workloads.push(Arc::new(departed));
    let console = open(facts);
    let record = get(&console, "/api/v1/changes?since=24h&change=resolved").await.json();
    let of = |rule: &str| {
        let found = record["changes"].as_array().expect("changes").iter();
        found.filter(|change| change["rule"] == rule).map(|change| change["severity"].clone()).next()
    };
    assert_eq!(of("floating-tag"), Some("info".into()));
    assert_eq!(of("missing-tag"), Some(Value::Null));
    assert_eq!(of(rule), Some("info".into()), "of a workload that left");
    let page = get(&console, "/changes?since=24h&change=resolved").await;
    page.assert_holds(
        "floating-tag</a> <span class=\"muted\">in <bdi>api</bdi></span><span class=\"muted\"> · info</span>",
    );
    page.assert_holds("missing-tag</a> <span class=\"muted\">in <bdi>api</bdi></span><span class=\"muted\"> · severity unknown</span>");
    let opened = get(&console, "/api/v1/changes?since=60d&change=opened,image").await.json();
    let opened = opened["changes"].as_array().expect("changes");
    assert!(opened.iter().any(|change| change["severity"].is_string()), "{opened:?}");
}

#[tokio::test]
async fn bounds_that_are_reached_are_said() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    cart.closed = (0..16).map(|at| closed(cart, "floating-tag", 100 - 2 * at, 99 - 2 * at)).collect();
    facts.departures.forgotten = [("shop".into(), ago(1))].into();
    let console = open(facts);
    let page = get(&console, "/changes?since=7d").await;
    page.assert_holds(
        "1 workload changed so often that older changes may be missing: a report keeps the last 16.",
    );
    page.assert_holds("some are forgotten: those until 2026-11-27 14:00 UTC may be missing");
    assert_eq!(get(&console, "/changes?since=2h").await.count("changed so often"), 0);

    let console = open(many(4_000));
    let page = get(&console, "/changes?since=60d&page=99").await;
    page.assert_holds("Page 20 of 20");
    page.assert_holds("Only the latest 1000 of ");
    let record = get(&console, "/api/v1/changes?since=60d").await.json();
    assert_eq!((&record["listed"], &record["pages"]), (&1_000.into(), &20.into()));
    assert!(record["total"].as_u64() > Some(3_000), "{}", record["total"]);
}

#[tokio::test]
async fn a_time_ahead_is_no_change() {
    let mut facts = quiet();
    let cart = workload(&mut facts, "cart");
    cart.closed = vec![closed(cart, "floating-tag", -10, -20), closed(cart, "missing-tag", 5, -20)];
    let console = open(facts);
    assert_eq!(listed(&console, "since=24h").await, ["opened missing-tag"]);
}

#[tokio::test]
async fn changes_are_narrowed_by_team_severity_rule_and_text() {
    let mut facts = demo();
    facts.departures.workloads =
        vec![departed("shop", "debug", "registry.example.com/shop/debug:latest", 30)];
    let console = open(facts);
    let all = get(&console, "/api/v1/changes?since=60d&per_page=100").await.json();
    let changes = all["changes"].as_array().expect("changes").clone();
    assert_eq!(all["pages"], 1, "{all}");
    let expected = |admits: &dyn Fn(&Value) -> bool| changes.iter().filter(|change| admits(change)).count();
    let text = |change: &Value, field: &str| change[field].as_str().unwrap_or_default().to_owned();
    let admits_cart =
        |change: &Value| ["name", "image", "from"].iter().any(|field| text(change, field).contains("cart"));
    for (query, count) in [
        ("team=storefront", expected(&|change| text(change, "namespace") == "shop")),
        ("team=money", expected(&|change| text(change, "namespace") == "payments")),
        ("severity=high", expected(&|change| text(change, "severity") == "high")),
        ("rule=latest-tag", expected(&|change| text(change, "rule") == "latest-tag")),
        ("q=CART", expected(&admits_cart)),
    ] {
        assert!(count > 0 && count < changes.len(), "{query}: {count}");
        let found = get(&console, &format!("/api/v1/changes?since=60d&{query}")).await.json();
        assert_eq!(found["total"], count, "{query}: {found}");
        // The trend is of the same selection: what is open now is what the table of issues says.
        let open = get(&console, &format!("/api/v1/issues?{query}")).await.json()["total"].clone();
        assert_eq!(found["days"][13]["open"], open, "{query}");
    }
    let page =
        get(&console, "/changes?since=60d&team=storefront&per_page=5&severity=high&rule=latest-tag&q=a")
            .await;
    for part in [
        "<option selected>storefront</option>",
        "<option selected>high</option>",
        "<option selected>latest-tag</option>",
        "<option selected>5</option>",
        "name=\"q\" value=\"a\"",
        "href=\"/changes?since=7d&#38;team=storefront&#38;severity=high&#38;rule=latest-tag&#38;q=a&#38;per_page=5\"",
    ] {
        page.assert_holds(part);
    }
}

/// A workload that left still has the team of its namespace.
#[tokio::test]
async fn a_workload_that_left_keeps_its_team() {
    let mut facts = quiet();
    let mut gone = (*departed("shop", "debug", "registry.example.com/shop/debug:latest", 30)).clone();
    gone.team = Some("storefront".into());
    facts.departures.workloads = vec![Arc::new(gone)];
    let console = open(facts);
    let (all, of_team) =
        (counts(&console, "since=1h").await, counts(&console, "since=1h&team=storefront").await);
    assert!(all.1 > 0);
    assert_eq!(all, of_team);
    assert_eq!(counts(&console, "since=1h&team=(none)").await, (0, 0, 0));
}
