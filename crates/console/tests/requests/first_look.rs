//! What the first look at a cluster finds, and what counts as opened beside it.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use tagwatch_console::{Facts, Workload};
use tagwatch_core::issue::ImageChange;

use super::changes::{ago, counts, quiet, workload};
use super::support::{get, open};
use crate::fixture::now;

#[tokio::test]
async fn what_the_first_look_found_did_not_open_then() {
    let mut facts = quiet();
    for workload in &mut facts.workloads {
        first_checked(Arc::make_mut(workload), ago(50) + 3.minutes());
    }
    workload(&mut facts, "storefront").known_since = Some(ago(50));
    let open_issues = facts.workloads.iter().map(|workload| workload.open().count()).sum::<usize>();
    workload(&mut facts, "cart").issues[0].first_seen = ago(2);
    facts.departures.since = Some(ago(10));
    let console = open(facts);
    assert_eq!(counts(&console, "since=7d").await, (1, 0, 0));
    let page = get(&console, "/changes?since=7d").await;
    page.assert_holds(
        "tagwatch first looked at this cluster at 2026-11-25 13:00 UTC. Nothing before is known.",
    );
    page.assert_holds(&format!("{} issues found at the first look, not counted as opened", open_issues - 1));
    page.assert_holds("tagwatch was started at 2026-11-27 05:00 UTC. Earlier history is from reports");
    let days = get(&console, "/api/v1/changes").await.json()["days"].clone();
    let days = days.as_array().expect("days");
    assert_eq!(days.len(), 14);
    for day in &days[..11] {
        assert_eq!(day["open"], Value::Null, "{day} is before the first look");
    }
    let shown: Vec<(&str, Option<u64>, Option<u64>)> = days[11..]
        .iter()
        .map(|day| (day["day"].as_str().expect("a day"), day["opened"].as_u64(), day["open"].as_u64()))
        .collect();
    let all = u64::try_from(open_issues).ok();
    let before = u64::try_from(open_issues - 1).ok();
    assert_eq!(
        shown,
        [("2026-11-25", Some(0), before), ("2026-11-26", Some(0), before), ("2026-11-27", Some(1), all)]
    );
    page.assert_holds("<time datetime=\"2026-11-24\">2026-11-24</time></td><td role=\"cell\" class=\"number muted\">not known</td>");
    page.assert_holds("<rect class=\"unknown\"");
}

/// All that is known of a workload was found at this time.
fn first_checked(workload: &mut Workload, at: Timestamp) {
    workload.known_since = Some(at);
    workload.issues.iter_mut().for_each(|issue| issue.first_seen = at);
}

/// tagwatch was started for the first time ten minutes ago, and had checked everything five seconds later.
fn started() -> Facts {
    let mut facts = quiet();
    let start = now() - 10.minutes();
    facts.workloads.retain(|workload| workload.name.raw() != "storefront");
    for workload in &mut facts.workloads {
        first_checked(Arc::make_mut(workload), start + 3.seconds());
    }
    facts.departures.since = Some(start);
    facts.first_evaluated = Some(start + 5.seconds());
    facts
}

/// Issues that opened, and issues of the first look.
async fn opened(facts: &Facts) -> (u64, u64) {
    let found = get(&open(facts.clone()), "/api/v1/changes?since=24h").await.json();
    let count = |value: &Value| value.as_u64().expect("a number");
    let opened = found["days"].as_array().expect("days").iter().filter_map(|day| day["opened"].as_u64());
    assert_eq!(count(&found["opened"]), opened.sum::<u64>(), "the trend counts the same");
    (count(&found["opened"]), count(&found["known"]["firstLook"]))
}

#[tokio::test]
async fn what_began_after_the_first_look_opened_at_once() {
    let open_issues = |facts: &Facts, name: &str| {
        let workload = facts.workloads.iter().find(|workload| workload.name.raw() == name);
        u64::try_from(workload.expect("a workload").open().count()).expect("a small number")
    };
    let facts = started();
    let (cart, report) = (open_issues(&facts, "cart"), open_issues(&facts, "report"));
    assert_eq!(opened(&facts).await, (0, cart + report), "all of it was there");

    // The rest of the first look is known to be over, not waited for.
    let mut later = started();
    first_checked(workload(&mut later, "report"), now() - 9.minutes());
    assert_eq!(opened(&later).await, (report, cart));
    later.first_evaluated = None;
    assert_eq!(opened(&later).await, (0, cart + report), "the first look goes on");

    // Created while it went on, as the API server says.
    let mut created = started();
    workload(&mut created, "cart").created = Some(ago(24 * 400));
    workload(&mut created, "report").created = Some(now() - 10.minutes() + 1.second());
    assert_eq!(opened(&created).await, (report, cart));
    let departed = tagwatch_console::DepartedWorkload::new(workload(&mut created, "report"), now());
    created.workloads.retain(|workload| workload.name.raw() != "report");
    created.departures.workloads.push(Arc::new(departed));
    assert_eq!(opened(&created).await, (report, cart), "also once it is gone");

    // A container named another image, which tagwatch recorded.
    let mut released = started();
    let at = now() - 10.minutes() + 3.seconds();
    let (from, to) = ("report:1".into(), "report:nightly".into());
    let change = ImageChange { container: "report".into(), from, to, at };
    workload(&mut released, "report").image_changes.push(change);
    assert_eq!(opened(&released).await, (report, cart));

    // It was checked before, and this was not found.
    let mut edited = started();
    workload(&mut edited, "cart").issues[0].first_seen = at + 1.second();
    assert_eq!(opened(&edited).await, (1, cart + report - 1));
}

#[tokio::test]
async fn after_a_restart_a_first_look_took_a_quarter_of_an_hour_at_most() {
    let mut facts = started();
    (facts.departures.since, facts.first_evaluated) = (Some(now() - 2.minutes()), Some(now() - 1.minute()));
    let (_, all) = opened(&facts).await;
    assert!(all > 0, "they were found within it");
    workload(&mut facts, "cart").created = Some(now() - 9.minutes());
    let (newer, found) = opened(&facts).await;
    assert!(newer > 0 && newer + found == all, "{newer} {found}");
    facts.workloads.iter_mut().for_each(|workload| first_checked(Arc::make_mut(workload), ago(1)));
    workload(&mut facts, "cart").created = None;
    first_checked(workload(&mut facts, "report"), ago(1) + 16.minutes());
    let (newer, found) = opened(&facts).await;
    assert!(newer > 0 && found > 0 && newer + found == all, "{newer} {found}");
}
