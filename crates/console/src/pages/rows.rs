//! Rows of tables, and what several pages have in common.

use std::cmp::Reverse;
use std::fmt::Display;

use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Issue, Status, Tally};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::rules::RuleMeta;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use crate::draw::Bar;
use crate::filter::Filter;
use crate::remedy::closed_at_once;
use crate::snapshot::{ContainerFacts, RuleState, Workload, WorkloadIssue};
use crate::text::{DisplayTime, HtmlText, ImageText, Piece, message};
use crate::url::{address, with_query};
use crate::view::View;

/// A workload's name, with a link to its page.
pub(super) struct WorkloadLink {
    pub(super) href: String,
    pub(super) namespace: HtmlText,
    pub(super) kind: HtmlText,
    pub(super) name: HtmlText,
}

impl WorkloadLink {
    pub(super) fn new(workload: &Workload) -> Self {
        let Workload { namespace, kind, name, .. } = workload;
        Self {
            href: address("/workloads", &[namespace, kind, name]),
            namespace: HtmlText::short(namespace),
            kind: HtmlText::short(kind),
            name: HtmlText::short(name),
        }
    }
}

/// Longest filter in the links of a table, in bytes: each row repeats it.
const MAX_CARRIED: usize = 256;

pub(super) struct IssueRow {
    pub(super) href: String,
    pub(super) severity: Severity,
    pub(super) outcome: Outcome,
    pub(super) rule: &'static str,
    /// Issues that one change of its container closes, with this one.
    pub(super) closed_at_once: usize,
    pub(super) workload: WorkloadLink,
    pub(super) container: HtmlText,
    pub(super) container_type: Option<&'static str>,
    pub(super) image: ImageText,
    pub(super) age: DisplayTime,
}

impl IssueRow {
    pub(super) fn new(WorkloadIssue { workload, issue }: WorkloadIssue<'_>, now: Timestamp) -> Self {
        Self {
            href: issue_address(issue.id),
            severity: issue.severity,
            outcome: issue.outcome,
            rule: issue.rule.id,
            closed_at_once: closed_at_once(workload, issue),
            workload: WorkloadLink::new(workload),
            container: HtmlText::short(&issue.container),
            container_type: container_type(issue.container_type),
            image: ImageText::new(&issue.image),
            age: DisplayTime::new(issue.first_seen, now),
        }
    }

    /// The same with a link that keeps the filter: the issue's page then leads to the next one of it.
    pub(super) fn within(self, filter: &Filter) -> Self {
        let query = filter.at_page(0).query();
        if query.len() > MAX_CARRIED {
            return self;
        }
        Self { href: with_query(&self.href, &query), ..self }
    }
}

pub(super) struct WorkloadRow {
    pub(super) workload: WorkloadLink,
    pub(super) status: Status,
    pub(super) severities: Vec<(Severity, usize)>,
    pub(super) containers: usize,
    /// Start of the oldest open issue.
    pub(super) since: Option<DisplayTime>,
}

impl WorkloadRow {
    pub(super) fn new(workload: &Workload, now: Timestamp) -> Self {
        Self::with_issues(workload, workload.open(), now)
    }

    /// Counts only some of the workload's issues.
    pub(super) fn with_issues<'a>(
        workload: &Workload,
        issues: impl Iterator<Item = &'a Issue>,
        now: Timestamp,
    ) -> Self {
        let issues: Vec<&Issue> = issues.collect();
        let count = |severity| issues.iter().filter(|issue| issue.severity == severity).count();
        let since = issues.iter().map(|issue| issue.first_seen).min();
        Self {
            workload: WorkloadLink::new(workload),
            status: workload.status,
            severities: severities(count),
            containers: workload.containers.len(),
            since: since.map(|since| DisplayTime::new(since, now)),
        }
    }
}

pub(super) struct ContainerRow {
    pub(super) name: HtmlText,
    pub(super) container_type: Option<&'static str>,
    pub(super) image: ImageText,
    pub(super) class: TagClass,
    pub(super) matched: Option<Vec<Piece>>,
    pub(super) written: Option<HtmlText>,
    pub(super) effective: &'static str,
    /// Whether the written pull policy is not the effective one.
    pub(super) is_overridden: bool,
}

impl ContainerRow {
    pub(super) fn new(container: &ContainerFacts) -> Self {
        let effective = container.effective_pull_policy.as_str();
        Self {
            name: HtmlText::short(&container.name),
            container_type: container_type(container.container_type),
            image: ImageText::new(&container.image),
            class: container.tag_class,
            matched: container.matched.as_ref().map(message),
            written: container.pull_policy.as_ref().map(HtmlText::short),
            effective,
            is_overridden: container.pull_policy.as_ref().is_some_and(|written| written.raw() != effective),
        }
    }
}

pub(super) struct NamespaceRow {
    pub(super) href: String,
    pub(super) name: HtmlText,
    pub(super) score: Option<usize>,
    pub(super) workloads: usize,
    pub(super) findings: usize,
    pub(super) severities: Vec<(Severity, usize)>,
    pub(super) bar: Bar,
}

impl NamespaceRow {
    /// `most` is the number of findings of a full bar.
    pub(super) fn new(name: &UntrustedText, tally: &Tally, most: usize) -> Self {
        let severities = severities(|severity| tally.of_severity(severity));
        Self {
            href: address("/namespaces", &[name]),
            name: HtmlText::short(name),
            score: tally.score(),
            workloads: tally.workloads(),
            findings: tally.findings(),
            bar: Bar::new(severities.iter().map(|&(severity, count)| (severity.as_str(), count)), most),
            severities,
        }
    }
}

pub(super) struct RuleRow {
    pub(super) href: String,
    pub(super) issues_href: String,
    pub(super) state: RuleState,
    /// Whether the rule is on anywhere: an override can enable it where the policy does not.
    pub(super) is_on: bool,
    pub(super) findings: usize,
    /// Workloads that have at least one.
    pub(super) workloads: usize,
    pub(super) of_workloads: usize,
    pub(super) exempt: usize,
    pub(super) bar: Bar,
}

impl RuleRow {
    pub(super) fn new(state: RuleState, tally: &Tally) -> Self {
        let counts = tally.of_rule(state.rule.id);
        let workloads = tally.workloads();
        Self {
            href: rule_address(state.rule),
            issues_href: Filter::of_rules(vec![state.rule.id]).address(),
            state,
            is_on: state.is_on(tally),
            findings: counts.findings,
            workloads: counts.workloads,
            of_workloads: workloads,
            exempt: counts.exempt,
            bar: Bar::new([(state.severity.as_str(), counts.workloads)], workloads),
        }
    }
}

/// Namespaces by number of violations, highest first, and that highest number.
pub(super) fn ranked_namespaces(view: &View) -> (Vec<(&UntrustedText, &Tally)>, usize) {
    let mut namespaces: Vec<_> = view.namespaces().collect();
    namespaces.sort_by_key(|(_, tally)| Reverse(tally.findings()));
    let most = namespaces.first().map_or(0, |(_, tally)| tally.findings());
    (namespaces, most)
}

pub(super) struct Tab {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) count: usize,
    pub(super) is_here: bool,
}

/// Severities with a count above 0.
pub(super) fn severities(count: impl Fn(Severity) -> usize) -> Vec<(Severity, usize)> {
    let counts = Severity::ALL.map(|severity| (severity, count(severity)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

pub(super) fn issue_address(id: impl Display) -> String {
    address("/issues", &[&id.to_string().into()])
}

/// The page of a closed interval: that of the issue that continues it, or its own.
pub(super) fn interval_address(workload: &Workload, closed: &Interval) -> String {
    issue_address(workload.issue_after(closed).map_or(closed.id, |issue| issue.id))
}

pub(super) fn rule_address(rule: &RuleMeta) -> String {
    address("/rules", &[&rule.id.into()])
}

/// In words, unless it is an ordinary container.
pub(super) fn container_type(kind: ContainerType) -> Option<&'static str> {
    (kind != ContainerType::Container).then(|| kind.words())
}
