//! Whether a result asks for a fix, and whether a workload is compliant.

use std::collections::BTreeSet;

use crate::named;
use crate::outcome::Outcome;
use crate::workload::Limit;

impl Outcome {
    /// Whether it is a finding that asks for a fix: a violation or a warning.
    pub fn is_open(self) -> bool {
        self.is_violation() || self == Self::Warn
    }

    /// Whether it is a violation: a fail, or an error, of which nothing could be checked.
    pub fn is_violation(self) -> bool {
        matches!(self, Self::Fail | Self::Error)
    }
}

/// Whether a workload is compliant, worst first. It counts once, by its worst result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// At least one fail.
    Violating,
    /// No fail, and something that could not be evaluated.
    Error,
    /// Neither, and something that is exempt.
    Exempt,
    /// None of these; a warning alone is compliant.
    Compliant,
}

named!(Status {
    Violating => "violating",
    Error => "error",
    Exempt => "exempt",
    Compliant => "compliant",
});

impl Status {
    /// The status of a workload with these results.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let of = |outcome| match outcome {
            Outcome::Fail => Self::Violating,
            Outcome::Error => Self::Error,
            Outcome::Skip => Self::Exempt,
            Outcome::Warn | Outcome::Pass => Self::Compliant,
        };
        outcomes.into_iter().map(of).min().unwrap_or(Self::Compliant)
    }

    /// The status of a workload that exceeds these limits: what is beyond them is not checked, so nothing says that it is
    /// compliant.
    #[must_use]
    pub fn beyond(self, limits: &BTreeSet<Limit>) -> Self {
        if limits.is_empty() { self } else { self.min(Self::Error) }
    }
}
