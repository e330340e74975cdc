//! What a rule is.

use std::time::Duration;

use super::meta::RuleMeta;
use super::subject::Subject;
use crate::outcome::{Outcome, Severity};

/// What a rule reports about one container.
#[derive(Debug)]
pub(crate) struct Violation {
    /// [`Outcome::Fail`], [`Outcome::Error`] or [`Outcome::Warn`].
    pub(crate) outcome: Outcome,
    pub(crate) severity: Severity,
    /// What is wrong, naming the container and the image.
    pub(crate) message: String,
    /// How to fix it, best way first.
    pub(crate) resolution: String,
}

/// One rule. It sees one container at a time, and no other rule: which rule is silent where another one fires is
/// declared in [`PRECEDENCE`](super::precedence::PRECEDENCE), which the engine applies.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) meta: &'static RuleMeta,
    /// Says what is wrong with a container, or `None`. A rule that needs a reference is asked only where there is one.
    pub(crate) check: fn(&Subject<'_>) -> Option<Violation>,
    /// Whether it is about Kubernetes alone, so that a Compose service is not asked about.
    pub(crate) is_of_kubernetes: bool,
    /// In how long the rule has to be asked again, because its grace time for a state ends then. No event announces it.
    pub(crate) due_in: fn(&Subject<'_>) -> Option<Duration>,
}
