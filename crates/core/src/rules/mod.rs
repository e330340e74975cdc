//! The rules: one file each, in an explicit registry, with their documentation beside their code.

use crate::finding::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::reference::{Reference, ReferenceError};
use crate::tag::Classification;
use crate::workload::{Container, Origin};

/// The three groups of rules; a report's `policy` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// What the reference says.
    ImageTag,
    /// How the node gets the image.
    ImagePullPolicy,
}

impl Policy {
    /// Name in reports, metrics and `scan -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageTag => "image-tag",
            Self::ImagePullPolicy => "image-pull-policy",
        }
    }

    /// Category in reports and dashboards.
    pub fn category(self) -> &'static str {
        match self {
            Self::ImageTag => "Mutable Tags",
            Self::ImagePullPolicy => "Pull Policy",
        }
    }
}

/// A rule's identity and its documentation, from which pages, `explain` and the README table are made.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// Names the problem, so that "ignore <id>" reads right.
    pub id: &'static str,
    /// The group it belongs to.
    pub policy: Policy,
    /// Severity as the recommended profile sets it, the highest that the rule gives.
    pub severity: Severity,
    /// The worst outcome that the rule gives in the recommended profile.
    pub outcome: Outcome,
    /// First version of tagwatch that has it.
    pub since: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Why it matters: Markdown paragraphs.
    pub why: &'static str,
    /// YAML that violates it.
    pub bad: &'static str,
    /// YAML that does not.
    pub good: &'static str,
    /// How to mend it: Markdown.
    pub fix: &'static str,
}

/// A container with what is known of it, as a rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The container.
    pub container: &'a Container,
    /// Where it was read.
    pub origin: Origin,
    /// The parsed image.
    pub reference: Result<&'a Reference, &'a ReferenceError>,
    /// How mutable it is.
    pub classification: &'a Classification,
    /// The pull policy that counts.
    pub effective_pull_policy: PullPolicy,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Fail, error or warn.
    pub outcome: Outcome,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming the container and the image.
    pub message: String,
    /// How to mend it, best way first.
    pub resolution: String,
}

/// One rule. Rules are independent of each other and see one container at a time.
pub trait Rule: Sync {
    /// Identity and documentation.
    fn meta(&self) -> &'static RuleMeta;

    /// Says what is wrong with a container, or `None`.
    fn check(&self, subject: &Subject<'_>) -> Option<Violation>;
}

/// Every rule, in the order in which documentation lists them.
pub fn registry() -> &'static [&'static dyn Rule] {
    &[]
}
