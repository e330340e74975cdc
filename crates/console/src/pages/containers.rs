//! The containers of a workload: one card for each that has findings, with the one change that closes the most of them.

use jiff::Timestamp;
use tagwatch_core::issue::Issue;
use tagwatch_core::outcome::{Outcome, Severity};

use super::rows::{ContainerRow, issue_address};
use crate::remedy::{Remedy, remedy_of_container, why_none};
use crate::snapshot::{ContainerFacts, Workload};
use crate::text::DisplayTime;

/// Containers with findings on a page: each shows a patch and a command.
const MAX_CARDS: usize = 25;
/// Containers without a finding on a page.
const MAX_ROWS: usize = 50;

/// The containers of a page.
pub(super) struct Containers {
    /// Those with findings, worst first.
    pub(super) cards: Vec<ContainerCard>,
    /// Containers with findings that are not shown, and their findings.
    pub(super) more_cards: usize,
    pub(super) more_issues: usize,
    /// Those without a finding, in the order of the pod spec.
    pub(super) others: Vec<ContainerRow>,
    pub(super) more_others: usize,
}

/// A container with its findings.
pub(super) struct ContainerCard {
    pub(super) container: ContainerRow,
    pub(super) findings: Vec<FindingRow>,
    pub(super) fix: Option<Fix>,
    /// Why no change is offered.
    pub(super) why_none: Option<&'static str>,
}

pub(super) struct FindingRow {
    pub(super) href: String,
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) outcome: Outcome,
    pub(super) age: DisplayTime,
}

/// A change with what it closes.
pub(super) struct Fix {
    pub(super) remedy: Remedy,
    pub(super) closes: Vec<&'static str>,
    pub(super) of: usize,
}

impl Containers {
    pub(super) fn new(workload: &Workload, now: Timestamp) -> Self {
        let mut grouped: Vec<(&ContainerFacts, Vec<&Issue>)> =
            workload.containers.iter().map(|container| (container, Vec::new())).collect();
        // Issues are in the order of the containers: each search goes on where the last one ended.
        let mut at = 0;
        for issue in workload.open() {
            let is_its = |(container, _): &(&ContainerFacts, Vec<&Issue>)| {
                container.name == issue.container
                    && container.container_type == issue.container_type
                    && container.image == issue.image
            };
            let ahead = grouped[at.min(grouped.len())..].iter().position(is_its).map(|found| found + at);
            if let Some(found) = ahead.or_else(|| grouped.iter().position(is_its)) {
                at = found;
                grouped[found].1.push(issue);
            }
        }
        let (mut bad, good): (Vec<_>, Vec<_>) =
            grouped.into_iter().partition(|(_, issues)| !issues.is_empty());
        for (_, issues) in &mut bad {
            issues.sort_by_key(|issue| (issue.severity, issue.outcome));
        }
        bad.sort_by_key(|(_, issues)| issues.first().map(|issue| (issue.severity, issue.outcome)));
        let hidden = bad.get(MAX_CARDS..).unwrap_or_default();
        Self {
            more_cards: hidden.len(),
            more_issues: hidden.iter().map(|(_, issues)| issues.len()).sum(),
            cards: bad
                .iter()
                .take(MAX_CARDS)
                .map(|(container, issues)| ContainerCard::new(workload, container, issues, now))
                .collect(),
            others: good.iter().take(MAX_ROWS).map(|(container, _)| ContainerRow::new(container)).collect(),
            more_others: good.len().saturating_sub(MAX_ROWS),
        }
    }
}

impl ContainerCard {
    fn new(workload: &Workload, container: &ContainerFacts, issues: &[&Issue], now: Timestamp) -> Self {
        let fix = issues.first().and_then(|issue| {
            let remedy = remedy_of_container(workload, container, issue)?;
            let closes = container.fix.as_ref()?.closes.to_vec();
            Some(Fix { remedy, of: issues.len(), closes })
        });
        Self {
            container: ContainerRow::new(container),
            findings: issues.iter().map(|issue| FindingRow::new(issue, now)).collect(),
            why_none: issues.first().and_then(|issue| why_none(workload, issue)),
            fix,
        }
    }
}

impl FindingRow {
    fn new(issue: &Issue, now: Timestamp) -> Self {
        Self {
            href: issue_address(issue.id),
            rule: issue.rule.id,
            severity: issue.severity,
            outcome: issue.outcome,
            age: DisplayTime::new(issue.first_seen, now),
        }
    }
}

impl Fix {
    /// What it comes to, as `One fix closes 2`.
    pub(super) fn words(&self) -> String {
        match (self.closes.len(), self.of) {
            (1, 1) => "One fix closes it".to_owned(),
            (closes, of) if closes == of => format!("One fix closes {of}"),
            (closes, of) => format!("One fix closes {closes} of {of}"),
        }
    }

    /// Whether it leaves some of the findings open, so that those it closes are named.
    pub(super) fn leaves_some(&self) -> bool {
        self.closes.len() < self.of
    }
}
