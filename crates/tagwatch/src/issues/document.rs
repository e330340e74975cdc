//! `issues -o json` and `-o yaml`: a stable contract, with a published JSON Schema.

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_client::{ListedIssues, StoredIssue};
use tagwatch_core::text::UntrustedText;

/// The open issues of a cluster or a namespace, as its reports hold them. Fields are only ever added.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IssueList {
    /// Name and version of this contract.
    #[schemars(extend("const" = IssueList::SCHEMA))]
    schema: &'static str,
    /// How many reports were read. Without one, nothing was checked here.
    reports: usize,
    /// The issues that the options admit, most severe first.
    issues: Vec<IssueEntry>,
}

/// An open finding of one rule for one container.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssueEntry {
    /// Key of the result in its report; null where the report holds none.
    id: Option<String>,
    /// Name of the `PolicyReport`, in the namespace of the workload.
    report: String,
    /// Namespace of the workload.
    namespace: String,
    /// `apiVersion` of the workload.
    api_version: String,
    /// `kind` of the workload.
    kind: String,
    /// Name of the workload.
    name: String,
    /// Name of the container, or of the volume.
    container: String,
    /// `container`, `init`, `sidecar`, `ephemeral` or `imageVolume`.
    container_type: Option<String>,
    /// Path of the image field from the object's root.
    field_path: Option<String>,
    /// The image as the report names it: what could drive a terminal is written as `\u{…}`.
    image: String,
    /// How mutable the reference of the image is.
    tag_class: Option<String>,
    /// The pull policy as written; `unset` where it is not.
    image_pull_policy: Option<String>,
    /// The pull policy that applies.
    effective_pull_policy: Option<String>,
    /// The group of the rule: `image-tag`, `image-pull-policy` or `image-drift`.
    policy: String,
    /// Name of the rule.
    rule: String,
    /// Category of the rule.
    category: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    severity: String,
    /// `fail`, `error` or `warn`; `expired` where the exemption of a finding has expired since the report was written.
    result: String,
    /// What was found, for people.
    message: String,
    /// How to fix it.
    resolution: Option<String>,
    /// Confidence of findings about digests: `likely` or `proven`.
    confidence: Option<String>,
    /// The evidence as YAML.
    evidence: Option<String>,
    /// When it was first seen, in RFC 3339.
    first_seen: Option<String>,
}

impl IssueList {
    /// Value of [`Self::schema`].
    pub(crate) const SCHEMA: &'static str = "tagwatch.dev/issues/v1";

    pub(super) fn new(listed: &ListedIssues) -> Self {
        let ListedIssues { reports, issues, left_out: _ } = listed;
        Self { schema: Self::SCHEMA, reports: *reports, issues: issues.iter().map(IssueEntry::new).collect() }
    }
}

impl IssueEntry {
    pub(super) fn new(issue: &StoredIssue) -> Self {
        let StoredIssue {
            id,
            report,
            namespace,
            api_version,
            kind,
            name,
            container,
            container_type,
            field_path,
            image,
            tag_class,
            image_pull_policy,
            effective_pull_policy,
            policy,
            rule,
            category,
            severity,
            result,
            since,
            message,
            resolution,
            confidence,
            evidence,
        } = issue;
        Self {
            id: optional(id),
            report: text(report),
            namespace: text(namespace),
            api_version: text(api_version),
            kind: text(kind),
            name: text(name),
            container: text(container),
            container_type: optional(container_type),
            field_path: optional(field_path),
            image: text(image),
            tag_class: optional(tag_class),
            image_pull_policy: optional(image_pull_policy),
            effective_pull_policy: optional(effective_pull_policy),
            policy: text(policy),
            rule: text(rule),
            category: text(category),
            severity: text(severity),
            result: text(result),
            message: text(message),
            resolution: optional(resolution),
            confidence: optional(confidence),
            evidence: optional(evidence),
            first_seen: since.map(|since| since.to_string()),
        }
    }
}

fn text(text: &UntrustedText) -> String {
    text.json().to_owned()
}

/// What the report does not hold is null.
fn optional(text: &UntrustedText) -> Option<String> {
    Some(text.json()).filter(|text| !text.is_empty()).map(str::to_owned)
}
