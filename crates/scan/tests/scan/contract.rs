//! The JSON contract: every field, its order, its schema; fingerprints and exit statuses.

use std::path::PathBuf;

use serde_json::Value;
use tagwatch_core::engine::Engine;
use tagwatch_scan::output::{Format, Style};
use tagwatch_scan::report::{ScanReport, json_schema};
use tagwatch_scan::{ExitStatus, FailOn, ScanOptions, output, scan};

use crate::support::{pod, scan_stdin};

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: app
          image: nginx
          imagePullPolicy: IfNotPresent
        - name: broken
          image: Acme/App:1
---
apiVersion: example.com/v1
kind: Custom
containers: [{image: a}]
";

fn json(report: &ScanReport) -> String {
    let mut out = Vec::new();
    output::write(Format::Json, report, FailOn::default(), &mut out, Style::default()).unwrap();
    String::from_utf8(out).unwrap()
}

fn with_passes(manifest: &str) -> ScanReport {
    let options =
        ScanOptions { paths: vec![PathBuf::from("-")], show_passed: true, ..ScanOptions::default() };
    scan(&Engine::recommended(), &options, &mut manifest.as_bytes())
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn the_json_output_matches_the_contract() {
    let mut report = scan_stdin(MANIFEST);
    // Sentences may change; programs rely on everything else.
    for finding in &mut report.findings {
        (finding.message, finding.resolution) = ("a message".to_owned(), "a resolution".to_owned());
    }
    for image in &mut report.images {
        image.reference_error = image.reference_error.take().map(|_| "a reason".to_owned());
    }
    insta::assert_snapshot!(json(&report), @r#"
    {
      "schema": "tagwatch.dev/scan/v1",
      "summary": {
        "files": 1,
        "documents": 2,
        "workloads": 1,
        "images": 2,
        "templates": 0,
        "uncoveredKinds": 1,
        "uncoveredImages": 1,
        "leftOut": 0,
        "known": 0,
        "results": {
          "pass": 0,
          "fail": 2,
          "warn": 0,
          "error": 1,
          "skip": 0
        }
      },
      "images": [
        {
          "file": "<stdin>",
          "line": 9,
          "column": 18,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "app",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[0].image",
          "image": "nginx",
          "reference": {
            "registry": "docker.io",
            "repository": "library/nginx",
            "tag": null,
            "digest": null
          },
          "referenceError": null,
          "tagClass": "implicit-latest",
          "confidence": "pattern",
          "matched": "neither tag nor digest",
          "imagePullPolicy": "IfNotPresent",
          "effectivePullPolicy": "IfNotPresent"
        },
        {
          "file": "<stdin>",
          "line": 12,
          "column": 18,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "broken",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[1].image",
          "image": "Acme/App:1",
          "reference": null,
          "referenceError": "a reason",
          "tagClass": "invalid",
          "confidence": "unknown",
          "matched": null,
          "imagePullPolicy": null,
          "effectivePullPolicy": "IfNotPresent"
        }
      ],
      "findings": [
        {
          "file": "<stdin>",
          "line": 9,
          "column": 18,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "app",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[0].image",
          "image": "nginx",
          "rule": "missing-tag",
          "policy": "image-tag",
          "category": "Mutable Tags",
          "severity": "high",
          "result": "fail",
          "message": "a message",
          "resolution": "a resolution",
          "evidence": "containers:\n- name: app\n  image: nginx\n  imagePullPolicy: IfNotPresent\n",
          "fingerprint": "c29a1d40482b6b347ca7543a4834c64f",
          "exemption": null,
          "known": null
        },
        {
          "file": "<stdin>",
          "line": 10,
          "column": 28,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "app",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[0].image",
          "image": "nginx",
          "rule": "stale-pull-policy",
          "policy": "image-pull-policy",
          "category": "Pull Policy",
          "severity": "critical",
          "result": "fail",
          "message": "a message",
          "resolution": "a resolution",
          "evidence": "containers:\n- name: app\n  image: nginx\n  imagePullPolicy: IfNotPresent\n",
          "fingerprint": "5eabe269fbbb272df9e8b1a6129ee8cf",
          "exemption": null,
          "known": null
        },
        {
          "file": "<stdin>",
          "line": 12,
          "column": 18,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "broken",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[1].image",
          "image": "Acme/App:1",
          "rule": "invalid-image-reference",
          "policy": "image-tag",
          "category": "Mutable Tags",
          "severity": "high",
          "result": "error",
          "message": "a message",
          "resolution": "a resolution",
          "evidence": "containers:\n- name: broken\n  image: Acme/App:1\n",
          "fingerprint": "5ee1cfaaf7a4c66ff6c1cef118011aeb",
          "exemption": null,
          "known": null
        }
      ],
      "notes": [
        {
          "file": "<stdin>",
          "line": 16,
          "code": "kind-not-covered",
          "message": "1 image of kind Custom (example.com/v1) is not judged: containers[*].image"
        }
      ]
    }
    "#);
}

#[test]
fn passes_are_always_counted_and_listed_on_request() {
    let manifest = pod("p", "nginx:1.27.3");
    let (silent, full) = (scan_stdin(&manifest), with_passes(&manifest));
    assert_eq!(silent.summary, full.summary);
    assert_eq!((silent.summary.results.pass, silent.findings.len()), (2, 0));
    let rules: Vec<_> = full.findings.iter().map(|finding| (finding.rule, finding.result.as_str())).collect();
    assert_eq!(rules, [("floating-tag", "pass"), ("stale-pull-policy", "pass")]);
    assert_eq!(full.exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[test]
fn the_output_matches_the_published_schema() {
    let schema = serde_json::to_value(json_schema()).unwrap();
    for report in [with_passes(MANIFEST), scan_stdin("")] {
        let output: Value = serde_json::from_str(&json(&report)).unwrap();
        check(&output, &schema, &schema, "$");
    }
}

/// Checks the keywords of JSON Schema that the published schema uses, and rejects others, so that all are checked. Stricter
/// in one point: a field that the schema does not name is an error, because it would be undocumented.
fn check(value: &Value, schema: &Value, root: &Value, path: &str) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                check(value, root.pointer(pointer).unwrap(), root, path);
            }
            "anyOf" => {
                let other = rule.as_array().unwrap().iter().find(|option| option["type"] != "null").unwrap();
                if !value.is_null() {
                    check(value, other, root, path);
                }
            }
            "type" => check_type(value, rule, path),
            "const" => assert_eq!(value, rule, "{path}"),
            "enum" => assert!(rule.as_array().unwrap().contains(value), "{path}: {value} is none of {rule}"),
            "minimum" => assert!(value.as_u64() >= rule.as_u64(), "{path}: {value} < {rule}"),
            "items" => {
                value
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|item| check(item, rule, root, &format!("{path}[]")));
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    assert!(value.get(name.as_str().unwrap()).is_some(), "{path} has no {name}");
                }
            }
            "properties" => {
                for (name, field) in value.as_object().unwrap() {
                    let rule = rule.get(name).unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
                    check(field, rule, root, &format!("{path}.{name}"));
                }
                let required = schema["required"].as_array().map_or(0, Vec::len);
                assert_eq!(required, rule.as_object().unwrap().len(), "{path}: every field is always there");
            }
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            other => panic!("{path}: unknown keyword {other}"),
        }
    }
}

fn check_type(value: &Value, rule: &Value, path: &str) {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = rule.as_array().map_or_else(|| vec![rule], |types| types.iter().collect());
    assert!(allowed.iter().any(|&allowed| allowed == name), "{path}: {value} is no {rule}");
}

fn fingerprints(manifest: &str) -> Vec<String> {
    let mut fingerprints: Vec<_> = scan_stdin(manifest).findings.into_iter().map(|f| f.fingerprint).collect();
    fingerprints.sort();
    fingerprints
}

#[test]
fn fingerprints_survive_reformatting_and_new_images() {
    let before = fingerprints(&pod("web", "nginx:1.27"));
    assert_eq!(before.len(), 2, "a warning and a violation");
    assert_ne!(before[0], before[1], "rules differ");
    let flow = "# moved\n\n{kind: Pod, apiVersion: v1, metadata: {name: web}, spec: {containers: \
                [{image: \"nginx:1.28\", name: app}]}}\n";
    assert_eq!(fingerprints(flow), before);
    assert_ne!(fingerprints(&pod("api", "nginx:1.27")), before, "another object");
    let container = pod("web", "nginx:1.27").replace("name: app", "name: other");
    assert!(fingerprints(&container).iter().all(|other| !before.contains(other)), "another container");
}

#[test]
fn duplicates_have_distinct_fingerprints_in_any_order() {
    let (one, other) = (pod("web", "nginx:1.27"), pod("web", "redis:7"));
    let twins = fingerprints(&format!("{one}---\n{other}"));
    assert_eq!(twins, fingerprints(&format!("{other}---\n{one}")));
    let mut unique = twins.clone();
    unique.dedup();
    assert_eq!((unique.len(), unique), (4, twins.clone()));
    assert!(fingerprints(&one).iter().all(|known| twins.contains(known)));
}

#[test]
fn exit_statuses_follow_the_threshold() {
    use ExitStatus::{Clean, Findings};
    let cases = [
        (pod("p", "nginx:1.27.3"), [Clean, Clean, Clean, Clean]),
        (pod("p", "acme/app:worker"), [Clean, Clean, Findings, Clean]),
        (pod("p", "nginx:latest"), [Clean, Findings, Findings, Clean]),
        (pod("p", "$IMAGE"), [Findings, Findings, Findings, Clean]),
    ];
    for (manifest, expected) in cases {
        let report = scan_stdin(&manifest);
        assert_eq!(FailOn::ALL.map(|fail_on| report.exit_status(fail_on)), expected, "{manifest}");
    }
    assert_eq!([Clean, Findings, ExitStatus::IncompleteInput].map(ExitStatus::code), [0, 1, 3]);
    assert_eq!(FailOn::default(), FailOn::Fail);
}
