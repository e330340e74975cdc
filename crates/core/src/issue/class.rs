//! Issues of a workload that are alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::Issue;
use crate::outcome::{Outcome, Severity};
use crate::rules::RuleMeta;

/// Rule, severity and outcome: what issues are counted by. Ordered by the names of group, rule, severity and outcome, as
/// metrics list them.
#[derive(Debug, Clone, Copy)]
pub struct IssueClass {
    /// The rule that the issues violate.
    pub rule: &'static RuleMeta,
    /// How bad it is.
    pub severity: Severity,
    /// The result of the check; never [`Outcome::Pass`], which is no issue.
    pub outcome: Outcome,
}

impl IssueClass {
    fn names(&self) -> [&'static str; 4] {
        [self.rule.group.as_str(), self.rule.id, self.severity.as_str(), self.outcome.as_str()]
    }
}

impl PartialEq for IssueClass {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for IssueClass {}

impl PartialOrd for IssueClass {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IssueClass {
    fn cmp(&self, other: &Self) -> Ordering {
        self.names().cmp(&other.names())
    }
}

impl Hash for IssueClass {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

/// Issues of one class in one workload: all that is kept of them where nothing shows them one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueGroup {
    /// What they have in common.
    pub class: IssueClass,
    /// Containers that have it.
    pub containers: u32,
    /// When the first of them was first seen, in Unix seconds.
    pub since: i64,
}

impl IssueGroup {
    /// The issues of a workload by class, in order. Passes are left out.
    pub fn all<'a>(issues: impl IntoIterator<Item = &'a Issue>) -> Vec<Self> {
        let mut groups: BTreeMap<IssueClass, Self> = BTreeMap::new();
        for issue in issues {
            let &Issue { rule, severity, outcome, first_seen, .. } = issue;
            if outcome == Outcome::Pass {
                continue;
            }
            let class = IssueClass { rule, severity, outcome };
            let group = Self { class, containers: 1, since: first_seen.as_second() };
            groups.entry(class).and_modify(|known| known.add(&group)).or_insert(group);
        }
        groups.into_values().collect()
    }

    /// Adds other issues to these.
    pub fn add(&mut self, other: &Self) {
        self.containers = self.containers.saturating_add(other.containers);
        self.since = self.since.min(other.since);
    }
}
