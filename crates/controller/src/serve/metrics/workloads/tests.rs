use k8s_openapi::jiff::civil::Date;
use tagwatch_core::issue::Status;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::rules;
use tagwatch_core::workload::Namespace;

use super::*;

fn violation(rule: &str, severity: Severity, outcome: Outcome) -> IssueClass {
    let mut rules = rules::all();
    let rule = rules.find(|meta| meta.id == rule).unwrap_or_else(|| panic!("no rule {rule}"));
    IssueClass { rule, severity, outcome }
}

fn state(violations: &[(IssueClass, i64)]) -> WorkloadState {
    let group = |&(class, since): &(IssueClass, i64)| IssueGroup { class, containers: 1, since };
    WorkloadState {
        status: Status::Violating,
        issues: violations.iter().map(group).collect(),
        ..WorkloadState::failed()
    }
}

/// Namespace, name, and the violations with their start.
type Workload<'a> = (&'a str, &'a str, &'a [(IssueClass, i64)]);

fn series(cap: usize, workloads: &[Workload<'_>]) -> String {
    let mut states = WorkloadStates::default();
    for ((namespace, name, violations), uid) in workloads.iter().zip(0..) {
        let key = WorkloadKey::new("apps/v1", "Deployment", *namespace, *name, uid.to_string());
        states.insert(&key, state(violations));
    }
    let mut text = String::new();
    let engine = EngineHandle::new(Policy::of(Profile::Recommended), Date::default());
    WorkloadSeries::new(Arc::new(Mutex::new(states)), Arc::new(engine), cap).write(&mut text);
    text
}

/// The lines of the counts, violations first, without their metric's name.
fn counts(text: &str) -> Vec<&str> {
    let of = |metric| text.lines().filter_map(move |line| line.strip_prefix(metric));
    of("tagwatch_workload_violations").chain(of("tagwatch_workload_warnings")).collect()
}

/// Series shown, and series over the cap.
fn usage(text: &str) -> [&str; 2] {
    ["tagwatch_metrics_series ", "tagwatch_metrics_series_over_cap "]
        .map(|name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap())
}

fn critical() -> IssueClass {
    violation("stale-pull-policy", Severity::Critical, Outcome::Fail)
}

fn high() -> IssueClass {
    violation("latest-tag", Severity::High, Outcome::Fail)
}

fn warning() -> IssueClass {
    violation("floating-tag", Severity::Medium, Outcome::Warn)
}

#[test]
fn a_finding_is_two_series_with_the_same_labels() {
    let text = series(10, &[("shop", "cart", &[(critical(), 1_700)])]);
    let labels = "{namespace=\"shop\",kind=\"Deployment\",workload=\"cart\",rule=\"stale-pull-policy\",\
                  severity=\"critical\",result=\"fail\"}";
    assert!(text.contains(&format!("\ntagwatch_workload_violations{labels} 1\n")), "{text}");
    let start = format!("\ntagwatch_workload_violation_start_time_seconds{labels} 1700\n");
    assert!(text.contains(&start), "{text}");
    assert_eq!(usage(&text), ["2", "0"]);
    assert!(text.contains("\ntagwatch_metrics_series_cap 10\n"), "{text}");
}

#[test]
fn a_warning_is_no_violation_and_has_no_result() {
    let text = series(10, &[("shop", "cart", &[(warning(), 1_700), (high(), 9)])]);
    let labels = "{namespace=\"shop\",kind=\"Deployment\",workload=\"cart\",rule=\"floating-tag\",severity=\"medium\"}";
    assert!(text.contains(&format!("\ntagwatch_workload_warnings{labels} 1\n")), "{text}");
    assert!(
        text.contains(&format!("\ntagwatch_workload_warning_start_time_seconds{labels} 1700\n")),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("tagwatch_workload_violations{")).count(), 1);
    assert_eq!(usage(&text), ["4", "0"]);
}

/// It is in the report as a skip, and no finding.
#[test]
fn what_is_exempt_has_no_series() {
    let text =
        series(10, &[("shop", "cart", &[(violation("latest-tag", Severity::High, Outcome::Skip), 1)])]);
    assert_eq!(counts(&text), [""; 0]);
}

#[test]
fn names_that_would_break_the_format_are_escaped() {
    let text = series(10, &[("shop", "a\"} 1\n\\\u{1b}", &[(critical(), 0)])]);
    assert!(counts(&text)[0].contains(r#"workload="a\"} 1\\u{a}\\u{5c}\\u{1b}""#), "{text}");
    assert_eq!(counts(&text).len(), 1);
}

/// One was deleted, one created under its name, and the first is not forgotten yet.
#[test]
fn two_objects_of_one_name_are_one_series() {
    let text = series(10, &[("shop", "cart", &[(high(), 9)]), ("shop", "cart", &[(high(), 5)])]);
    assert_eq!(counts(&text).len(), 1);
    assert!(counts(&text)[0].ends_with("} 2"), "{text}");
    assert!(text.contains("result=\"fail\"} 5\n"), "{text}");
}

#[test]
fn over_the_cap_the_worst_and_oldest_stay_and_the_rest_is_summed_up() {
    let workloads: [Workload<'_>; 6] = [
        ("shop", "a-warned", &[(warning(), 1)]),
        ("shop", "b-young", &[(high(), 300)]),
        ("shop", "c-old", &[(high(), 200)]),
        ("shop", "d-critical", &[(critical(), 400)]),
        ("shop", "e-younger", &[(high(), 301)]),
        ("shop", "f-warned", &[(warning(), 2)]),
    ];
    let text = series(8, &workloads);
    let shown = counts(&text);
    // Room for four findings: two of their own, and a sum for each rule of the rest.
    assert_eq!(shown.len(), 4, "{text}");
    for (line, part) in shown.iter().zip([
        "workload=\"c-old\"",
        "workload=\"d-critical\"",
        "workload=\"_other\",rule=\"latest-tag\"",
        "workload=\"_other\",rule=\"floating-tag\"",
    ]) {
        assert!(line.contains(part), "{text}");
    }
    assert!(shown[2].ends_with("} 2") && shown[3].ends_with("} 2"), "{text}");
    assert!(
        text.contains("rule=\"latest-tag\",severity=\"high\",result=\"fail\"} 300\n"),
        "the oldest: {text}"
    );
    assert_eq!(usage(&text), ["8", "8"]);
}

/// Its series would be one all the same.
#[test]
fn what_would_be_alone_in_a_sum_is_named() {
    let workloads: [Workload<'_>; 4] = [
        ("shop", "a", &[(high(), 1)]),
        ("shop", "b", &[(high(), 2)]),
        ("shop", "c", &[(high(), 3)]),
        ("shop", "d", &[(warning(), 4)]),
    ];
    let text = series(6, &workloads);
    let shown = counts(&text);
    assert_eq!(shown.len(), 3, "{text}");
    assert!(shown[0].contains("workload=\"a\"") && shown[2].contains("workload=\"d\""), "{text}");
    assert!(shown[1].contains("workload=\"_other\"") && shown[1].ends_with("} 2"), "{text}");
    assert_eq!(usage(&text), ["6", "4"]);
}

/// One workload in each of many namespaces, with four findings: no two of a namespace and rule.
#[test]
fn where_sums_by_namespace_do_not_fit_they_are_by_rule_alone() {
    let findings = [
        (critical(), 9),
        (high(), 8),
        (violation("floating-tag", Severity::Medium, Outcome::Fail), 7),
        (violation("invalid-image-reference", Severity::High, Outcome::Error), 6),
    ];
    let names: Vec<String> = (0..1_500).map(|number| format!("n{number:04}")).collect();
    let workloads: Vec<Workload<'_>> =
        names.iter().map(|name| (name.as_str(), "web", findings.as_slice())).collect();
    let text = series(10_000, &workloads);
    let shown = counts(&text);
    // All that fail, then as many errors as there is room for beside their sum.
    assert_eq!(shown.len(), 5_000);
    assert_eq!(usage(&text), ["10000", "2002"]);
    let shown_of = |rule: &str| {
        shown.iter().filter(|line| line.contains(rule) && line.contains("workload=\"web\"")).count()
    };
    let rules = ["stale-pull-policy", "latest-tag", "floating-tag", "invalid-image-reference"];
    assert_eq!(rules.map(shown_of), [1_500, 1_500, 1_500, 499]);
    let sums: Vec<&&str> = shown.iter().filter(|line| line.contains("_other")).collect();
    assert_eq!(sums.len(), 1, "{sums:?}");
}

/// Below the room, and yet they would leave none for a name.
#[test]
fn sums_by_namespace_take_half_of_the_room_at_most() {
    let names: Vec<String> = (0..40).map(|number| format!("n{number:02}")).collect();
    let findings = [(critical(), 7)];
    let workloads: Vec<Workload<'_>> = names
        .iter()
        .flat_map(|name| ["a", "b", "c"].map(|workload| (name.as_str(), workload, findings.as_slice())))
        .collect();
    let shown_at = |cap| {
        let text = series(cap, &workloads);
        let shown = counts(&text);
        assert!(shown.len() * SERIES_PER_FINDING <= cap, "{text}");
        let sums = shown.iter().filter(|line| line.contains("workload=\"_other\"")).count();
        let coarse = shown.iter().filter(|line| line.contains("namespace=\"_other\"")).count();
        [shown.len() - sums, sums, coarse]
    };
    assert_eq!(shown_at(84), [41, 1, 1]);
    assert_eq!(shown_at(160), [60, 20, 0]);
    assert_eq!(shown_at(240), [120, 0, 0]);
}

/// What one namespace is labelled with says nothing of a sum over all.
#[test]
fn a_sum_over_all_namespaces_has_no_label_of_one() {
    let key = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "1");
    let labels = [("team".to_owned(), "red".to_owned())].into();
    let namespace = Some(Arc::new(Namespace { labels, ..Namespace::default() }));
    let state = WorkloadState { namespace, ..state(&[(high(), 7)]) };
    let finding = WorkloadIssues { key: &key, state: &state, group: state.issues[0] };
    for (of_namespace, team) in [(Some("shop"), "red"), (None, "")] {
        let further = ["team".to_owned()];
        let mut series = Series::new(&further, 1);
        series.other(of_namespace, &finding);
        let namespace = of_namespace.unwrap_or("_other");
        assert!(series.labels.starts_with(&format!("namespace=\"{namespace}\",kind=\"_other\",")));
        assert!(series.labels.ends_with(&format!("label_team=\"{team}\",")), "{}", series.labels);
    }
}

#[test]
fn what_is_shown_does_not_hang_on_the_order_in_which_it_came() {
    let names: Vec<String> = (0..50).map(|number| format!("w{number:02}")).collect();
    let findings = [(high(), 7)];
    let mut workloads: Vec<Workload<'_>> =
        names.iter().map(|name| ("shop", name.as_str(), findings.as_slice())).collect();
    let forward = series(20, &workloads);
    workloads.reverse();
    assert_eq!(series(20, &workloads), forward);
    assert_eq!(counts(&forward).len(), 10);
    assert!(counts(&forward)[8].contains("w08"), "{forward}");
}

#[test]
fn without_room_everything_is_summed_up() {
    let text = series(0, &[("mail", "a", &[(high(), 7)]), ("shop", "b", &[(high(), 8), (critical(), 9)])]);
    assert_eq!(counts(&text).len(), 2);
    let all = "{namespace=\"_other\",kind=\"_other\",workload=\"_other\"";
    assert!(counts(&text).iter().all(|line| line.starts_with(all)), "{text}");
    assert!(text.contains("rule=\"latest-tag\",severity=\"high\",result=\"fail\"} 7\n"), "{text}");
    assert_eq!(usage(&text), ["4", "6"]);
}
