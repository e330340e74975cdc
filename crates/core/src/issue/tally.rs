//! Counts of workloads, containers and issues, which add up from namespaces to the cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::{IssueClass, IssueGroup, Status};
use crate::outcome::{Outcome, Severity};

/// Counts of evaluated workloads and their results. Tallies add up: the tally of a cluster is the sum of those of its
/// namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    statuses: BTreeMap<Status, usize>,
    /// Containers and image volumes.
    pub containers: usize,
    passes: usize,
    classes: BTreeMap<IssueClass, usize>,
    /// Workloads with an open issue, by rule.
    violating: BTreeMap<&'static str, usize>,
}

/// Counts of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleTally {
    /// Issues that are neither a pass nor exempt: violations and warnings.
    pub findings: usize,
    /// Fails and errors.
    pub violations: usize,
    /// Workloads that have at least one finding.
    pub workloads: usize,
    /// Issues that an exemption made a skip of.
    pub exempt: usize,
}

impl Tally {
    /// Adds one workload with its containers, passes and issues.
    pub fn add(&mut self, status: Status, containers: usize, passes: usize, groups: &[IssueGroup]) {
        *self.statuses.entry(status).or_default() += 1;
        self.containers += containers;
        self.passes += passes;
        for group in groups {
            *self.classes.entry(group.class).or_default() += count(group.containers);
        }
        let open = groups.iter().filter(|group| group.class.outcome.is_open());
        let rules: BTreeSet<&'static str> = open.map(|group| group.class.rule.id).collect();
        for rule in rules {
            *self.violating.entry(rule).or_default() += 1;
        }
    }

    /// Adds the counts of other workloads.
    pub fn merge(&mut self, other: &Self) {
        let Self { statuses, containers, passes, classes, violating } = other;
        sum(&mut self.statuses, statuses);
        self.containers += containers;
        self.passes += passes;
        sum(&mut self.classes, classes);
        sum(&mut self.violating, violating);
    }

    /// Number of workloads of any status.
    pub fn workloads(&self) -> usize {
        self.statuses.values().sum()
    }

    /// Issues that are neither a pass nor exempt: violations and warnings.
    pub fn findings(&self) -> usize {
        self.open().map(|(_, count)| count).sum()
    }

    /// Fails and errors.
    pub fn violations(&self) -> usize {
        self.violated().map(|(_, count)| count).sum()
    }

    /// Workloads with this status.
    pub fn of_status(&self, status: Status) -> usize {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// Results with this outcome.
    pub fn of_outcome(&self, outcome: Outcome) -> usize {
        if outcome == Outcome::Pass {
            return self.passes;
        }
        self.classes().filter(|(class, _)| class.outcome == outcome).map(|(_, count)| count).sum()
    }

    /// Issues of this severity that are not exempt.
    pub fn of_severity(&self, severity: Severity) -> usize {
        self.open().filter(|(class, _)| class.severity == severity).map(|(_, count)| count).sum()
    }

    /// Fails and errors by class, in order: violations, without warnings.
    pub fn violated(&self) -> impl Iterator<Item = (&IssueClass, usize)> {
        self.classes().filter(|(class, _)| is_violation(class.outcome))
    }

    /// Whether a rule has a fail or an error.
    pub fn is_violated(&self, id: &str) -> bool {
        self.violated().any(|(class, count)| class.rule.id == id && count > 0)
    }

    /// Counts of a rule, by its id.
    pub fn of_rule(&self, id: &str) -> RuleTally {
        let workloads = self.violating.get(id).copied().unwrap_or_default();
        let mut tally = RuleTally { workloads, ..RuleTally::default() };
        for (class, count) in self.classes().filter(|(class, _)| class.rule.id == id) {
            if class.outcome.is_open() {
                tally.findings += count;
            } else {
                tally.exempt += count;
            }
            if is_violation(class.outcome) {
                tally.violations += count;
            }
        }
        tally
    }

    /// Issues by class, in order.
    pub fn classes(&self) -> impl Iterator<Item = (&IssueClass, usize)> {
        self.classes.iter().map(|(class, count)| (class, *count))
    }

    /// Workloads without a fail or an error.
    pub fn sound(&self) -> usize {
        self.of_status(Status::Exempt) + self.of_status(Status::Compliant)
    }

    /// The share of sound workloads in percent; `None` when nothing was evaluated. Rounded down, so that 100 means all.
    pub fn score(&self) -> Option<usize> {
        (self.sound() * 100).checked_div(self.workloads())
    }

    fn open(&self) -> impl Iterator<Item = (&IssueClass, usize)> {
        self.classes().filter(|(class, _)| class.outcome.is_open())
    }
}

fn is_violation(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Error)
}

fn sum<K: Ord + Copy>(total: &mut BTreeMap<K, usize>, other: &BTreeMap<K, usize>) {
    for (&key, count) in other {
        *total.entry(key).or_default() += count;
    }
}

fn count(containers: u32) -> usize {
    usize::try_from(containers).unwrap_or(usize::MAX)
}
