//! The order of a table.

use std::cmp::Ordering;

use super::parse::one_of;
use crate::snapshot::WorkloadIssue;

/// The columns that a table can be sorted by. The default is the order that it has without a field `sort`.
pub(crate) trait SortColumn: Copy + PartialEq + Default + 'static {
    const ALL: &'static [Self];

    /// Its name in an address.
    fn as_str(self) -> &'static str;

    /// Whether the smallest value comes first when not reversed.
    fn is_ascending(self) -> bool;
}

/// A column that the table of issues can be sorted by.
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

impl SortColumn for Column {
    const ALL: &'static [Self] = &[
        Self::Severity,
        Self::Result,
        Self::Rule,
        Self::Namespace,
        Self::Workload,
        Self::Container,
        Self::Image,
        Self::Age,
    ];

    fn is_ascending(self) -> bool {
        !matches!(self, Self::Severity | Self::Result | Self::Age)
    }

    fn as_str(self) -> &'static str {
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
pub(crate) struct Sort<C = Column> {
    pub(crate) column: C,
    pub(crate) reversed: bool,
}

impl<C: SortColumn> Sort<C> {
    /// `age`, or `-age` for the reverse order.
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let (name, reversed) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
        Ok(Self { column: one_of("sort", name, C::ALL, |column| column.as_str())?, reversed })
    }

    /// The value in an address.
    pub(crate) fn to_query(self) -> String {
        format!("{}{}", if self.reversed { "-" } else { "" }, self.column.as_str())
    }

    /// Sorts rows. Equal ones stay in the order that they have, which is the order of the snapshot.
    pub(super) fn apply_by<T>(self, rows: &mut [T], compare: impl Fn(C, &T, &T) -> Ordering) {
        rows.sort_by(|one, other| {
            let order = compare(self.column, one, other);
            if self.reversed { order.reverse() } else { order }
        });
    }
}

impl Sort {
    /// Sorts issues, which are in the order of the snapshot.
    pub(crate) fn apply(self, issues: &mut [WorkloadIssue<'_>]) {
        if self != Self::default() {
            self.apply_by(issues, |_, one, other| self.compare(one, other));
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
