//! An issue as JSON.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::exemption::{AppliedExemption, ExemptionSource};
use tagwatch_core::issue::{ImageChange, Interval};
use tagwatch_core::outcome::Severity;
use tagwatch_core::workload::ContainerType;

use crate::remedy::{Remedy, remedies};
use crate::snapshot::{WorkloadIssue, evidence_line};
use crate::text::seconds;
use crate::url::address;
use crate::view::View;

/// One finding of one rule for one container.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueRecord {
    /// Key of the result in the workload's report.
    pub(crate) id: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub(crate) severity: &'static str,
    /// `fail`, `error`, `warn`, or `skip` where it is exempt.
    pub(crate) result: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) category: &'static str,
    pub(crate) namespace: String,
    /// `Kind` of the workloads of Kubernetes itself, else `Kind.group`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The value of the first label that the policy's `metricLabels` name; null where the namespace has none.
    pub(crate) team: Option<String>,
    pub(crate) container: String,
    /// `container`, `init`, `sidecar`, `ephemeral` or `imageVolume`.
    pub(crate) container_type: &'static str,
    /// The image as written.
    pub(crate) image: String,
    /// How mutable the image's reference is.
    pub(crate) tag_class: Option<&'static str>,
    /// The pull policy that counts.
    pub(crate) effective_pull_policy: Option<&'static str>,
    pub(crate) message: String,
    /// When it was first seen, in RFC 3339.
    pub(crate) first_seen: String,
    /// Whole seconds since it was first seen.
    pub(crate) age_seconds: u64,
    pub(crate) exemption: Option<ExemptionRecord>,
    /// Path of its page.
    pub(crate) path: String,
}

/// What exempts an issue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExemptionRecord {
    pub(crate) reason: String,
    /// Where it is written.
    pub(crate) source: String,
    /// The last day on which it counts, in UTC.
    pub(crate) expires: Option<String>,
}

/// Issues of one page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuePage {
    /// Issues that the filter admits, on all pages.
    pub(crate) total: usize,
    /// Number of this page, from 1.
    pub(crate) page: usize,
    pub(crate) pages: usize,
    pub(crate) issues: Vec<IssueRecord>,
}

/// An issue with everything that its page shows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueDetails {
    #[serde(flatten)]
    pub(crate) issue: IssueRecord,
    /// What the rule is about.
    pub(crate) summary: &'static str,
    /// How to fix it, in words.
    pub(crate) resolution: String,
    /// The place, as YAML.
    pub(crate) evidence: String,
    /// The line of the evidence that is the matter, from 1.
    pub(crate) evidence_line: usize,
    /// Path of the image field from the object's root.
    pub(crate) field_path: String,
    pub(crate) remedies: Vec<Remedy>,
    /// Seconds of the finding, in all its times together, without those in which it is exempt.
    pub(crate) violated_seconds: u64,
    /// Whether the report may have dropped older times of it.
    pub(crate) violated_longer: bool,
    /// Times in which the same rule had a finding in the same container before.
    pub(crate) closed: Vec<IntervalRecord>,
    pub(crate) image_changes: Vec<ImageChangeRecord>,
}

/// A time in which a rule had a finding, and which is over.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntervalRecord {
    pub(crate) rule: String,
    pub(crate) container: String,
    /// As in an issue; null where the report does not say.
    pub(crate) container_type: Option<&'static str>,
    /// Its image at the end.
    pub(crate) image: String,
    /// Its severity at the end; null where the report does not say.
    pub(crate) severity: Option<&'static str>,
    /// Its pull policy at the end as written, `unset` where it was not; null where the report does not say.
    pub(crate) pull_policy: Option<String>,
    /// What was wrong at the end; null where the report does not say.
    pub(crate) message: Option<String>,
    pub(crate) from: String,
    pub(crate) until: String,
    /// How it ended: `fixed`, `exempted`, `rule-off`, or `resolved` where that is not known.
    pub(crate) ending: &'static str,
}

/// A container that came to name another image.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageChangeRecord {
    pub(crate) container: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) at: String,
}

impl IssueRecord {
    pub(crate) fn new(found: WorkloadIssue<'_>, now: Timestamp) -> Self {
        let WorkloadIssue { workload, issue } = found;
        Self {
            id: issue.id.to_string(),
            severity: issue.severity.as_str(),
            result: issue.outcome.as_str(),
            policy: issue.rule.group.as_str(),
            rule: issue.rule.id,
            category: issue.rule.category,
            namespace: workload.namespace.json().to_owned(),
            kind: workload.kind.json().to_owned(),
            name: workload.name.json().to_owned(),
            team: workload.team.as_ref().map(|team| team.json().to_owned()),
            container: issue.container.json().to_owned(),
            container_type: issue.container_type.as_str(),
            image: issue.image.json().to_owned(),
            tag_class: Some(issue.tag_class.as_str()),
            effective_pull_policy: Some(issue.effective_pull_policy.as_str()),
            message: issue.message.json().to_owned(),
            first_seen: issue.first_seen.to_string(),
            age_seconds: seconds(issue.first_seen, now),
            exemption: issue.exemption.as_ref().map(ExemptionRecord::new),
            path: address("/issues", &[&issue.id.to_string().into()]),
        }
    }
}

impl ExemptionRecord {
    pub(crate) fn new(exemption: &AppliedExemption) -> Self {
        let AppliedExemption { reason, source, expires } = exemption;
        let source = match source {
            ExemptionSource::Policy(index) => format!("spec.exemptions[{index}] of the policy"),
            ExemptionSource::Annotation(level) => format!("annotation of the {}", level.words()),
        };
        Self { reason: reason.json().to_owned(), source, expires: expires.map(|day| day.to_string()) }
    }
}

impl IssueDetails {
    pub(crate) fn new(view: &View, found: WorkloadIssue<'_>) -> Self {
        let WorkloadIssue { workload, issue } = found;
        Self {
            issue: IssueRecord::new(found, view.now),
            summary: issue.rule.summary,
            resolution: issue.resolution.json().to_owned(),
            evidence: issue.evidence.json().to_owned(),
            evidence_line: evidence_line(issue) + 1,
            field_path: issue.field_path.clone(),
            remedies: remedies(workload, issue),
            violated_seconds: workload
                .times_of(issue)
                .into_iter()
                .map(|(from, until)| seconds(from, until.unwrap_or(view.now)))
                .sum(),
            violated_longer: workload.is_history_full,
            closed: workload
                .closed
                .iter()
                .filter(|closed| workload.is_past_of(closed, issue))
                .map(IntervalRecord::new)
                .collect(),
            image_changes: workload
                .image_changes
                .iter()
                .filter(|change| change.container == issue.container)
                .map(ImageChangeRecord::new)
                .collect(),
        }
    }
}

impl IntervalRecord {
    pub(crate) fn new(interval: &Interval) -> Self {
        let Interval {
            id: _,
            rule,
            container,
            container_type,
            image,
            severity,
            pull_policy,
            message,
            from,
            until,
            ending,
        } = interval;
        Self {
            rule: rule.json().to_owned(),
            container: container.json().to_owned(),
            container_type: container_type.map(ContainerType::as_str),
            image: image.json().to_owned(),
            severity: severity.map(Severity::as_str),
            pull_policy: pull_policy.as_ref().map(|policy| policy.json().to_owned()),
            message: Some(message.json().to_owned()).filter(|message| !message.is_empty()),
            from: from.to_string(),
            until: until.to_string(),
            ending: ending.as_str(),
        }
    }
}

impl ImageChangeRecord {
    pub(crate) fn new(change: &ImageChange) -> Self {
        let ImageChange { container, from, to, at } = change;
        Self {
            container: container.json().to_owned(),
            from: from.json().to_owned(),
            to: to.json().to_owned(),
            at: at.to_string(),
        }
    }
}
