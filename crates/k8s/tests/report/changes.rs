//! What opened and what was resolved between two evaluations.

use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::workload::Workload;
use tagwatch_k8s::report::{BuiltReport, FirstSeen, History, IssueChanges, ReportInput, build};

use crate::support::{
    INSTANCE, MONDAY, TUESDAY, UID, at, container, finding, issues, report_at, verdict, workload,
};

type Findings<'a> = &'a [(&'static str, Outcome)];

/// A workload with these containers, each with these findings.
fn evaluated(containers: usize, findings: Findings<'_>) -> (Workload, Vec<Verdict>) {
    let names = (0..containers).map(|index| if index == 0 { "web".to_owned() } else { format!("c{index}") });
    let workload = workload(names.map(|name| container(&name, "nginx:latest")).collect());
    let findings: Vec<Finding> = findings.iter().map(|(rule, outcome)| finding(rule, *outcome)).collect();
    let verdicts = (0..containers).map(|index| verdict(&workload, index, findings.clone())).collect();
    (workload, verdicts)
}

fn seen(findings: Findings<'_>) -> FirstSeen {
    let (workload, verdicts) = evaluated(1, findings);
    FirstSeen::of(&report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY))
}

/// Compares what was seen on Monday with the findings of Tuesday.
fn with_changes<T>(
    before: &FirstSeen,
    containers: usize,
    after: Findings<'_>,
    look: impl FnOnce(&IssueChanges<'_>) -> T,
) -> T {
    let (workload, verdicts) = evaluated(containers, after);
    of_tuesday(before, &workload, &verdicts, look)
}

/// The changes of an evaluation on Tuesday.
fn of_tuesday<T>(
    before: &FirstSeen,
    workload: &Workload,
    verdicts: &[Verdict],
    look: impl FnOnce(&IssueChanges<'_>) -> T,
) -> T {
    let input = ReportInput {
        workload,
        instance: INSTANCE,
        uid: UID,
        issues: &issues(workload, UID, verdicts, before, TUESDAY),
        policy: &Policy::of(Profile::Recommended),
        namespace_labels: &[],
        first_seen: before,
        history: &History::default(),
        image_changes: &[],
        now: at(TUESDAY),
    };
    let BuiltReport { issues, .. } = build(&input);
    look(&IssueChanges::between(before, &issues))
}

/// Rules that opened, and rules that were resolved with whether they are exempt now.
fn rules_of_changes(before: Findings<'_>, after: Findings<'_>) -> (Vec<String>, Vec<(String, bool)>) {
    with_changes(&seen(before), 1, after, |IssueChanges { opened, resolved }| {
        let resolved = resolved.iter().map(|resolved| (resolved.rule.to_owned(), resolved.is_exempt));
        (opened.iter().map(|issue| issue.rule.id.to_owned()).collect(), resolved.collect())
    })
}

fn named(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn each_violation_opens_once() {
    let first = [("latest-tag", Outcome::Fail), ("stale-pull-policy", Outcome::Warn)];
    assert_eq!(rules_of_changes(&[], &first), (named(&["latest-tag", "stale-pull-policy"]), Vec::new()));
    assert_eq!(rules_of_changes(&first, &first), (Vec::new(), Vec::new()));
    let fine = [("floating-tag", Outcome::Pass), ("stale-pull-policy", Outcome::Skip)];
    assert_eq!(rules_of_changes(&[], &fine), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_gone_is_resolved_and_what_is_exempt_says_so() {
    let before = [("latest-tag", Outcome::Fail), ("stale-pull-policy", Outcome::Fail)];
    let after = [("floating-tag", Outcome::Pass), ("stale-pull-policy", Outcome::Skip)];
    let (opened, mut resolved) = rules_of_changes(&before, &after);
    resolved.sort();
    assert_eq!(opened, Vec::<String>::new());
    assert_eq!(resolved, [("latest-tag".to_owned(), false), ("stale-pull-policy".to_owned(), true)]);
    with_changes(&seen(&before), 1, &after, |IssueChanges { resolved, .. }| {
        assert!(resolved.iter().all(|resolved| resolved.container == "web" && resolved.since == at(MONDAY)));
    });
}

#[test]
fn a_warning_that_becomes_a_failure_does_not_open_and_is_not_over() {
    let (before, after) = ([("latest-tag", Outcome::Warn)], [("latest-tag", Outcome::Fail)]);
    assert_eq!(rules_of_changes(&before, &after), (Vec::new(), Vec::new()));
    assert_eq!(rules_of_changes(&after, &before), (Vec::new(), Vec::new()));
}

/// Pods run a second image under the name of a container: the first one has another key then.
#[test]
fn an_image_beside_another_one_opens_alone() {
    let before = seen(&[("latest-tag", Outcome::Fail)]);
    let workload = workload(["nginx:latest", "nginx:main"].map(|image| container("web", image)).into());
    let findings = || vec![finding("latest-tag", Outcome::Fail)];
    let verdicts: Vec<Verdict> = (0..2).map(|index| verdict(&workload, index, findings())).collect();
    of_tuesday(&before, &workload, &verdicts, |IssueChanges { opened, resolved }| {
        let images: Vec<_> = opened.iter().map(|issue| issue.image.raw()).collect();
        assert_eq!((images, resolved.len()), (vec!["nginx:main"], 0));
    });
}

#[test]
fn nothing_is_over_in_a_report_in_which_results_were_left_out() {
    let before = seen(&[("latest-tag", Outcome::Fail)]);
    let after = [("stale-pull-policy", Outcome::Fail)];
    let resolved = |containers| with_changes(&before, containers, &after, |changes| changes.resolved.len());
    assert_eq!((resolved(1), resolved(500)), (1, 1));
    assert_eq!(resolved(501), 0);
    let opened = |containers| with_changes(&before, containers, &after, |changes| changes.opened.len());
    assert_eq!(opened(501), 500, "those in the report");
}
