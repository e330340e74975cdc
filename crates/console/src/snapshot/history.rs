//! What was, as reports keep it (`reports.md`, "Life").

use jiff::Timestamp;
use tagwatch_core::text::UntrustedText;

use super::Issue;

/// A time in which a rule was violated, and which is over.
#[derive(Debug, Clone)]
pub struct ClosedInterval {
    /// The issue's address in that time, where it is still known: a link to it then leads on.
    pub id: Option<String>,
    /// The rule's id, which this version may not know any more.
    pub rule: UntrustedText,
    /// The container.
    pub container: UntrustedText,
    /// When it was first seen.
    pub from: Timestamp,
    /// When it was no longer seen.
    pub until: Timestamp,
}

impl ClosedInterval {
    /// Whether it is the past of an issue of its workload: the same rule was violated by the same container.
    pub(crate) fn is_past_of(&self, issue: &Issue) -> bool {
        self.container == issue.container && self.rule.raw() == issue.rule.id
    }
}

/// A container that came to name another image.
#[derive(Debug, Clone)]
pub struct ImageChange {
    /// The container.
    pub container: UntrustedText,
    /// The image before.
    pub from: UntrustedText,
    /// The image since.
    pub to: UntrustedText,
    /// When that was seen.
    pub at: Timestamp,
}
