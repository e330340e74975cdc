//! What changed, as JSON.

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use crate::changes::{Day, Knowledge};
use crate::snapshot::{Change, ChangeKind, Event, Finding};

/// Changes of one page, latest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangePage {
    /// Changes that the filter admits, on all pages and beyond.
    pub(crate) total: usize,
    /// Those that the pages list: the latest.
    pub(crate) listed: usize,
    /// Number of this page, from 1.
    pub(crate) page: usize,
    pub(crate) pages: usize,
    /// The start of the time, in RFC 3339.
    pub(crate) since: String,
    /// Issues that opened in the time, whatever kinds of change the filter names.
    pub(crate) opened: usize,
    pub(crate) resolved: usize,
    pub(crate) images_changed: usize,
    pub(crate) known: KnowledgeRecord,
    /// The last 14 days of what the filter admits, the oldest first, whatever its time and its kinds of change.
    pub(crate) days: Vec<DayRecord>,
    pub(crate) changes: Vec<ChangeRecord>,
}

/// What the counts of changes do not hold.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnowledgeRecord {
    /// When tagwatch first looked at the cluster; null before that. Nothing earlier is known.
    pub(crate) since: Option<String>,
    /// When this process started: workloads that were deleted earlier are not known. Null where that is not known.
    pub(crate) started: Option<String>,
    /// Issues of the time that the first look found: when they began is not known, so they are not among the opened ones.
    pub(crate) first_look: usize,
    /// Workloads that changed so often that changes of the time may be missing.
    pub(crate) cut: usize,
    /// Workloads that were deleted until then may be forgotten, for lack of room.
    pub(crate) forgotten: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeRecord {
    /// When it happened, in RFC 3339.
    pub(crate) at: String,
    /// `opened`, `resolved` or `image`.
    pub(crate) change: &'static str,
    /// How an issue was resolved: `fixed`, `exempted`, `rule-off` where the policy turned the rule off, `gone` where its
    /// workload is no longer checked, or `resolved` where that is not known.
    pub(crate) ending: Option<&'static str>,
    pub(crate) namespace: String,
    /// `Kind` of the workloads of Kubernetes itself, else `Kind.group`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) container: String,
    /// As in an issue; null where it is not known.
    pub(crate) container_type: Option<&'static str>,
    /// The rule of an issue.
    pub(crate) rule: Option<String>,
    /// The severity of an issue, of a resolved one at its end; null where the report of a resolved one does not say.
    pub(crate) severity: Option<&'static str>,
    /// The image of an issue, or the new one of a container.
    pub(crate) image: String,
    /// The image before.
    pub(crate) from: Option<String>,
}

/// One day in UTC. Counts are null for a day before the first look.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DayRecord {
    pub(crate) day: String,
    pub(crate) opened: Option<usize>,
    pub(crate) resolved: Option<usize>,
    /// Issues that were open at its end, or are now.
    pub(crate) open: Option<usize>,
}

impl KnowledgeRecord {
    pub(crate) fn new(knowledge: &Knowledge, first_look: usize) -> Self {
        let Knowledge { since, started, cut, forgotten } = *knowledge;
        let [since, started, forgotten] = [since, started, forgotten].map(|at| at.map(|at| at.to_string()));
        Self { since, started, first_look, cut, forgotten }
    }
}

impl ChangeRecord {
    pub(crate) fn new(change: &Change<'_>) -> Self {
        let [namespace, kind, name] = change.workload.names();
        let text = |text: &UntrustedText| text.json().to_owned();
        let record = Self {
            at: change.at.to_string(),
            change: ChangeKind::of(change).as_str(),
            ending: None,
            namespace: text(namespace),
            kind: text(kind),
            name: text(name),
            container: String::new(),
            container_type: None,
            rule: None,
            severity: None,
            image: String::new(),
            from: None,
        };
        match change.event {
            Event::Opened(Finding::Open(issue)) => Self {
                container: text(&issue.container),
                container_type: Some(issue.container_type.as_str()),
                rule: Some(issue.rule.id.to_owned()),
                severity: Some(issue.severity.as_str()),
                image: text(&issue.image),
                ..record
            },
            Event::Opened(Finding::Over(closed)) | Event::Resolved(closed, _) => Self {
                ending: match change.event {
                    Event::Resolved(_, ending) => Some(ending.as_str()),
                    _ => None,
                },
                container: text(&closed.container),
                container_type: closed.container_type.map(ContainerType::as_str),
                rule: Some(text(&closed.rule)),
                severity: closed.severity.map(Severity::as_str),
                image: text(&closed.image),
                ..record
            },
            Event::Image(image) => Self {
                container: text(&image.container),
                image: text(&image.to),
                from: Some(text(&image.from)),
                ..record
            },
        }
    }
}

impl DayRecord {
    pub(crate) fn new(day: &Day) -> Self {
        Self {
            day: day.date.to_string(),
            opened: day.counts.map(|counts| counts.opened),
            resolved: day.counts.map(|counts| counts.resolved),
            open: day.counts.map(|counts| counts.open),
        }
    }
}
