//! `--render` with programs that stand for Helm and Kustomize; e2e has the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tagwatch_core::engine::Engine;
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn, Render, ScanOptions, scan};
use tempfile::TempDir;

use crate::support::{folder, judged, notes, pod};

/// A folder with a program that prints a text, or does something else.
fn program(name: &str, script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn render(path: &Path, programs: &[&TempDir], time_limit: Duration) -> ScanReport {
    let temporary = tempfile::tempdir().unwrap();
    let programs = programs.iter().map(|folder| folder.path().to_path_buf()).collect();
    let render = Render { programs, temporary: temporary.path().to_path_buf(), time_limit };
    let options =
        ScanOptions { paths: vec![path.to_path_buf()], render: Some(render), ..ScanOptions::default() };
    let report = scan(&Engine::recommended(), &options, &mut std::io::empty());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
    report
}

fn chart() -> TempDir {
    folder(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        (
            "shop/templates/web.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    {{- if true }}\n    - name: app\n      \
             image: {{ .Values.image }}\n      imagePullPolicy: Never\n    {{- end }}\n",
        ),
        ("shop/templates/static.yaml", &pod("static", "nginx:1.0.0")),
        ("other.yaml", &pod("other", "nginx:1.0.0")),
    ])
}

const RENDERED: &str = "\
/bin/cat <<'END'
---
# Source: web/templates/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: nginx:latest
    imagePullPolicy: Never
---
# Source: web/templates/static.yaml
apiVersion: v1
kind: Pod
metadata: {name: static}
spec: {containers: [{name: app, image: 'nginx:1.0.0'}]}
END";

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_chart_is_judged_as_it_is_rendered_and_placed_at_its_templates() {
    let (chart, helm) = (chart(), program("helm", RENDERED));
    let report = render(chart.path(), &[&helm], LONG);
    assert_eq!(judged(&report), ["other", "static", "web"], "{:?}", report.notes);
    assert_eq!(notes(&report), [""; 0]);
    assert_eq!(report.summary.templates, 0);
    let places: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.rule, finding.place.line, finding.place.column))
        .collect();
    assert_eq!(places, [("latest-tag", 8, 14), ("pull-policy-never", 9, 24)]);
    let file = Path::new(report.findings[0].place.file.raw());
    assert_eq!(file, chart.path().join("shop/templates/web.yaml"));
}

#[test]
fn without_the_program_or_its_output_the_chart_is_an_error() {
    let chart = chart();
    let nothing = tempfile::tempdir().unwrap();
    let absent = render(chart.path(), &[&nothing], LONG);
    assert_eq!(absent.notes[0].message, "helm is not on the PATH: this chart is not rendered");
    assert_eq!(absent.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
    assert_eq!(judged(&absent), ["other", "static"], "what needs no rendering is judged");
    for (script, time_limit, message) in [
        (
            "echo 'a value is required' >&2; exit 1",
            LONG,
            "`helm template` of this chart failed: a value is required",
        ),
        (
            "while :; do :; done",
            Duration::from_millis(900),
            "`helm template` of this chart took longer than 0 s and was ended",
        ),
    ] {
        let helm = program("helm", script);
        let report = render(chart.path(), &[&helm], time_limit);
        assert_eq!(report.notes[0].message, message);
        assert_eq!(notes(&report), ["1:1 render-failed", "1:1 helm-template"]);
    }
}

#[test]
fn a_dependency_that_is_not_vendored_is_named_and_helm_is_not_run() {
    let helm = program("helm", "exit 9");
    let chart = folder(&[
        (
            "Chart.yaml",
            "name: web\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 1.0.0, repository: 'https://example.com'}\n- {name: there}\n- {name: packed}\n",
        ),
        ("charts/there/Chart.yaml", "name: there\nversion: 1.0.0\n"),
        ("charts/packed-1.2.3.tgz", ""),
    ]);
    let report = render(chart.path(), &[&helm], LONG);
    assert_eq!(notes(&report), ["1:1 not-rendered"]);
    assert!(
        report.notes[0].message.contains("since redis is not in its folder charts"),
        "{}",
        report.notes[0].message
    );
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
    let library = folder(&[("Chart.yaml", "name: lib\nversion: 1.0.0\ntype: library\n")]);
    assert_eq!(notes(&render(library.path(), &[&helm], LONG)), [""; 0]);
}

#[test]
fn a_kustomization_takes_the_place_of_what_it_includes() {
    let files = folder(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", &pod("web", "nginx")),
        ("overlay/kustomization.yaml", "resources: [../base]\nimages: [{name: nginx, newTag: '2.0.0'}]\n"),
        ("remote/kustomization.yaml", "resources: ['https://example.com/x.yaml', own.yaml]\n"),
        ("remote/own.yaml", &pod("own", "nginx:1.0.0")),
    ]);
    let rendered = pod("rendered", "nginx:2.0.0");
    let kubectl = program("kubectl", &format!("[ \"$1\" = kustomize ] && /bin/cat <<'END'\n{rendered}\nEND"));
    let report = render(files.path(), &[&kubectl], LONG);
    assert_eq!(judged(&report), ["rendered", "own"]);
    assert!(report.images[0].place.file.raw().ends_with("overlay/kustomization.yaml"));
    assert_eq!(notes(&report), ["1:1 not-rendered"]);
    let kustomize = program("kustomize", &format!("[ \"$1\" = build ] && /bin/cat <<'END'\n{rendered}\nEND"));
    assert_eq!(judged(&render(files.path(), &[&kustomize], LONG)), ["rendered", "own"]);
    let broken = program("kubectl", "exit 1");
    let failed = render(files.path(), &[&broken], LONG);
    assert_eq!(judged(&failed), ["web", "own"], "the files are judged by themselves");
    assert_eq!(failed.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
}

#[test]
fn nothing_is_run_unasked() {
    let chart = chart();
    let options = ScanOptions { paths: vec![chart.path().to_path_buf()], ..ScanOptions::default() };
    let report = scan(&Engine::recommended(), &options, &mut std::io::empty());
    assert_eq!((judged(&report), report.summary.templates), (vec!["other", "static"], 1));
}
