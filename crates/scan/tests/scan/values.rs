//! Helm values, and images in texts of other objects.

use std::path::Path;

use tagwatch_core::outcome::Outcome;
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{folder, notes, pod, scan_paths, scan_stdin};

/// Images as `container image`, with the place.
fn images(report: &ScanReport) -> Vec<String> {
    let image = |image: &tagwatch_scan::report::ImageEntry| {
        let place = &image.place;
        format!("{}:{} {} {}", place.line, place.column, place.container.raw(), image.image.raw())
    };
    report.images.iter().map(image).collect()
}

fn findings(report: &ScanReport) -> Vec<String> {
    let finding = |finding: &tagwatch_scan::report::FindingEntry| {
        format!(
            "{}:{} {} {}",
            finding.place.line,
            finding.place.column,
            finding.result.as_str(),
            finding.rule
        )
    };
    report.findings.iter().map(finding).collect()
}

const VALUES: &str = "\
image:
  registry: quay.io
  repository: shop/web
  tag: latest
  pullPolicy: IfNotPresent
sidecarImage: envoy:1.27
jobs:
  - image:
      repository: job
      tag: 1.10
      digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
default:
  image:
    repository: chart/default
    tag: \"\"
templated:
  image: \"{{ .Values.global.registry }}/x:1\"
logo:
  image: logo.png
  replicas: 2
";

#[test]
fn values_are_judged_by_the_convention_of_update_bots() {
    let folder = folder(&[("values-prod.yaml", VALUES)]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(
        images(&report),
        [
            "4:8 image quay.io/shop/web:latest",
            "6:15 sidecarImage envoy:1.27",
            "10:12 jobs[0].image job:1.10@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ]
    );
    assert_eq!(
        findings(&report),
        ["4:8 warn latest-tag", "5:15 warn stale-pull-policy", "6:15 warn floating-tag"]
    );
    let place = &report.images[0].place;
    assert_eq!(
        (place.kind.raw(), place.name.raw(), place.field_path.as_str()),
        ("HelmValues", "values-prod.yaml", "image")
    );
    assert!(report.findings[0].message.starts_with("value image names quay.io/shop/web:latest: "));
    assert!(report.findings[1].message.contains("with pullPolicy: IfNotPresent"));
    assert_eq!(notes(&report), ["14:17 tag-left-to-chart", "17:10 image-parameter"]);
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Clean, "values give advice at most");
}

#[test]
fn images_of_manifests_in_values_are_counted() {
    let manifest = pod("extra", "registry.example.com/extra:latest").replace('\n', "\n    ");
    let values = format!("note: |\n  an image: none\n  of these\nextraDeploy:\n  - |\n    {manifest}\n");
    let folder = folder(&[("values-prod.yaml", &values)]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(notes(&report), ["6:5 kind-not-covered"], "{:?}", report.notes);
    assert_eq!(report.notes[0].message, "1 image of kind HelmValues is not judged: extraDeploy[*]");
}

#[test]
fn default_values_of_a_chart_are_judged_where_they_are_named() {
    let folder = folder(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n"),
        ("chart/values.yaml", "image: {repository: web, tag: latest}\n"),
        ("chart/values-test.yaml", "image: {repository: web, tag: main}\n"),
        ("values.yaml", "image: {repository: api, tag: stable}\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    let found: Vec<_> = report.images.iter().map(|image| image.image.raw()).collect();
    assert_eq!(found, ["web:main", "api:stable"]);
    assert_eq!(notes(&report), [""; 0]);
    let named = scan_paths(&[&folder.path().join("chart/values.yaml")]);
    assert_eq!(findings(&named), ["1:31 warn latest-tag"]);
}

#[test]
fn a_file_called_values_may_hold_an_object() {
    let folder = folder(&[("values.yaml", &crate::support::pod("web", "nginx:latest"))]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(report.findings[0].result, Outcome::Fail);
}

#[test]
fn values_of_a_helm_release_are_judged() {
    let report = scan_stdin(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  \
         chart: {spec: {chart: web}}\n  values:\n    controller:\n      image:\n        repository: quay.io/shop/web\n        \
         tag: main\n    other:\n      image:\n        repository: quay.io/shop/other\n",
    );
    assert_eq!(images(&report), ["10:14 spec.values.controller.image quay.io/shop/web:main"]);
    let place = &report.images[0].place;
    assert_eq!((place.kind.raw(), place.name.raw()), ("HelmValues", "web"));
    assert_eq!(place.namespace.as_ref().map(tagwatch_core::text::UntrustedText::raw), Some("shop"));
    assert_eq!(findings(&report), ["10:14 warn floating-tag"]);
    assert_eq!(notes(&report), ["13:21 tag-left-to-chart"]);
}

#[test]
fn manifests_in_config_maps_are_counted() {
    let report = scan_stdin(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pods}\ndata:\n  a.yaml: |\n    apiVersion: v1\n    kind: Pod\n    \
         spec: {containers: [{image: a}, {image: b}]}\n  b.yaml: |\n    kind: List\n    apiVersion: v1\n    items:\n    - \
         {apiVersion: v1, kind: Pod, spec: {containers: [{image: c}]}}\n  other: 'image: x'\n",
    );
    assert_eq!((report.images.len(), report.summary.uncovered_images), (0, 3));
    assert_eq!(notes(&report), ["6:5 embedded-manifest"]);
    let message = "3 images in texts of ConfigMaps and Secrets are not judged: data.a.yaml, data.b.yaml";
    assert_eq!(report.notes[0].message, message);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[test]
fn values_of_argo_cd_applications_are_counted() {
    let report = scan_stdin(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n  source:\n    helm:\n      \
         values: |\n        image: {repository: a, tag: b}\n        sidecar: {image: 'c:1'}\n      parameters:\n      - \
         {name: image.tag, value: latest}\n      - {name: image.repository, value: x}\n      - {name: replicas, value: '2'}\n  \
         sources:\n  - helm: {valuesObject: {image: {repository: a, tag: b}}}\n  - kustomize: {images: ['a=b:1']}\n",
    );
    assert_eq!((report.images.len(), report.summary.uncovered_images), (0, 5));
    let codes: Vec<_> = report.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["application-values"]);
    assert!(
        report.notes[0].message.starts_with("5 images in Helm values and parameters of kind Application")
    );
}

#[test]
fn a_chart_has_one_note() {
    let template = crate::support::pod("t", "\"{{ .Values.image }}\"");
    let folder = folder(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n"),
        ("chart/templates/a.yaml", &template),
        ("chart/templates/sub/b.yaml", &template),
        ("chart/charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 1.0.0\n"),
        ("chart/charts/inner/templates/c.yaml", &template),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!((report.summary.templates, report.notes.len()), (3, 1), "{:?}", report.notes);
    let note = &report.notes[0];
    assert_eq!(Path::new(note.file.raw()), folder.path().join("chart/Chart.yaml"));
    assert!(
        note.message.starts_with("3 raw templates of this chart skipped: --render judges"),
        "{}",
        note.message
    );
    assert_eq!(
        report.nothing_judged().as_deref(),
        Some(
            "nothing was judged: raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render"
        )
    );
}
