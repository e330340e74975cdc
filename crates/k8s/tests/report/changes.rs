//! What opened and what was resolved between two reports.

use tagwatch_core::finding::Finding;
use tagwatch_core::outcome::Outcome;
use tagwatch_k8s::report::{FirstSeen, IssueChanges, PolicyReport};

use crate::support::{MONDAY, at, finding, report_of};

/// Rules that opened, and rules that were resolved with whether they are exempt now.
fn told(before: &PolicyReport, after: &PolicyReport) -> (Vec<String>, Vec<(String, bool)>) {
    let before = FirstSeen::of(before);
    let IssueChanges { opened, resolved } = IssueChanges::between(&before, after);
    let rule = |result: &tagwatch_k8s::report::ReportResult| result.rule.clone().unwrap().into_owned();
    (
        opened.iter().map(|(_, result)| rule(result)).collect(),
        resolved.iter().map(|resolved| (resolved.rule.to_owned(), resolved.is_exempt)).collect(),
    )
}

fn report(findings: &[(&'static str, Outcome)]) -> PolicyReport {
    let findings: Vec<Finding> = findings.iter().map(|(rule, outcome)| finding(rule, *outcome)).collect();
    report_of("nginx:latest", findings)
}

fn named(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn each_violation_opens_once() {
    let nothing = PolicyReport::default();
    let first = report(&[("latest-tag", Outcome::Fail), ("stale-pull-policy", Outcome::Warn)]);
    assert_eq!(told(&nothing, &first), (named(&["latest-tag", "stale-pull-policy"]), Vec::new()));
    assert_eq!(told(&first, &first), (Vec::new(), Vec::new()));
    let fine = report(&[("floating-tag", Outcome::Pass), ("stale-pull-policy", Outcome::Skip)]);
    assert_eq!(told(&nothing, &fine), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_gone_is_resolved_and_what_is_exempt_says_so() {
    let before = report(&[("latest-tag", Outcome::Fail), ("stale-pull-policy", Outcome::Fail)]);
    let after = report(&[("floating-tag", Outcome::Pass), ("stale-pull-policy", Outcome::Skip)]);
    let (opened, mut resolved) = told(&before, &after);
    resolved.sort();
    assert_eq!(opened, Vec::<String>::new());
    assert_eq!(resolved, [("latest-tag".to_owned(), false), ("stale-pull-policy".to_owned(), true)]);
    let seen = FirstSeen::of(&before);
    let resolved = IssueChanges::between(&seen, &after).resolved;
    assert!(resolved.iter().all(|resolved| resolved.container == "web" && resolved.since == at(MONDAY)));
}

#[test]
fn a_warning_that_becomes_a_failure_opens_and_is_not_over() {
    let before = report(&[("latest-tag", Outcome::Warn)]);
    let after = report(&[("latest-tag", Outcome::Fail)]);
    assert_eq!(told(&before, &after), (named(&["latest-tag"]), Vec::new()));
}

#[test]
fn nothing_is_over_in_a_report_in_which_results_were_left_out() {
    let before = report(&[("latest-tag", Outcome::Fail)]);
    let mut after = report(&[("stale-pull-policy", Outcome::Fail)]);
    assert_eq!(told(&before, &after).1.len(), 1);
    let last = after.results.as_mut().unwrap().last_mut().unwrap();
    last.properties.as_mut().unwrap().insert("omittedResults".into(), "7".to_owned());
    assert_eq!(told(&before, &after).1, []);
}
