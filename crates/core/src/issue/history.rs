//! What was: violations that are over, and images that changed.

use jiff::Timestamp;

use super::ResultId;
use crate::named;
use crate::outcome::Severity;
use crate::text::UntrustedText;
use crate::workload::ContainerType;

/// A time in which a rule had a finding in a container, and which is over.
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
    pub ending: Ending,
}

/// How the time of a finding ended. What happened stays what it was, whatever becomes of the place later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// It is no longer found where something changed: the image, the pull policy, the container, or what pods run.
    Fixed,
    /// An exemption applied from then on.
    Exempted,
    /// The policy turned the rule off for this container.
    RuleOff,
    /// The workload was no longer checked: it was deleted, or the policy left it out.
    Gone,
    /// It is no longer found, and nothing here says why: an older version of tagwatch wrote it, or neither image nor pull
    /// policy changed.
    #[default]
    Resolved,
}

named!(Ending {
    Fixed => "fixed",
    Exempted => "exempted",
    RuleOff => "rule-off",
    Gone => "gone",
    Resolved => "resolved",
});

impl Ending {
    /// What it means, as part of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Fixed => "no longer found after a change",
            Self::Exempted => "an exemption applied from then on",
            Self::RuleOff => "the policy turned the rule off",
            Self::Gone => "no longer checked: deleted, or left out by the policy",
            Self::Resolved => "no longer found; how it ended is not known",
        }
    }
}

impl Interval {
    /// A pull policy that is not written.
    pub const UNSET: &'static str = "unset";

    /// The pull policy as written, where one was and it is known.
    pub fn written_pull_policy(&self) -> Option<&UntrustedText> {
        self.pull_policy.as_ref().filter(|policy| policy.raw() != Self::UNSET)
    }

    /// Whether it is of the same rule and the same container as another interval.
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
