//! What a rule is.

use std::fmt;
use std::time::Duration;

use super::meta::RuleMeta;
use super::subject::Subject;
use crate::outcome::{Outcome, Severity};

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Fail, error or warn.
    pub outcome: Outcome,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming the container and the image.
    pub message: String,
    /// How to fix it, best way first.
    pub resolution: String,
}

/// One rule. It sees one container at a time, and no other rule: which rule is silent where another one fires is
/// declared in [`PRECEDENCE`](super::precedence::PRECEDENCE), which the engine applies.
pub trait Rule: Sync {
    /// Identity and documentation.
    fn meta(&self) -> &'static RuleMeta;

    /// Says what is wrong with a container, or `None`. A rule that needs a reference is asked only where there is one.
    fn check(&self, subject: &Subject<'_>) -> Option<Violation>;

    /// In how long the rule has to be asked again, because its grace time for a state ends then. No event announces it.
    fn due_in(&self, _subject: &Subject<'_>) -> Option<Duration> {
        None
    }
}

impl fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meta().id)
    }
}
