//! The object as the API server holds it.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use k8s_openapi::{ClusterResourceScope, Metadata, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::InstanceStatus;

/// A `TagPolicy`.
///
/// The spec is kept as it came: the object must be readable even where this version cannot read its spec, so that its
/// status can say so. The same holds for a status that another program wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagPolicy {
    /// Version of this representation.
    #[serde(default = "api_version")]
    pub api_version: Cow<'static, str>,
    /// Kind of this object.
    #[serde(default = "kind")]
    pub kind: Cow<'static, str>,
    /// Standard object metadata, as in every Kubernetes object.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The spec as it was written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub spec: Value,
    /// The status as tagwatch wrote it: see [`TagPolicyStatus`](super::TagPolicyStatus).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

impl TagPolicy {
    /// What an installation has written into the status, where this version can read it.
    pub fn read_status(&self, instance: &str) -> Option<InstanceStatus> {
        let entries = self.status.get("instances")?.as_array()?;
        let entry = entries.iter().find(|entry| entry["name"] == instance)?;
        InstanceStatus::deserialize(entry).ok()
    }

    /// Whether an installation comes before all others in the status by its name: it writes the conditions of the whole.
    pub fn is_first(&self, instance: &str) -> bool {
        let entries = self.status.get("instances").and_then(Value::as_array);
        let names = entries.into_iter().flatten().filter_map(|entry| entry["name"].as_str());
        names.min().is_none_or(|first| instance <= first)
    }

    /// Whether these are the conditions of the whole status.
    pub fn has_conditions(&self, wanted: &[Condition]) -> bool {
        let stored = self.status.get("conditions").map(Vec::<Condition>::deserialize);
        stored.is_some_and(|stored| stored.is_ok_and(|stored| stored == wanted))
    }
}

fn api_version() -> Cow<'static, str> {
    TagPolicy::API_VERSION.into()
}

fn kind() -> Cow<'static, str> {
    TagPolicy::KIND.into()
}

impl Resource for TagPolicy {
    const API_VERSION: &'static str = tagwatch_core::policy::API_VERSION;
    const GROUP: &'static str = "tagwatch.dev";
    const KIND: &'static str = tagwatch_core::policy::KIND;
    const VERSION: &'static str = "v1alpha1";
    const URL_PATH_SEGMENT: &'static str = "tagpolicies";
    type Scope = ClusterResourceScope;
}

impl Metadata for TagPolicy {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn group_and_version_are_those_of_policy_files() {
        assert_eq!(format!("{}/{}", TagPolicy::GROUP, TagPolicy::VERSION), TagPolicy::API_VERSION);
    }

    #[test]
    fn whatever_the_spec_and_the_status_hold_the_object_is_read() {
        for status in [
            json!("no"),
            json!({ "instances": 7 }),
            json!({ "instances": [{ "name": "a", "conditions": "no" }] }),
        ] {
            let object =
                json!({ "metadata": { "name": "default" }, "spec": { "profile": 7 }, "status": status });
            let policy: TagPolicy = serde_json::from_value(object).unwrap();
            assert_eq!(policy.spec["profile"], 7);
            assert_eq!(policy.read_status("a"), None);
        }
    }

    #[test]
    fn each_installation_reads_its_own_entry() {
        let entries =
            json!([{ "name": "a", "observedGeneration": 1 }, 7, { "name": "b", "observedGeneration": 2 }]);
        let object = json!({ "metadata": { "name": "default" }, "status": { "instances": entries } });
        let policy: TagPolicy = serde_json::from_value(object).unwrap();
        let generation = |instance| policy.read_status(instance).map(|status| status.observed_generation);
        assert_eq!((generation("a"), generation("b"), generation("c")), (Some(1), Some(2), None));
        let first = ["a", "b", "c", "A"].map(|instance| policy.is_first(instance));
        assert_eq!(first, [true, false, false, true]);
    }
}
