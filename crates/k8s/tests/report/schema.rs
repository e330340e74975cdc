//! Whether an API server takes the definition, and the definitions take the reports.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use tagwatch_core::outcome::Outcome;
use tagwatch_k8s::crd::{cluster_policy_report_crd, crd_yaml, policy_report_crd, tag_policy_crd};
use tagwatch_k8s::report::PolicyReport;

use crate::support::{finding, json, report_of};

/// Names the folder with the definitions that the Policy Working Group and other engines publish.
const CANONICAL_CRDS: &str = "TAGWATCH_CANONICAL_CRDS";

fn definition() -> Value {
    serde_json::to_value(policy_report_crd().unwrap()).unwrap()
}

fn reports() -> [PolicyReport; 3] {
    [
        report_of(
            "nginx:latest",
            vec![finding("latest-tag", Outcome::Fail), finding("stale-pull-policy", Outcome::Fail)],
        ),
        report_of("nginx@sha256:4f1c", vec![finding("invalid-image-reference", Outcome::Error)]),
        report_of("\"><script>\u{1b}[31m\0", Vec::new()),
    ]
}

/// The schemas of a definition's `v1alpha2`.
fn schema_of(definition: &Value) -> &Value {
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["name"] == "v1alpha2").unwrap();
    assert_eq!(version["served"], true);
    &version["schema"]["openAPIV3Schema"]
}

/// The server prunes fields that the schema does not name, so validation alone would not see them go.
fn assert_takes_whole(schema: &Value, value: &Value, path: &str) {
    match value {
        Value::Object(fields) if path != "metadata" => {
            for (name, field) in fields {
                let known = schema["properties"].get(name).or(schema.get("additionalProperties"));
                assert_takes_whole(known.unwrap_or_else(|| panic!("{path}.{name} is pruned")), field, name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_takes_whole(&schema["items"], item, path)),
        _ => {}
    }
}

fn assert_takes_reports(definition: &Value, origin: &str) {
    let schema = schema_of(definition);
    let validator = jsonschema::validator_for(schema).unwrap();
    for report in reports() {
        let body = json(&report);
        let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{origin}");
        assert_takes_whole(schema, &body, "");
    }
    let mut broken = json(&reports()[0]);
    broken["results"][0]["result"] = json!("failed");
    assert!(!validator.is_valid(&broken), "{origin} takes anything");
}

#[test]
fn our_definition_takes_our_reports() {
    assert_takes_reports(&definition(), "our definition");
}

#[test]
#[ignore = "TAGWATCH_CANONICAL_CRDS must name a folder with the canonical definitions"]
fn the_canonical_definitions_take_our_reports() {
    let folder = PathBuf::from(std::env::var_os(CANONICAL_CRDS).expect(CANONICAL_CRDS));
    for file in ["wg-wgpolicyk8s.io_policyreports.yaml", "kyverno-wgpolicyk8s.io_policyreports.yaml"] {
        let yaml = std::fs::read_to_string(folder.join(file)).unwrap();
        let canonical: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_takes_reports(&canonical, file);
        assert_same_fields(schema_of(&definition()), schema_of(&canonical), file);
    }
}

/// Ours must not prune what other engines write.
fn assert_same_fields(ours: &Value, canonical: &Value, path: &str) {
    let required = |schema: &Value| -> BTreeSet<String> {
        schema["required"].as_array().into_iter().flatten().map(Value::to_string).collect()
    };
    assert_eq!(required(ours), required(canonical), "{path}: required");
    assert_eq!(ours["type"], canonical["type"], "{path}");
    for (name, field) in canonical["properties"].as_object().into_iter().flatten() {
        let ours = ours["properties"].get(name).unwrap_or_else(|| panic!("{path}.{name} is missing"));
        assert_same_fields(ours, field, &format!("{path}.{name}"));
    }
    for keyword in ["items", "additionalProperties"] {
        assert_eq!(ours.get(keyword).is_some(), canonical.get(keyword).is_some(), "{path}: {keyword}");
        if let (Some(ours), Some(canonical)) = (ours.get(keyword), canonical.get(keyword)) {
            assert_same_fields(ours, canonical, &format!("{path}[]"));
        }
    }
}

/// The rules of a structural schema, as far as our types could break them
/// (`k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go`).
fn assert_structural(schema: &Value, path: &str, described: bool) {
    let fields = schema.as_object().unwrap_or_else(|| panic!("{path} is no schema: {schema}"));
    let allowed = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    ];
    for keyword in fields.keys() {
        assert!(
            allowed.contains(&keyword.as_str()) || keyword.starts_with("x-kubernetes-"),
            "{path}: {keyword}"
        );
    }
    assert!(schema["type"].is_string(), "{path}: type");
    if path == ".metadata" {
        // The API server has a schema of its own for it, and refuses a definition that says more.
        assert_eq!(*schema, serde_json::json!({ "type": "object" }));
        return;
    }
    assert!(!described || schema["description"].is_string(), "{path}: description");
    let both = fields.contains_key("properties") && fields.contains_key("additionalProperties");
    assert!(!both, "{path}: properties and additionalProperties");
    if let Some(format) = schema["format"].as_str() {
        assert!(["int32", "int64", "date", "date-time"].contains(&format), "{path}: {format}");
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        assert_structural(field, &format!("{path}.{name}"), true);
    }
    for nested in ["items", "additionalProperties"].into_iter().filter_map(|keyword| schema.get(keyword)) {
        assert_structural(nested, &format!("{path}[]"), false);
    }
}

#[test]
fn our_definitions_are_structural_and_described() {
    assert_structural(schema_of(&definition()), "", true);
    let policy = serde_json::to_value(tag_policy_crd().unwrap()).unwrap();
    assert_structural(&policy["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", true);
}

#[test]
fn our_definition_serves_one_version_and_shows_what_it_is_about() {
    let definition = definition();
    assert_eq!(definition["metadata"]["name"], "policyreports.wgpolicyk8s.io");
    let versions = definition["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!((&versions[0]["name"], &versions[0]["storage"]), (&json!("v1alpha2"), &json!(true)));
    let columns = versions[0]["additionalPrinterColumns"].as_array().unwrap();
    let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Kind", "Name", "Pass", "Fail", "Warn", "Error", "Skip", "Age"]);
    assert!(
        columns.iter().all(|column| column.get("priority").is_none()),
        "a priority hides it without -o wide"
    );
}

/// A reader of both kinds finds the same versions, fields and columns.
#[test]
fn the_definition_for_clusters_differs_in_its_names_and_scope_alone() {
    let mut cluster = serde_json::to_value(cluster_policy_report_crd().unwrap()).unwrap();
    assert_eq!(cluster["metadata"]["name"], "clusterpolicyreports.wgpolicyk8s.io");
    assert_eq!(cluster["spec"]["scope"], "Cluster");
    let names = json!({
        "kind": "ClusterPolicyReport", "listKind": "ClusterPolicyReportList", "plural": "clusterpolicyreports",
        "shortNames": ["cpolr"], "singular": "clusterpolicyreport",
    });
    assert_eq!(cluster["spec"]["names"], names);
    let ours = definition();
    for place in ["/metadata/name", "/spec/scope", "/spec/names"] {
        *cluster.pointer_mut(place).unwrap() = ours.pointer(place).unwrap().clone();
    }
    assert_eq!(cluster, ours);
}

#[test]
fn the_yaml_is_the_definition() {
    let read: Value = serde_saphyr::from_str(&crd_yaml(&policy_report_crd().unwrap()).unwrap()).unwrap();
    assert_eq!(read, definition());
}
