//! What was: violations that are over, and images that changed.

use jiff::Timestamp;

use super::ResultId;
use crate::outcome::Severity;
use crate::text::UntrustedText;
use crate::workload::ContainerType;

/// A time in which a container violated a rule, and which is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Interval {
    pub id: ResultId,
    /// Id of the rule, which this version may not know.
    pub rule: UntrustedText,
    pub container: UntrustedText,
    /// `None` where an older version wrote the report.
    pub container_type: Option<ContainerType>,
    pub image: UntrustedText,
    /// Its severity at the end; `None` where an older version wrote the report.
    pub severity: Option<Severity>,
    /// The pull policy at the end as written, [`Self::UNSET`] where it was not; `None` where an older version wrote the
    /// report.
    pub pull_policy: Option<UntrustedText>,
    /// What was wrong at the end; empty where an older version wrote the report.
    pub message: UntrustedText,
    /// When the violation was first seen.
    pub from: Timestamp,
    /// When it was no longer seen; never before `from`.
    pub until: Timestamp,
}

impl Interval {
    /// A pull policy that is not written.
    pub const UNSET: &'static str = "unset";

    /// The pull policy as written, where one was and it is known.
    pub fn written_pull_policy(&self) -> Option<&UntrustedText> {
        self.pull_policy.as_ref().filter(|policy| policy.raw() != Self::UNSET)
    }

    /// Whether the same container violated the same rule as in another interval.
    pub fn is_like(&self, other: &Self) -> bool {
        let (one, two) = (self.container_type, other.container_type);
        self.rule == other.rule
            && self.container == other.container
            && one.zip(two).is_none_or(|(one, two)| one == two)
    }
}

/// A container that came to name another image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ImageChange {
    pub container: UntrustedText,
    pub from: UntrustedText,
    pub to: UntrustedText,
    pub at: Timestamp,
}
