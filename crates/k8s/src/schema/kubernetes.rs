//! Schemas of the types that come from Kubernetes, as the API server publishes them.
//!
//! k8s-openapi would generate them too, by a feature that gives one to each of its thousand types and so takes longer to
//! compile than the rest of the crate.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// The schema of `ObjectReference`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(
    description = "ObjectReference contains enough information to let you inspect or modify the referred object."
)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub(crate) struct ObjectReferenceSchema {
    #[schemars(description = "API version of the referent.")]
    api_version: Option<String>,
    #[schemars(
        description = "If referring to a piece of an object instead of an entire object, this string should contain a valid \
        JSON/Go field access statement, such as desiredState.manifest.containers[2]. For example, if the \
        object reference is to a container within a pod, this would take on a value like: \
        \"spec.containers{name}\" (where \"name\" refers to the name of the container that triggered the \
        event) or if no container name is specified \"spec.containers[2]\" (container with index 2 in this \
        pod). This syntax is chosen only to have some well-defined way of referencing a part of an object."
    )]
    field_path: Option<String>,
    #[schemars(description = "Kind of the referent. More info: \
        https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds")]
    kind: Option<String>,
    #[schemars(description = "Name of the referent. More info: \
        https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names")]
    name: Option<String>,
    #[schemars(description = "Namespace of the referent. More info: \
        https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/")]
    namespace: Option<String>,
    #[schemars(
        description = "Specific resourceVersion to which this reference is made, if any. More info: \
        https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#concurrency-control-and-consistency"
    )]
    resource_version: Option<String>,
    #[schemars(description = "UID of the referent. More info: \
        https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids")]
    uid: Option<String>,
}

/// The schema of `LabelSelector`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is wanted")]
pub(crate) struct LabelSelectorSchema {
    #[schemars(
        description = "matchExpressions is a list of label selector requirements. The requirements are ANDed."
    )]
    match_expressions: Option<Vec<LabelSelectorRequirementSchema>>,
    #[schemars(
        description = "matchLabels is a map of {key,value} pairs. A single {key,value} in the matchLabels map is equivalent \
        to an element of matchExpressions, whose key field is \"key\", the operator is \"In\", and the values \
        array contains only \"value\". The requirements are ANDed."
    )]
    match_labels: Option<BTreeMap<String, String>>,
}

/// The schema of `LabelSelectorRequirement`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(
    description = "A label selector requirement is a selector that contains values, a key, and an operator that relates the \
    key and values."
)]
#[expect(dead_code, reason = "only its schema is wanted")]
struct LabelSelectorRequirementSchema {
    #[schemars(description = "key is the label key that the selector applies to.")]
    key: String,
    #[schemars(
        description = "operator represents a key's relationship to a set of values. Valid operators are In, NotIn, Exists and \
        DoesNotExist."
    )]
    operator: String,
    #[schemars(
        description = "values is an array of string values. If the operator is In or NotIn, the values array must be \
        non-empty. If the operator is Exists or DoesNotExist, the values array must be empty. This array is \
        replaced during a strategic merge patch."
    )]
    values: Option<Vec<String>>,
}

/// The schema of `Condition`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(
    description = "Condition contains details for one aspect of the current state of this API Resource."
)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub(crate) struct ConditionSchema {
    #[schemars(
        description = "lastTransitionTime is the last time the condition transitioned from one status to another. This should \
        be when the underlying condition changed.  If that is not known, then using the time when the API \
        field changed is acceptable."
    )]
    #[schemars(extend("format" = "date-time"))]
    last_transition_time: String,
    #[schemars(
        description = "message is a human readable message indicating details about the transition. This may be an empty \
        string."
    )]
    message: String,
    #[schemars(
        description = "observedGeneration represents the .metadata.generation that the condition was set based upon. For \
        instance, if .metadata.generation is currently 12, but the .status.conditions[x].observedGeneration is \
        9, the condition is out of date with respect to the current state of the instance."
    )]
    observed_generation: Option<i64>,
    #[schemars(
        description = "reason contains a programmatic identifier indicating the reason for the condition's last transition. \
        Producers of specific condition types may define expected values and meanings for this field, and \
        whether the values are considered a guaranteed API. The value should be a CamelCase string. This field \
        may not be empty."
    )]
    reason: String,
    #[schemars(description = "status of the condition, one of True, False, Unknown.")]
    status: String,
    #[schemars(description = "type of condition in CamelCase or in foo.example.com/CamelCase.")]
    r#type: String,
}
