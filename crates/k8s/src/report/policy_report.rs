//! `PolicyReport` of `wgpolicyk8s.io/v1alpha2`, with every field that the Policy Working Group's definition has.
//!
//! The type has no `spec`, so kube's derive does not fit. Zero counters and `nanos: 0` are written out: the
//! definition requires `nanos`, and dashboards read a missing counter as unknown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{LabelSelectorSchema, ObjectReferenceSchema};

/// The findings about one object of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReport {
    /// Version of this representation: `wgpolicyk8s.io/v1alpha2`.
    #[serde(default = "api_version")]
    pub api_version: Cow<'static, str>,
    /// Kind of this object: `PolicyReport`.
    #[serde(default = "kind")]
    pub kind: Cow<'static, str>,
    /// Standard object metadata, as in every Kubernetes object.
    #[serde(default)]
    #[schemars(schema_with = "crate::schema::object_schema")]
    pub metadata: ObjectMeta,
    /// The object that the report is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectReferenceSchema>")]
    pub scope: Option<ObjectReference>,
    /// Selects the objects that the report is about, where there are several. Either this or `scope` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<LabelSelectorSchema>")]
    pub scope_selector: Option<LabelSelector>,
    /// How many results there are of each kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<ReportSummary>,
    /// One result for each rule and container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<ReportResult>>,
}

/// How many results there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportSummary {
    /// Results whose requirements are met.
    pub pass: i64,
    /// Results whose requirements are not met.
    pub fail: i64,
    /// Advice, which is not scored.
    pub warn: i64,
    /// Results that could not be checked.
    pub error: i64,
    /// Results that were exempt.
    pub skip: i64,
}

/// One result of one rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
// Another engine's report that lacks it is still read; the definition asks for it, as the upstream one does.
#[schemars(extend("required" = ["policy"]))]
pub struct ReportResult {
    /// The engine that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
    /// The policy that the rule belongs to.
    #[serde(default)]
    pub policy: Cow<'static, str>,
    /// The rule that the result is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Cow<'static, str>>,
    /// The category of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Cow<'static, str>>,
    /// How bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["critical", "high", "medium", "low", "info"]))]
    pub severity: Option<Cow<'static, str>>,
    /// What the rule found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["pass", "fail", "warn", "error", "skip"]))]
    pub result: Option<Cow<'static, str>>,
    /// Whether the result counts in a score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored: Option<bool>,
    /// What was found, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When this state was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<ReportTimestamp>,
    /// Further facts, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<Cow<'static, str>, String>>,
    /// The objects that the result is about, where they are not the report's scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<ObjectReferenceSchema>>")]
    pub resources: Option<Vec<ObjectReference>>,
    /// Selects the objects that the result is about. Either this or `resources` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<LabelSelectorSchema>")]
    pub resource_selector: Option<LabelSelector>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReportTimestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Fraction of the second, in nanoseconds, from 0 to 999,999,999.
    pub nanos: i32,
}

fn api_version() -> Cow<'static, str> {
    PolicyReport::API_VERSION.into()
}

fn kind() -> Cow<'static, str> {
    PolicyReport::KIND.into()
}

impl Default for PolicyReport {
    fn default() -> Self {
        Self {
            api_version: api_version(),
            kind: kind(),
            metadata: ObjectMeta::default(),
            scope: None,
            scope_selector: None,
            summary: None,
            results: None,
        }
    }
}

impl Resource for PolicyReport {
    const API_VERSION: &'static str = "wgpolicyk8s.io/v1alpha2";
    const GROUP: &'static str = "wgpolicyk8s.io";
    const KIND: &'static str = "PolicyReport";
    const VERSION: &'static str = "v1alpha2";
    const URL_PATH_SEGMENT: &'static str = "policyreports";
    type Scope = NamespaceResourceScope;
}

impl Metadata for PolicyReport {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
