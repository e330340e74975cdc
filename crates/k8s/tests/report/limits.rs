//! The limits of a report, and hostile text in it.

use tagwatch_core::issue::ResultKeys;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::workload::{Limit, Workload};
use tagwatch_k8s::report::{BuiltReport, FirstSeen, History, PolicyReport, ReportInput, build};

use crate::support::{
    INSTANCE, MONDAY, TUESDAY, UID, at, container, finding, issues, json, property, recommended_report,
    report_at, verdict, workload,
};

/// A workload of many containers, each with a violation and a pass.
fn crowd(containers: usize, image: &str) -> PolicyReport {
    let workload = workload((0..containers).map(|index| container(&format!("c{index:04}"), image)).collect());
    let findings = || vec![finding("stale-pull-policy", Outcome::Pass), finding("latest-tag", Outcome::Fail)];
    let verdicts: Vec<_> = (0..containers).map(|index| verdict(&workload, index, findings())).collect();
    report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY)
}

fn size(report: &PolicyReport) -> usize {
    json(report).to_string().len()
}

fn assert_counters_agree(report: &PolicyReport) {
    let summary = report.summary.unwrap();
    let results = report.results.as_ref().unwrap();
    let count = |outcome: &str| {
        i64::try_from(results.iter().filter(|result| result.result.as_deref() == Some(outcome)).count())
            .unwrap()
    };
    assert_eq!((summary.fail, summary.pass), (count("fail"), count("pass")));
    assert_eq!(summary.warn + summary.error + summary.skip, count("warn") + count("error") + count("skip"));
}

#[test]
fn a_report_has_at_most_500_results_violations_first() {
    let report = crowd(400, "a:latest");
    assert_eq!(report.results.as_ref().unwrap().len(), 500);
    assert_eq!((report.summary.unwrap().fail, report.summary.unwrap().pass), (400, 100));
    assert_eq!(property(&report, 499, "omittedResults"), "300");
    assert!(size(&report) <= 512 * 1024);
    assert_counters_agree(&report);
}

#[test]
fn a_report_names_the_limits_that_its_workload_exceeds() {
    let mut workload = workload(vec![container("web", "a:latest")]);
    let findings = || vec![finding("latest-tag", Outcome::Fail)];
    let report = |workload: &Workload| {
        report_at(workload, &[verdict(workload, 0, findings())], &FirstSeen::default(), MONDAY)
    };
    assert!(!json(&report(&workload)).to_string().contains("limits"));
    workload.limits = [Limit::Containers, Limit::PodContainers].into();
    assert_eq!(
        property(&report(&workload), 0, "limits"),
        "there are more containers than are checked of one workload; its pods have more containers than are compared \
         with the template"
    );
}

#[test]
fn what_found_no_room_is_remembered_all_the_same() {
    let workload = workload((0..600).map(|index| container(&format!("c{index:04}"), "a:latest")).collect());
    let findings = || vec![finding("latest-tag", Outcome::Fail)];
    let verdicts: Vec<_> = (0..600).map(|index| verdict(&workload, index, findings())).collect();
    let after = |first_seen: &FirstSeen, now: &str| {
        let input = ReportInput {
            workload: &workload,
            instance: INSTANCE,
            uid: UID,
            issues: &issues(&workload, UID, &verdicts, first_seen, now),
            policy: &Policy::of(Profile::Recommended),
            namespace_labels: &[],
            first_seen,
            history: &History::default(),
            image_changes: &[],
            now: at(now),
        };
        let BuiltReport { report, issues } = build(&input);
        FirstSeen::after(&report, &issues)
    };
    let tuesday = after(&after(&FirstSeen::default(), MONDAY), TUESDAY);
    let keys = ResultKeys::new(UID, &workload.containers);
    for index in [0, 499, 500, 599] {
        let id = keys.of(&workload.containers[index], &finding("latest-tag", Outcome::Fail));
        assert_eq!(tuesday.get(id, at(TUESDAY)), at(MONDAY), "{index}");
    }
}

#[test]
fn a_report_that_fits_has_no_mark() {
    let report = crowd(250, "a:latest");
    assert_eq!(report.results.as_ref().unwrap().len(), 500);
    assert!(!json(&report).to_string().contains("omittedResults"));
}

#[test]
fn a_report_has_at_most_512_kib() {
    // Every character of the image takes two bytes of JSON, in the image and in the evidence.
    let report = crowd(400, &"\"".repeat(4000));
    let results = report.results.as_ref().unwrap();
    assert!(size(&report) <= 512 * 1024, "{} bytes", size(&report));
    assert!(size(&report) > 500 * 1024, "cut too early: {} bytes", size(&report));
    assert!(results.iter().all(|result| result.result.as_deref() == Some("fail")));
    let omitted: usize = property(&report, results.len() - 1, "omittedResults").parse().unwrap();
    assert_eq!(results.len() + omitted, 800);
    assert_counters_agree(&report);
}

#[test]
fn long_strings_are_cut_with_a_mark() {
    let mut long = container(&"n".repeat(1000), &format!("registry.example/{}", "i".repeat(1_000_000)));
    long.pull_policy = Some("p".repeat(1000).into());
    long.field_path = "f".repeat(1000);
    let workload = workload(vec![long]);
    let mut fails = finding("latest-tag", Outcome::Fail);
    fails.resolution = "r".repeat(5000);
    let verdicts = [verdict(&workload, 0, vec![fails])];
    let report = report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY);
    for (name, limit) in [
        ("container", 256),
        ("imagePullPolicy", 256),
        ("fieldPath", 256),
        ("image", 1024),
        ("resolution", 1024),
    ] {
        let value = property(&report, 0, name);
        assert!(value.len() <= limit && value.ends_with('…'), "{name}: {} bytes, {value}", value.len());
    }
    assert!(property(&report, 0, "evidence").len() <= 2048);
}

/// Everything that people see of the report; `kubectl describe` prints it as it is.
fn assert_shows_nothing_that_drives_a_terminal(report: &PolicyReport) {
    let mut report = report.clone();
    // Owner references must equal what the garbage collector compares them with.
    report.metadata.owner_references = None;
    visit_strings(&json(&report), &mut |text| {
        let hostile = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(hostile), "{text:?}");
    });
}

fn visit_strings(value: &serde_json::Value, visit: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => visit(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| visit_strings(item, visit)),
        serde_json::Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            visit(name);
            visit_strings(field, visit);
        }),
        _ => {}
    }
}

#[test]
fn hostile_text_is_escaped_all_the_way() {
    let hostile = "\"><script>\u{1b}]0;x\u{7}\u{1b}[2J\0\r\n\u{202e}\u{85}";
    let mut workload = workload(Vec::new());
    workload.id.kind = hostile.into();
    workload.id.name = hostile.into();
    workload.containers = [hostile.to_owned(), format!("{hostile}:latest"), hostile.repeat(40_000)]
        .iter()
        .map(|text| {
            let mut container = container(text, text);
            container.pull_policy = Some(text.as_str().into());
            container
        })
        .collect();
    let report = recommended_report(&workload, hostile, &[]);
    assert_eq!(report.summary.unwrap().error, 3, "{:?}", report.summary);
    assert_shows_nothing_that_drives_a_terminal(&report);
    assert!(size(&report) <= 64 * 1024, "{} bytes", size(&report));
}

#[test]
fn an_owner_that_cannot_exist_is_not_referred_to() {
    let mut workload = workload(vec![container("web", "nginx:1.27.3")]);
    workload.id.name = "n".repeat(1_000_000).into();
    assert_eq!(recommended_report(&workload, UID, &[]).metadata.owner_references, None);
    workload.id.name = "web".into();
    assert_eq!(recommended_report(&workload, "", &[]).metadata.owner_references, None);
    assert!(recommended_report(&workload, UID, &[]).metadata.owner_references.is_some());
}
