//! Counts of the workloads of a namespace. They add up, so that what a caller may see is a sum of a few.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::outcome::{Outcome, Severity};

use super::{Status, Workload};

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) statuses: BTreeMap<Status, usize>,
    pub(crate) containers: usize,
    pub(crate) outcomes: BTreeMap<Outcome, usize>,
    /// Findings that are neither a pass nor exempt, as `tagwatch_violations` counts them.
    pub(crate) severities: BTreeMap<Severity, usize>,
    pub(crate) rules: BTreeMap<&'static str, RuleTally>,
}

/// Counts of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RuleTally {
    pub(crate) violations: usize,
    /// Workloads that have at least one.
    pub(crate) entities: usize,
    pub(crate) exempt: usize,
}

impl Tally {
    pub(super) fn add(&mut self, workload: &Workload) {
        *self.statuses.entry(workload.status).or_default() += 1;
        self.containers += workload.containers.len();
        let mut violated = BTreeSet::new();
        for issue in &workload.issues {
            *self.outcomes.entry(issue.outcome).or_default() += 1;
            let rule = self.rules.entry(issue.rule.id).or_default();
            if issue.is_exempt() {
                rule.exempt += 1;
                continue;
            }
            rule.violations += 1;
            *self.severities.entry(issue.severity).or_default() += 1;
            if violated.insert(issue.rule.id) {
                rule.entities += 1;
            }
        }
    }

    /// Adds another namespace's.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self { statuses, containers, outcomes, severities, rules } = other;
        sum(&mut self.statuses, statuses);
        self.containers += containers;
        sum(&mut self.outcomes, outcomes);
        sum(&mut self.severities, severities);
        for (&id, rule) in rules {
            let RuleTally { violations, entities, exempt } = *rule;
            let total = self.rules.entry(id).or_default();
            total.violations += violations;
            total.entities += entities;
            total.exempt += exempt;
        }
    }

    pub(crate) fn workloads(&self) -> usize {
        self.statuses.values().sum()
    }

    pub(crate) fn violations(&self) -> usize {
        self.severities.values().sum()
    }

    pub(crate) fn of_status(&self, status: Status) -> usize {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    pub(crate) fn of_outcome(&self, outcome: Outcome) -> usize {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    pub(crate) fn of_severity(&self, severity: Severity) -> usize {
        self.severities.get(&severity).copied().unwrap_or_default()
    }

    pub(crate) fn of_rule(&self, id: &str) -> RuleTally {
        self.rules.get(id).copied().unwrap_or_default()
    }

    /// Workloads without a fail or an error.
    pub(crate) fn sound(&self) -> usize {
        self.of_status(Status::Exempt) + self.of_status(Status::Compliant)
    }

    /// The share of sound workloads in percent; `None` when nothing was judged. Rounded down, so that 100 means all.
    pub(crate) fn score(&self) -> Option<usize> {
        (self.sound() * 100).checked_div(self.workloads())
    }
}

fn sum<K: Ord + Copy>(total: &mut BTreeMap<K, usize>, other: &BTreeMap<K, usize>) {
    for (&key, count) in other {
        *total.entry(key).or_default() += count;
    }
}
