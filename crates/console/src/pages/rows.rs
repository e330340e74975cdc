//! Rows of tables.

use jiff::Timestamp;
use tagwatch_core::finding::{Outcome, Severity};
use tagwatch_core::issue::{Interval, Issue, Status, Tally};
use tagwatch_core::rules::RuleMeta;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use crate::draw::Bar;
use crate::filter::{Filter, address};
use crate::snapshot::{Found, RuleState, Workload};
use crate::text::{Moment, Shown};

/// An issue.
pub(super) struct IssueRow {
    pub(super) href: String,
    pub(super) severity: Severity,
    pub(super) outcome: Outcome,
    pub(super) rule: &'static str,
    pub(super) workload_href: String,
    pub(super) namespace: Shown,
    pub(super) kind: Shown,
    pub(super) name: Shown,
    pub(super) container: Shown,
    /// What kind of place it is, unless it is a plain container.
    pub(super) place: Option<&'static str>,
    pub(super) image: Shown,
    pub(super) age: Moment,
}

impl IssueRow {
    pub(super) fn new(Found { workload, issue }: Found<'_>, now: Timestamp) -> Self {
        Self {
            href: issue_address(issue),
            severity: issue.severity,
            outcome: issue.outcome,
            rule: issue.rule.id,
            workload_href: workload_address(workload),
            namespace: Shown::short(&workload.namespace),
            kind: Shown::short(&workload.kind),
            name: Shown::short(&workload.name),
            container: Shown::short(&issue.container),
            place: place(issue.container_type),
            image: Shown::short(&issue.image),
            age: Moment::new(issue.first_seen, now),
        }
    }
}

/// A workload.
pub(super) struct WorkloadRow {
    pub(super) href: String,
    pub(super) namespace: Shown,
    pub(super) kind: Shown,
    pub(super) name: Shown,
    pub(super) status: Status,
    pub(super) severities: Vec<(Severity, usize)>,
    pub(super) containers: usize,
    /// Since when it has been in violation without a break that is known.
    pub(super) since: Option<Moment>,
}

impl WorkloadRow {
    pub(super) fn new(workload: &Workload, now: Timestamp) -> Self {
        Self::about(workload, workload.open(), now)
    }

    /// The same of some of its issues.
    pub(super) fn about<'a>(
        workload: &Workload,
        issues: impl Iterator<Item = &'a Issue>,
        now: Timestamp,
    ) -> Self {
        let issues: Vec<&Issue> = issues.collect();
        let count = |severity| issues.iter().filter(|issue| issue.severity == severity).count();
        let severities = Severity::ALL.map(|severity| (severity, count(severity)));
        let since = issues.iter().map(|issue| issue.first_seen).min();
        Self {
            href: workload_address(workload),
            namespace: Shown::short(&workload.namespace),
            kind: Shown::short(&workload.kind),
            name: Shown::short(&workload.name),
            status: workload.status,
            severities: severities.into_iter().filter(|(_, count)| *count > 0).collect(),
            containers: workload.containers.len(),
            since: since.map(|since| Moment::new(since, now)),
        }
    }
}

/// A namespace.
pub(super) struct NamespaceRow {
    pub(super) href: String,
    pub(super) name: Shown,
    pub(super) score: Option<usize>,
    pub(super) workloads: usize,
    pub(super) violations: usize,
    pub(super) severities: Vec<(Severity, usize)>,
    pub(super) bar: Bar,
}

impl NamespaceRow {
    /// `most` is the number of violations that a full bar stands for.
    pub(super) fn new(name: &UntrustedText, tally: &Tally, most: usize) -> Self {
        let severities = severities(tally);
        Self {
            href: address("/namespaces", &[name]),
            name: Shown::short(name),
            score: tally.score(),
            workloads: tally.workloads(),
            violations: tally.violations(),
            bar: Bar::new(severities.iter().map(|&(severity, count)| (severity.as_str(), count)), most),
            severities,
        }
    }
}

/// A rule.
pub(super) struct RuleRow {
    pub(super) href: String,
    pub(super) issues_href: String,
    pub(super) state: RuleState,
    /// Here or there: an override may have it on where the policy has it off.
    pub(super) is_on: bool,
    pub(super) violations: usize,
    pub(super) entities: usize,
    pub(super) of_entities: usize,
    pub(super) exempt: usize,
    pub(super) bar: Bar,
}

impl RuleRow {
    pub(super) fn new(state: RuleState, tally: &Tally) -> Self {
        let counts = tally.of_rule(state.rule.id);
        let whole = tally.workloads();
        Self {
            href: rule_address(state.rule),
            issues_href: Filter::of_rule(state.rule.id).address(),
            state,
            is_on: state.is_on(tally),
            violations: counts.violations,
            entities: counts.workloads,
            of_entities: whole,
            exempt: counts.exempt,
            bar: Bar::new([(state.severity.as_str(), counts.workloads)], whole),
        }
    }
}

/// Severities that occur.
pub(super) fn severities(tally: &Tally) -> Vec<(Severity, usize)> {
    let counts = Severity::ALL.map(|severity| (severity, tally.of_severity(severity)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// A workload's page.
pub(super) fn workload_address(workload: &Workload) -> String {
    address("/workloads", &[&workload.namespace, &workload.kind, &workload.name])
}

/// An issue's page.
pub(super) fn issue_address(issue: &Issue) -> String {
    address("/issues", &[&issue.id.to_string().into()])
}

/// Where an interval leads: to the issue that it is the past of, else to its own page.
pub(super) fn interval_address(workload: &Workload, closed: &Interval) -> String {
    let own = || address("/issues", &[&closed.id.to_string().into()]);
    workload.issue_after(closed).map_or_else(own, issue_address)
}

/// A rule's page.
pub(super) fn rule_address(rule: &RuleMeta) -> String {
    address("/rules", &[&rule.id.into()])
}

/// In words, unless it is a plain container.
pub(super) fn place(kind: ContainerType) -> Option<&'static str> {
    (kind != ContainerType::Container).then(|| kind.words())
}
