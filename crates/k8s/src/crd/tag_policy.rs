//! The definition of `TagPolicy`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tagwatch_core::policy::TagPolicySpec;

use super::{CrdError, column, definition, names_of};
use crate::schema::open_api_schema;
use crate::tag_policy::{TagPolicy, TagPolicyStatus};

/// What counts as a violation, for whom, and what is exempt. tagwatch evaluates by the one policy that its argument
/// `--policy` names, `default` by default, and by the recommended profile where there is none.
#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is wanted: the controller reads the spec more patiently")]
struct TagPolicySchema {
    /// Version of this representation: `tagwatch.dev/v1alpha1`.
    api_version: Option<String>,
    /// Kind of this object: `TagPolicy`.
    kind: Option<String>,
    /// Standard object metadata, as in every Kubernetes object.
    #[serde(default)]
    #[schemars(schema_with = "crate::schema::object_schema")]
    metadata: ObjectMeta,
    /// The policy that workloads are checked against.
    #[serde(default)]
    spec: TagPolicySpec,
    /// What tagwatch says of it.
    status: Option<TagPolicyStatus>,
}

/// The definition of `TagPolicy`.
pub fn tag_policy_crd() -> Result<CustomResourceDefinition, CrdError> {
    let status = json!({ "status": {} });
    let schema = open_api_schema::<TagPolicySchema>();
    definition(&names_of::<TagPolicy>(), "Cluster", None, Some(&status), &printer_columns(), &schema)
}

/// What `kubectl get` shows: of the status, what its first installation says. Most policies have one.
fn printer_columns() -> Value {
    let status = ".status.instances[0]";
    let ready = format!("{status}.conditions[?(@.type==\"Ready\")]");
    let mut reason = column("Reason", "string", &format!("{ready}.reason"));
    reason["priority"] = json!(1);
    json!([
        column("Profile", "string", ".spec.profile"),
        column("Ready", "string", &format!("{ready}.status")),
        reason,
        column("Workloads", "integer", &format!("{status}.workloads.total")),
        column("Violating", "integer", &format!("{status}.workloads.violating")),
        column("Fail", "integer", &format!("{status}.results.fail")),
        column("Warn", "integer", &format!("{status}.results.warn")),
        column("Error", "integer", &format!("{status}.results.error")),
        column("Skip", "integer", &format!("{status}.results.skip")),
        column("Age", "date", ".metadata.creationTimestamp"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enums<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
        match schema {
            Value::Object(fields) => {
                found.extend(fields.get("enum"));
                fields.values().for_each(|field| enums(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| enums(item, found)),
            _ => {}
        }
    }

    #[test]
    fn null_is_no_word_of_a_choice() {
        let definition = serde_json::to_value(tag_policy_crd().unwrap()).unwrap();
        let mut found = Vec::new();
        enums(&definition, &mut found);
        let words: Vec<&Value> = found.iter().filter_map(|words| words.as_array()).flatten().collect();
        assert!(words.iter().any(|word| **word == "critical"));
        assert!(words.iter().all(|word| word.is_string()), "{words:?}");
    }
}
