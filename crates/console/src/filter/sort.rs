//! The order of a table.

use std::cmp::Ordering;

use super::parse::one_of;
use crate::snapshot::WorkloadIssue;

/// A column that a table can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Column {
    /// Most severe first, then by result and age: the order of the snapshot.
    #[default]
    Severity,
    Result,
    Rule,
    Namespace,
    Workload,
    Container,
    Image,
    /// By the time when the issue was first seen, the oldest first.
    Age,
}

impl Column {
    const ALL: [Self; 8] = [
        Self::Severity,
        Self::Result,
        Self::Rule,
        Self::Namespace,
        Self::Workload,
        Self::Container,
        Self::Image,
        Self::Age,
    ];

    /// Whether the smallest value comes first when not reversed.
    pub(crate) fn is_ascending(self) -> bool {
        !matches!(self, Self::Severity | Self::Result | Self::Age)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Result => "result",
            Self::Rule => "rule",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
            Self::Container => "container",
            Self::Image => "image",
            Self::Age => "age",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sort {
    pub(crate) column: Column,
    pub(crate) reversed: bool,
}

impl Sort {
    /// `age`, or `-age` for the reverse order.
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let (name, reversed) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
        Ok(Self { column: one_of("sort", name, &Column::ALL, |column| column.as_str())?, reversed })
    }

    /// The value in an address.
    pub(crate) fn to_query(self) -> String {
        format!("{}{}", if self.reversed { "-" } else { "" }, self.column.as_str())
    }

    /// Sorts issues, which are in the order of the snapshot.
    pub(crate) fn apply(self, issues: &mut [WorkloadIssue<'_>]) {
        let order = |one: &WorkloadIssue<'_>, other: &WorkloadIssue<'_>| {
            let order = self.compare(one, other);
            if self.reversed { order.reverse() } else { order }
        };
        if self != Self::default() {
            issues.sort_by(order);
        }
    }

    fn compare(self, one: &WorkloadIssue<'_>, other: &WorkloadIssue<'_>) -> Ordering {
        let by_name = || one.workload.name.cmp(&other.workload.name);
        match self.column {
            Column::Severity => one.issue.severity.cmp(&other.issue.severity),
            Column::Result => one.issue.outcome.cmp(&other.issue.outcome),
            Column::Rule => one.issue.rule.id.cmp(other.issue.rule.id),
            Column::Namespace => one.workload.namespace.cmp(&other.workload.namespace).then_with(by_name),
            Column::Workload => by_name(),
            Column::Container => one.issue.container.cmp(&other.issue.container),
            Column::Image => one.issue.image.cmp(&other.issue.image),
            Column::Age => one.issue.first_seen.cmp(&other.issue.first_seen),
        }
    }
}
