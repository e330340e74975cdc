//! Identity and documentation of a rule, and the groups of rules.

use super::ids;
use super::parameters::Parameter;
use crate::named;
use crate::outcome::{Outcome, Severity};

/// The groups of rules, in the order in which a container's results are written; a report's `policy` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleGroup {
    /// What the reference says.
    ImageTag,
    /// How the node gets the image.
    ImagePullPolicy,
    /// What the cluster's pods really run.
    ImageDrift,
}

named!(RuleGroup {
    ImageTag => "image-tag",
    ImagePullPolicy => "image-pull-policy",
    ImageDrift => "image-drift",
});

impl RuleGroup {
    /// Category of its rules in reports and dashboards.
    pub const fn category(self) -> &'static str {
        match self {
            Self::ImageTag => "Mutable Tags",
            Self::ImagePullPolicy => "Pull Policy",
            Self::ImageDrift => "Image Drift",
        }
    }

    /// Id of the rule under which a pass is written when no rule of the group fires and this one is on.
    pub fn leading_rule(self) -> &'static str {
        match self {
            Self::ImageTag => ids::FLOATING_TAG,
            Self::ImagePullPolicy => ids::STALE_PULL_POLICY,
            Self::ImageDrift => ids::MOVED_TAG,
        }
    }

    /// Whether a container in which no rule fires gets a pass. The absence of drift so far proves nothing.
    pub fn gives_passes(self) -> bool {
        self != Self::ImageDrift
    }
}

/// A rule's identity and its documentation: the source of its page, of `explain` and of the README table.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// Names the problem, so that `ignore <id>` reads right. One of [`ids`].
    pub id: &'static str,
    /// The group it belongs to.
    pub group: RuleGroup,
    /// Category in reports and dashboards.
    pub category: &'static str,
    /// Whether the recommended profile has it on.
    pub enabled: bool,
    /// Whether it needs an image that parses; otherwise it reads the text, or what the cluster showed.
    pub needs_reference: bool,
    /// The parameters that it reads.
    pub parameters: &'static [Parameter],
    /// Its own severity, the highest that the rule gives.
    pub severity: Severity,
    /// Its own outcome, the highest that the rule gives; `why` says when it gives less.
    pub outcome: Outcome,
    /// First version of tagwatch that has it.
    pub since: &'static str,
    /// What the rule finds, in one line of plain text.
    pub summary: &'static str,
    /// Why it matters: Markdown paragraphs.
    pub why: &'static str,
    /// YAML that violates it.
    pub bad: &'static str,
    /// YAML that does not.
    pub good: &'static str,
    /// How to fix it: Markdown.
    pub fix: &'static str,
}
