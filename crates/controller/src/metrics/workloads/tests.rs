use k8s_openapi::jiff::civil::Date;
use tagwatch_core::policy::{Policy, Profile};

use super::*;
use crate::live::{Judged, Past, Status};

fn violation(rule: &'static str, severity: &'static str, result: &'static str) -> Violation {
    Violation { policy: "image-tag", rule, severity, result }
}

fn judged(violations: &[(Violation, i64)]) -> Judged {
    let violations = violations.iter().cloned();
    Judged {
        report: ("shop".to_owned(), "report".to_owned()),
        status: Status::Violating,
        violations: violations.map(|(one, since)| (one, Extent { containers: 1, since })).collect(),
        passes: 0,
        exempting: None,
        images: Box::default(),
        namespace: None,
        past: Past::default(),
        shown: None,
    }
}

/// Namespace, name, and the violations with their start.
type Workload<'a> = (&'a str, &'a str, &'a [(Violation, i64)]);

fn series(cap: usize, workloads: &[Workload<'_>]) -> String {
    let mut live = LiveVerdicts::default();
    for ((namespace, name, violations), uid) in workloads.iter().zip(0..) {
        let key = WorkloadKey::new("apps/v1", "Deployment", *namespace, *name, uid.to_string());
        live.insert(key, judged(violations));
    }
    let mut text = String::new();
    let judging = Judging::new(Policy::of(Profile::Recommended), Date::default());
    WorkloadSeries::new(Arc::new(Mutex::new(live)), Arc::new(judging), cap).write(&mut text);
    text
}

/// The lines of the counts, without their metric's name.
fn counts(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("tagwatch_workload_violations")).collect()
}

/// Series shown, and series over the cap.
fn usage(text: &str) -> [&str; 2] {
    ["tagwatch_metrics_series ", "tagwatch_metrics_series_over_cap "]
        .map(|name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap())
}

fn critical() -> Violation {
    violation("stale-pull-policy", "critical", "fail")
}

fn high() -> Violation {
    violation("latest-tag", "high", "fail")
}

fn warning() -> Violation {
    violation("floating-tag", "medium", "warn")
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

/// It is in the report as a skip, and no violation.
#[test]
fn what_is_exempt_has_no_series() {
    let text = series(10, &[("shop", "cart", &[(violation("latest-tag", "high", "skip"), 1)])]);
    assert_eq!(counts(&text), [""; 0]);
}

#[test]
fn names_that_would_break_the_format_are_escaped() {
    let text = series(10, &[("shop", "a\"} 1\n\\\u{1b}", &[(critical(), 0)])]);
    assert!(counts(&text)[0].contains(r#"workload="a\"} 1\\u{a}\\\\u{1b}""#), "{text}");
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
    let workloads: [Workload<'_>; 5] = [
        ("shop", "a-warned", &[(warning(), 1)]),
        ("shop", "b-young", &[(high(), 300)]),
        ("shop", "c-old", &[(high(), 200)]),
        ("shop", "d-critical", &[(critical(), 400)]),
        ("shop", "e-younger", &[(high(), 301)]),
    ];
    let text = series(8, &workloads);
    let shown = counts(&text);
    // Room for four findings: two of their own, and a sum for each rule of the rest.
    assert_eq!(shown.len(), 4, "{text}");
    for (line, part) in shown.iter().zip([
        "workload=\"c-old\"",
        "workload=\"d-critical\"",
        "workload=\"_other\",rule=\"floating-tag\"",
        "workload=\"_other\",rule=\"latest-tag\"",
    ]) {
        assert!(line.contains(part), "{text}");
    }
    assert!(shown[3].ends_with("} 2"), "{text}");
    assert!(
        text.contains("rule=\"latest-tag\",severity=\"high\",result=\"fail\"} 300\n"),
        "the oldest: {text}"
    );
    assert_eq!(usage(&text), ["8", "6"]);
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
    assert_eq!(counts(&text).len(), 3);
    assert!(counts(&text).iter().all(|line| line.contains("kind=\"_other\",workload=\"_other\"")), "{text}");
    assert_eq!(usage(&text), ["6", "6"]);
}
