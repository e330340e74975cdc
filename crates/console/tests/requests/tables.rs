//! The tables and filter forms of the pages.

use std::sync::Arc;

use serde_json::Value;
use tagwatch_core::issue::Issue;
use tagwatch_core::outcome::Outcome;

use super::support::{get, open};
use crate::fixture::{demo, empty, green, three};

#[tokio::test]
async fn the_form_keeps_values_from_a_link() {
    let console = open(demo());
    let page = get(&console, "/issues?rule=latest-tag&rule=floating-tag&namespace=gone").await;
    page.assert_holds("<option value=\"latest-tag,floating-tag\" selected>2 chosen</option>");
    page.assert_holds("<option selected>gone</option>");
    let (two, sent) = ("rule=latest-tag&rule=floating-tag", "rule=latest-tag,floating-tag&q=");
    let total =
        async |query: &str| get(&console, &format!("/api/v1/issues?{query}")).await.json()["total"].clone();
    assert_eq!(total(two).await, total(sent).await);
    assert_ne!(total(two).await, total("rule=floating-tag").await);
}

#[tokio::test]
async fn an_empty_table_says_why() {
    const CLEAN: &str = "Nothing that was checked has a finding.";
    get(&open(green()), "/issues").await.assert_holds(CLEAN);
    for (facts, path, why) in [
        (
            three(),
            "/issues?exempt=yes",
            "None is as the filter wants it. <a href=\"/issues\">Show all 3</a>.",
        ),
        (green(), "/issues?severity=high", "None is as the filter wants it."),
        (empty(), "/issues", "Issues show here once tagwatch has read the cluster"),
        (empty(), "/namespaces", "Nothing has been checked yet."),
    ] {
        let page = get(&open(facts), path).await;
        page.assert_holds(why);
        assert_eq!(page.count(CLEAN), 0, "{path}");
    }
}

#[tokio::test]
async fn a_rule_enabled_only_by_an_override_counts() {
    let before = get(&open(demo()), "/api/v1/overview").await.json();
    let mut facts = demo();
    let state = facts.rules.iter_mut().find(|state| state.rule.id == "latest-tag").expect("the rule");
    state.enabled = false;
    let console = open(facts);
    let after = get(&console, "/api/v1/overview").await.json();
    for count in ["rulesEnabled", "rulesViolated"] {
        assert_eq!(after[count], before[count], "{count}");
    }
    let page = get(&console, "/").await;
    page.assert_holds("aria-label=\"latest-tag: ");
    assert_eq!(get(&console, "/rules?state=off").await.count("href=\"/rules/latest-tag\""), 0);
}

#[tokio::test]
async fn rules_with_warnings_alone_are_not_violated() {
    let mut facts = demo();
    let findings = |rule: &'static str| move |issue: &&mut Issue| issue.is_open() && issue.rule.id == rule;
    for workload in &mut facts.workloads {
        let issues = &mut Arc::make_mut(workload).issues;
        issues.iter_mut().filter(findings("latest-tag")).for_each(|issue| issue.outcome = Outcome::Warn);
    }
    let before = get(&open(demo()), "/api/v1/overview").await.json();
    let console = open(facts);
    let after = get(&console, "/api/v1/overview").await.json();
    let count = |overview: &Value| overview["rulesViolated"].as_u64().expect("a number");
    assert_eq!(count(&after) + 1, count(&before));
    let page = get(&console, "/").await;
    page.assert_holds(&format!("in violation: {} rules", count(&after)));
}

#[tokio::test]
async fn one_is_singular_for_readers_too() {
    let mut facts = three();
    facts.workloads.retain(|workload| workload.name.raw() == "cart");
    Arc::make_mut(&mut facts.workloads[0]).issues.retain(|issue| issue.rule.id == "latest-tag");
    let console = open(facts);
    let page = get(&console, "/").await;
    for text in
        [": 1 violation, 100 %", "in violation: 1 rule, ", ">violation</text>", "</strong> workload without"]
    {
        page.assert_holds(text);
    }
    for text in [" 1 violations", " 1 rules", ">violations</text>", "</strong> workloads without"] {
        assert_eq!(page.count(text), 0, "{text}");
    }
    get(&console, "/images").await.assert_holds("1<span class=\"visually-hidden\"> workload</span>");
}

#[tokio::test]
async fn workloads_of_a_rule_are_oldest_first_and_count_only_that_rule() {
    let console = open(demo());
    let page = get(&console, "/rules/latest-tag").await;
    let (_, table) = page.text.split_once("Workloads with findings of this rule").expect("the table");
    let (table, _) = table.split_once("</table>").expect("its end");
    let since: Vec<&str> =
        table.split("datetime=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(since.len() >= 3 && since.is_sorted(), "{since:?}");
    let issues = get(&console, "/api/v1/issues?rule=latest-tag").await.json();
    let counted = table.matches("class=\"count sev ").count();
    assert!(
        counted <= issues["issues"].as_array().expect("issues").len(),
        "other rules are counted:\n{table}"
    );
}

#[tokio::test]
async fn aria_sort_matches_the_order() {
    let console = open(demo());
    for (sort, order) in
        [("age", "descending"), ("-age", "ascending"), ("rule", "ascending"), ("severity", "descending")]
    {
        let page = get(&console, &format!("/issues?sort={sort}")).await;
        page.assert_holds(&format!("aria-sort=\"{order}\""));
        assert_eq!(page.count("aria-sort="), 1, "{sort}");
    }
}
