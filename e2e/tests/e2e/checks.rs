//! The form that every report has.

use std::collections::{BTreeMap, BTreeSet};

use kube::{ResourceExt, api::DynamicObject};
use serde_json::{Value, json};

use crate::report::Report;

const POLICIES: [(&str, &str); 3] =
    [("image-tag", "Mutable Tags"), ("image-pull-policy", "Pull Policy"), ("image-drift", "Image Drift")];
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];
/// In the order of a report.
const OUTCOMES: [&str; 5] = ["fail", "error", "warn", "skip", "pass"];
const PROPERTIES: [&str; 10] = [
    "container",
    "containerType",
    "effectivePullPolicy",
    "evidence",
    "fieldPath",
    "firstSeen",
    "image",
    "imagePullPolicy",
    "resultID",
    "tagClass",
];
const MAX_REPORT: usize = 512 * 1024;

/// Asserts that a report about `owner` has the form that every consumer can rely on.
pub(crate) fn form(report: &Report, owner: &DynamicObject) {
    let (uid, name) = (owner.uid().unwrap(), owner.name_any());
    let types = owner.types.as_ref().unwrap();
    let (api_version, kind) = (types.api_version.as_str(), types.kind.as_str());

    let start = format!("tagwatch-{}-{name}-", kind.to_lowercase());
    let report_name = report.name();
    let digits = report_name.strip_prefix(&start).unwrap_or_else(|| panic!("{report_name}"));
    if ["v1", "apps/v1", "batch/v1"].contains(&api_version) {
        assert_eq!(*digits, uid[..8]);
    } else {
        // Of what a user may write into an owner reference, more than the start of a UID.
        assert!(digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
    }
    assert!(report.is_ours(), "{:?}", report.0.labels());
    // Neither `controller` nor `blockOwnerDeletion`.
    let owners = json!([{ "apiVersion": api_version, "kind": kind, "name": name, "uid": uid }]);
    assert_eq!(serde_json::to_value(report.0.owner_references()).unwrap(), owners);
    let scope = json!({
        "apiVersion": api_version, "kind": kind, "namespace": owner.namespace(), "name": name, "uid": uid
    });
    assert_eq!(*report.scope(), scope);
    assert_eq!(*report.summary(), json!(summary(report)));
    results(report);
    assert!(serde_json::to_vec(&report.0).unwrap().len() <= MAX_REPORT);
}

/// All five counters, as the results have them.
fn summary(report: &Report) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::from(OUTCOMES.map(|outcome| (outcome, 0)));
    for result in report.results() {
        *counts.get_mut(result["result"].as_str().unwrap()).unwrap() += 1;
    }
    counts
}

fn results(report: &Report) {
    let mut ids = BTreeSet::new();
    let mut order = Vec::new();
    let container = |result: &Value| result["properties"]["container"].to_string();
    for result in report.results() {
        form_of_result(result);
        let id = &result["properties"]["resultID"];
        assert!(ids.insert(id.as_str().unwrap()), "twice: {id}");
        let outcome = OUTCOMES.iter().position(|outcome| result["result"] == *outcome).unwrap();
        order.push((outcome, result["policy"].to_string(), result["rule"].to_string(), container(result)));
    }
    assert!(order.is_sorted(), "failing first, then by policy, rule and container: {:?}", report.verdicts());
}

fn form_of_result(result: &Value) {
    let text = |name: &str| result[name].as_str().unwrap_or_else(|| panic!("{name} in {result}"));
    assert_eq!(text("source"), "tagwatch");
    assert!(POLICIES.contains(&(text("policy"), text("category"))), "{result}");
    assert!(SEVERITIES.contains(&text("severity")), "{result}");
    let advice = matches!(text("result"), "warn" | "skip");
    assert_eq!(result["scored"], json!(!advice), "{result}");
    assert!(result.get("resources").is_none() && result.get("resourceSelector").is_none(), "{result}");

    let properties: BTreeMap<&str, &str> = result["properties"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    for name in PROPERTIES {
        assert!(properties.contains_key(name), "no {name} in {result}");
    }
    assert_eq!(properties.contains_key("resolution"), text("result") != "pass", "{result}");
    let id = properties["resultID"];
    assert!(id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    bounds(text("message"), &properties);

    let first_seen: k8s_openapi::jiff::Timestamp = properties["firstSeen"].parse().unwrap();
    assert_eq!(result["timestamp"], json!({ "seconds": first_seen.as_second(), "nanos": 0 }));
}

fn bounds(message: &str, properties: &BTreeMap<&str, &str>) {
    assert!(message.contains(properties["container"]), "{message}");
    assert!(message.chars().count() <= 512, "{message}");
    for (name, value) in properties {
        let limit = match *name {
            "evidence" => 2048,
            "image" | "resolution" => 1024,
            _ => 256,
        };
        assert!(value.len() <= limit, "{name} has {} bytes", value.len());
    }
}
