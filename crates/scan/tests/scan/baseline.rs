//! `--baseline`, `--rules` and `--min-severity`: what fails a scan, and what is left out of it.

use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_core::outcome::Severity;
use tagwatch_core::policy::Profile;
use tagwatch_scan::output::Format;
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{Baseline, ExitStatus, FailOn, KnownFindings, PolicyFile, ScanOptions, scan};
use tempfile::TempDir;

use crate::support::{folder, pod, scan_stdin, written};

fn baseline_of(text: &str) -> Result<Baseline, String> {
    let folder = folder(&[("baseline", text)]);
    let read = Baseline::read(&folder.path().join("baseline"));
    read.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn known(manifest: &str) -> KnownFindings {
    match baseline_of(&written(Format::Json, &scan_stdin(manifest))).unwrap() {
        Baseline::Scan(known) => known,
        Baseline::Policy(policy) => panic!("{policy:?}"),
    }
}

fn compared(manifest: &str, known: &KnownFindings) -> ScanReport {
    let mut report = scan_stdin(manifest);
    report.compare_with(known);
    report
}

#[test]
fn only_what_is_new_fails() {
    let before = pod("web", "nginx:latest");
    let known = known(&before);
    let same = compared(&format!("# moved\n{before}"), &known);
    assert_eq!(same.exit_status(FailOn::Warn), ExitStatus::Clean);
    assert_eq!((same.summary.known, same.summary.results.fail), (1, 1), "counted, and known");
    let more = compared(&format!("{before}---\n{}", pod("api", "nginx:latest")), &known);
    assert_eq!(more.exit_status(FailOn::Fail), ExitStatus::Findings);
    let is_known: Vec<Option<bool>> = more.findings.iter().map(|finding| finding.known).collect();
    assert_eq!(is_known, [Some(true), Some(false)]);
    assert_eq!(scan_stdin(&before).findings[0].known, None, "without a baseline");
}

#[test]
fn what_got_worse_is_new() {
    // An unknown publisher's `42` is advice, a channel is a failure: the same rule of the same container.
    let pulled = |tag: &str| pod("web", &format!("acme/web:{tag}")) + "      imagePullPolicy: IfNotPresent\n";
    let (advice, failure) = (pulled("42"), pulled("stable"));
    let results = |manifest: &str| {
        let findings = scan_stdin(manifest).findings;
        let mine = findings.iter().find(|finding| finding.rule == "stale-pull-policy").unwrap();
        (mine.result.as_str(), mine.fingerprint.clone())
    };
    let ((mild, first), (bad, second)) = (results(&advice), results(&failure));
    assert_eq!((mild, bad, first), ("warn", "fail", second));
    assert_eq!(compared(&failure, &known(&advice)).exit_status(FailOn::Fail), ExitStatus::Findings);
    assert_eq!(compared(&advice, &known(&failure)).exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[test]
fn what_was_exempt_or_not_read_is_not_known() {
    let exempt = "\
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {tagwatch.dev/ignore: latest-tag, tagwatch.dev/ignore-reason: soon}}
spec: {containers: [{name: app, image: 'nginx:latest'}]}
";
    let options = ScanOptions { paths: vec![PathBuf::from("-")], ..ScanOptions::default() };
    let engine = Engine::recommended().on("2026-11-29".parse().unwrap());
    let report = scan(&engine, &options, &mut exempt.as_bytes());
    assert_eq!((report.summary.results.skip, report.summary.results.fail), (1, 0));
    let Ok(Baseline::Scan(known)) = baseline_of(&written(Format::Json, &report)) else { panic!() };
    let again = compared(&pod("web", "nginx:latest"), &known);
    assert_eq!(again.exit_status(FailOn::Fail), ExitStatus::Findings);
    let broken = compared("a: [1\n", &known);
    assert_eq!(broken.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
}

#[test]
fn known_findings_are_marked_in_every_format_that_can() {
    let manifest = pod("web", "nginx:latest");
    let report = compared(&manifest, &known(&manifest));
    for (format, mark) in [
        (Format::Table, "known to the baseline"),
        (Format::Wide, "known to the baseline"),
        (Format::Json, "\"known\": true"),
        (Format::Yaml, "known: true"),
        (Format::Sarif, "\"baselineState\": \"unchanged\""),
        (Format::Junit, "<skipped type=\"latest-tag (high)\" message=\"known to the baseline\">"),
        (Format::Github, "::notice "),
        (Format::Markdown, "fail (known)"),
    ] {
        let text = written(format, &report);
        assert!(text.contains(mark), "{format:?}: {text}");
    }
}

#[test]
fn a_file_that_is_no_baseline_is_refused() {
    let error = |text: &str| baseline_of(text).unwrap_err();
    assert_eq!(
        error(r#"{"findings": []}"#),
        "baseline: no baseline: its schema is not tagwatch.dev/scan/v1, but none; expected the output of `tagwatch \
         scan -o json`, or a TagPolicy"
    );
    assert!(error(r#"{"schema": "tagwatch.dev/issues/v1"}"#).contains("but tagwatch.dev/issues/v1;"));
    let result = r#"{"schema": "tagwatch.dev/scan/v1", "findings": [{"fingerprint": "a", "result": "b"}]}"#;
    assert!(error(result).contains("the result b of a finding is unknown"));
    assert!(error(r#"{"schema": "tagwatch.dev/scan/v1"}"#).contains("missing field `findings`"));
    assert!(error("").starts_with("baseline:1:1: the file is empty"));
    assert!(error("kind: Deployment\n").contains("expected apiVersion: tagwatch.dev/v1alpha1"));
    let absent = Baseline::read(Path::new("absent.json")).unwrap_err().to_string();
    assert!(absent.starts_with("cannot read the baseline absent.json: "), "{absent}");
}

/// What a policy makes of a manifest, after a change.
fn by(policy: &PolicyFile, manifest: &str) -> ScanReport {
    let options = ScanOptions {
        paths: vec![PathBuf::from("-")],
        policy_file: Some(policy.clone()),
        ..ScanOptions::default()
    };
    let engine = Engine::new(policy.policy.clone()).on("2026-11-29".parse().unwrap());
    scan(&engine, &options, &mut manifest.as_bytes())
}

fn policy(spec: &str) -> (TempDir, PolicyFile) {
    let text = format!("apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nspec:\n{spec}");
    let folder = folder(&[("policy.yaml", &text)]);
    let file = PolicyFile::read(&folder.path().join("policy.yaml"), &mut std::io::empty()).unwrap();
    (folder, file)
}

#[test]
fn the_exemptions_of_a_policy_are_a_baseline() {
    let (_folder, known) = policy(
        "  exemptions:\n  - {match: {names: [web]}, rules: [latest-tag], reason: found}\n  \
         - {match: {names: [gone]}, rules: ['*'], reason: fixed since}\n",
    );
    let mut applied = PolicyFile::of(Profile::default());
    applied.add_exemptions(&known).unwrap();
    let report = by(&applied, &format!("{}---\n{}", pod("web", "nginx:latest"), pod("api", "nginx:latest")));
    let results: Vec<&str> = report.findings.iter().map(|finding| finding.result.as_str()).collect();
    assert_eq!(results, ["skip", "fail"]);
    let unused: Vec<String> = report
        .notes
        .iter()
        .map(|note| format!("{}:{} {}", note.file.raw().rsplit('/').next().unwrap(), note.line, note.message))
        .collect();
    assert_eq!(unused, ["policy.yaml:6 the exemption \"fixed since\" exempts nothing that was scanned"]);
}

#[test]
fn selected_rules_are_on_and_all_others_off() {
    let rules = |file: &PolicyFile, manifest: &str| -> Vec<&'static str> {
        by(file, manifest).findings.iter().map(|finding| finding.rule).collect()
    };
    let manifest = pod("web", "nginx:stable") + "      imagePullPolicy: IfNotPresent\n";
    let mut file = PolicyFile::of(Profile::default());
    assert_eq!(rules(&file, &manifest), ["floating-tag", "stale-pull-policy"]);
    file.select_rules(&["unpinned-image".to_owned()]).unwrap();
    assert_eq!(rules(&file, &manifest), ["unpinned-image"], "it is off by default");
    let (_folder, mut file) = policy(
        "  overrides:\n  - {match: {names: [web]}, rules: {stale-pull-policy: {enabled: true}}}\n  \
         - {match: {names: [web]}, rules: {floating-tag: {result: fail}}}\n",
    );
    file.select_rules(&["floating-tag".to_owned()]).unwrap();
    let findings = by(&file, &manifest).findings;
    let results: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.result.as_str())).collect();
    assert_eq!(results, [("floating-tag", "fail")]);
}

#[test]
fn findings_below_a_severity_are_left_out_and_counted() {
    let manifest = pod("web", "nginx:stable") + "      imagePullPolicy: IfNotPresent\n";
    let mut report = scan_stdin(&manifest);
    report.leave_out_below(Severity::High);
    let left: Vec<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!((left, report.summary.left_out), (vec!["stale-pull-policy"], 1));
    assert_eq!((report.summary.results.warn, report.summary.results.fail), (0, 1));
    let table = written(Format::Table, &report);
    assert!(table.ends_with("\nleft out by --min-severity: 1 finding\n"), "{table}");
    report.leave_out_below(Severity::Critical);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
}
