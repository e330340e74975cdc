//! What tagwatch says of a policy.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::ConditionSchema;

/// What each installation of tagwatch says of a policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TagPolicyStatus {
    /// What the first installation by name says, for `kubectl wait --for=condition=Ready`. The others leave it alone.
    #[schemars(with = "Vec<ConditionSchema>")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// One entry for each installation that uses the policy. Each owns its entry by server-side apply.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub instances: Vec<InstanceStatus>,
}

/// What one installation of tagwatch says of a policy, and of the cluster by it. Counts and remarks are absent from a change of
/// the policy until every workload is evaluated by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
// The key of the list, and the API server wants keys that are always there.
#[schemars(extend("required" = ["name"]))]
pub struct InstanceStatus {
    /// The installation, as `--instance` names it.
    pub name: String,
    /// The generation of the spec that this status is about.
    pub observed_generation: i64,
    /// `Ready`: the cluster is evaluated by this spec. `Degraded`: something is missing or not as it should be.
    #[schemars(with = "Vec<ConditionSchema>")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The spec that the cluster is evaluated by: the last valid one. It survives a restart here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedSpec>,
    /// The workloads that the policy was checked against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workloads: Option<WorkloadCounts>,
    /// Results of all reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<ResultCounts>,
    /// Results that are no pass, by rule and severity.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["rule", "severity"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleCounts>>,
    /// Exemptions of the policy and of annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemptions: Option<ExemptionCounts>,
    /// Parts of the spec that have no effect in the cluster as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ineffective: Option<IneffectiveParts>,
    /// Kinds whose templates are not checked, as `Kind.group`: those that control live pods and that are not watched, those
    /// with objects in which no template path leads to containers, and declared ones that the API server does not serve.
    pub not_covered: Vec<String>,
}

/// A spec that is in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AcceptedSpec {
    /// The generation that it had.
    pub generation: i64,
    /// The spec as it was written in that generation.
    #[schemars(schema_with = "any_object")]
    pub spec: Value,
}

/// The API server checked it when it was applied.
fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Checked workloads by status, each counted once, under the worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadCounts {
    /// All workloads that were checked.
    pub total: i64,
    /// With at least one fail.
    pub violating: i64,
    /// With something that could not be checked.
    pub error: i64,
    /// With nothing but exempt violations.
    pub exempt: i64,
    /// Without any; a warning alone is compliant.
    pub compliant: i64,
}

/// Results by what they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResultCounts {
    /// Findings that are violations.
    pub fail: i64,
    /// What could not be checked.
    pub error: i64,
    /// Findings that are advice, which is not scored.
    pub warn: i64,
    /// Findings that an exemption covers.
    pub skip: i64,
    /// Groups of rules that found nothing in a container.
    pub pass: i64,
}

/// Results of one rule in one severity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
// Both are keys of the list, and the API server wants keys that are always there.
#[schemars(extend("required" = ["rule", "severity"]))]
pub struct RuleCounts {
    /// The id of the rule.
    pub rule: String,
    /// The severity that the policy gives these findings.
    pub severity: String,
    /// Findings that are violations.
    pub fail: i64,
    /// What could not be checked.
    pub error: i64,
    /// Findings that are advice, which is not scored.
    pub warn: i64,
    /// Findings that an exemption covers.
    pub skip: i64,
}

/// Exemptions by what has come of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExemptionCounts {
    /// Those that exempt something.
    pub active: i64,
    /// Those whose last day is over.
    pub expired: i64,
    /// Those that exempt nothing.
    pub unused: i64,
    /// Annotations that lack something, or that the policy does not allow.
    pub not_honoured: i64,
    /// What is wrong with those that exempt nothing: the policy's own first, then one for each annotation, the same number
    /// of each namespace.
    pub remarks: Vec<ExemptionRemark>,
    /// How many exemptions and annotations have a remark for which there is no room.
    pub omitted_remarks: i64,
}

/// An exemption that exempts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExemptionRemark {
    /// Where it stands: a field of the policy, or an object with an annotation.
    pub place: String,
    /// `expired`, `unused` or `notHonoured`.
    #[schemars(extend("enum" = ["expired", "unused", "notHonoured"]))]
    pub state: String,
    /// What is the matter.
    pub message: String,
}

/// Parts of the spec that match nothing in the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IneffectiveParts {
    /// All of them.
    pub count: i64,
    /// The first of them, in the order of the fields.
    pub remarks: Vec<IneffectivePart>,
}

/// A part of the spec that has no effect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IneffectivePart {
    /// The field of the policy.
    pub place: String,
    /// Why it has no effect.
    pub message: String,
}
