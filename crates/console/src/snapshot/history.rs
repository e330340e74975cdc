//! What was, as reports keep it (`reports.md`, "Life").

use jiff::Timestamp;
use tagwatch_core::text::UntrustedText;

/// A time in which a rule was violated, and which is over.
#[derive(Debug, Clone)]
pub struct ClosedInterval {
    /// The address in that time, where it is still known: a link to it then leads on.
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
