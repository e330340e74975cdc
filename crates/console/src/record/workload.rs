//! A workload as JSON.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::outcome::Outcome;

use super::IssueRecord;
use super::issue::{ImageChangeRecord, IntervalRecord};
use crate::snapshot::{ContainerFacts, Workload, WorkloadIssue};
use crate::url::address;

/// A workload that was checked, with its containers and issues.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadRecord {
    pub(crate) namespace: String,
    /// `Kind` of the workloads of Kubernetes itself, else `Kind.group`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The value of the first label that the policy's `metricLabels` name; null where the namespace has none.
    pub(crate) team: Option<String>,
    /// `violating`, `error`, `exempt` or `compliant`.
    pub(crate) status: &'static str,
    /// Why the status is an error, where no issue says it.
    pub(crate) reason: Option<String>,
    pub(crate) containers: Vec<ContainerRecord>,
    /// Violations and warnings: results that are neither a pass nor exempt.
    pub(crate) findings: usize,
    /// Fails and errors.
    pub(crate) violations: usize,
    /// Path of its page.
    pub(crate) path: String,
}

/// A container of the pod template, or an image volume.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerRecord {
    pub(crate) name: String,
    /// `container`, `init`, `sidecar`, `ephemeral` or `imageVolume`.
    pub(crate) container_type: &'static str,
    /// The image as written.
    pub(crate) image: String,
    /// How mutable the image's reference is.
    pub(crate) tag_class: &'static str,
    /// The pattern by which the class was found.
    pub(crate) matched: Option<String>,
    /// The pull policy as written; null where it is unset.
    pub(crate) image_pull_policy: Option<String>,
    /// The pull policy that counts.
    pub(crate) effective_pull_policy: &'static str,
}

/// Workloads of one page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadPage {
    /// Workloads that the filter admits, on all pages.
    pub(crate) total: usize,
    /// Number of this page, from 1.
    pub(crate) page: usize,
    pub(crate) pages: usize,
    pub(crate) workloads: Vec<WorkloadRecord>,
}

/// A workload with all that was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadDetails {
    #[serde(flatten)]
    pub(crate) workload: WorkloadRecord,
    pub(crate) issues: Vec<IssueRecord>,
    /// What was found and is over.
    pub(crate) closed: Vec<IntervalRecord>,
    pub(crate) image_changes: Vec<ImageChangeRecord>,
}

impl WorkloadRecord {
    pub(crate) fn new(workload: &Workload) -> Self {
        let [namespace, kind, name] =
            [&workload.namespace, &workload.kind, &workload.name].map(|text| text.json().to_owned());
        Self {
            path: address("/workloads", &[&workload.namespace, &workload.kind, &workload.name]),
            namespace,
            kind,
            name,
            team: workload.team.as_ref().map(|team| team.json().to_owned()),
            status: workload.status.as_str(),
            reason: workload.reason.clone(),
            containers: workload.containers.iter().map(ContainerRecord::new).collect(),
            findings: workload.open().count(),
            violations: workload.open().filter(|issue| issue.outcome != Outcome::Warn).count(),
        }
    }
}

impl ContainerRecord {
    fn new(container: &ContainerFacts) -> Self {
        let ContainerFacts {
            name,
            container_type,
            image,
            tag_class,
            matched,
            pull_policy,
            effective_pull_policy,
            edit_mode: _,
            allowed_pull_policies: _,
            fix: _,
            closing: _,
        } = container;
        Self {
            name: name.json().to_owned(),
            container_type: container_type.as_str(),
            image: image.json().to_owned(),
            tag_class: tag_class.as_str(),
            matched: matched.as_ref().map(|text| text.json().to_owned()),
            image_pull_policy: pull_policy.as_ref().map(|text| text.json().to_owned()),
            effective_pull_policy: effective_pull_policy.as_str(),
        }
    }
}

impl WorkloadDetails {
    pub(crate) fn new(workload: &Workload, now: Timestamp) -> Self {
        let issues = workload.issues.iter().map(|issue| WorkloadIssue { workload, issue });
        Self {
            workload: WorkloadRecord::new(workload),
            issues: issues.map(|found| IssueRecord::new(found, now)).collect(),
            closed: workload.closed.iter().map(IntervalRecord::new).collect(),
            image_changes: workload.image_changes.iter().map(ImageChangeRecord::new).collect(),
        }
    }
}
