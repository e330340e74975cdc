//! The object as the API server holds it.

use std::borrow::Cow;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tagwatch_core::policy::{API_VERSION, KIND};

use super::TagPolicyStatus;

const GROUP: &str = "tagwatch.dev";
const VERSION: &str = "v1alpha1";
const PLURAL: &str = "tagpolicies";

/// A `TagPolicy`.
///
/// The spec is kept as it came: one that this version cannot read must not keep the object from being read, for its
/// status says so. The same goes for a status that somebody else wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagPolicy {
    /// Version of this representation.
    #[serde(default = "api_version")]
    pub api_version: Cow<'static, str>,
    /// Kind of this object.
    #[serde(default = "kind")]
    pub kind: Cow<'static, str>,
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What somebody wrote.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub spec: Value,
    /// What tagwatch says of it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

impl TagPolicy {
    /// The status, where there is one that this version can read.
    pub fn read_status(&self) -> Option<TagPolicyStatus> {
        TagPolicyStatus::deserialize(&self.status).ok()
    }
}

fn api_version() -> Cow<'static, str> {
    API_VERSION.into()
}

fn kind() -> Cow<'static, str> {
    KIND.into()
}

impl kube_core::Resource for TagPolicy {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        kind()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_and_version_are_those_of_policy_files() {
        assert_eq!(format!("{GROUP}/{VERSION}"), API_VERSION);
    }

    #[test]
    fn whatever_the_spec_and_the_status_hold_the_object_is_read() {
        let text = r#"{ "metadata": { "name": "default" }, "spec": { "profile": 7 }, "status": { "conditions": "no" } }"#;
        let policy: TagPolicy = serde_json::from_str(text).unwrap();
        assert_eq!(policy.spec["profile"], 7);
        assert_eq!(policy.read_status(), None);
    }
}
