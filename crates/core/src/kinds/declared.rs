//! A custom kind that a policy declares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A custom kind that holds a pod template. Several entries for one kind add up; they take the place of what tagwatch
/// knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomWorkload {
    /// API group, such as `argoproj.io`.
    #[schemars(length(min = 1, max = 253))]
    pub group: String,
    /// Version, such as `v1alpha1`.
    #[schemars(length(min = 1, max = 63))]
    pub version: String,
    /// Kind, such as `Rollout`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Path of the pod template from the object's root, such as `spec.template`: fields joined by dots. `[*]` behind a
    /// field stands for each item of its list (`spec.tasks[*].template`), `*` for each value of a mapping
    /// (`spec.replicaSpecs.*.template`).
    #[schemars(length(min = 1, max = 512))]
    pub template_path: String,
}
