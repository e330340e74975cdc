//! One finding that is not a pass.

use jiff::Timestamp;
use tagwatch_core::exemption::AppliedExemption;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::RuleMeta;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use super::EditMode;

/// What a rule found in one container: a fail, an error, a warning, or any of them exempt.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The key of the result in reports (`resultID`): the issue's address.
    pub id: String,
    /// The addresses that it has under other results: a link to it may be older than its result.
    pub other_ids: Box<[Box<str>]>,
    /// The rule.
    pub rule: &'static RuleMeta,
    /// How bad it is.
    pub severity: Severity,
    /// The result; [`Outcome::Skip`] where it is exempt.
    pub outcome: Outcome,
    /// Name of the container or image volume.
    pub container: UntrustedText,
    /// What kind of place it is.
    pub container_type: ContainerType,
    /// The image as written.
    pub image: UntrustedText,
    /// What is wrong.
    pub message: UntrustedText,
    /// How to mend it, in words.
    pub resolution: UntrustedText,
    /// The place, as YAML.
    pub evidence: UntrustedText,
    /// The line of the evidence that is the matter, from 0.
    pub evidence_line: usize,
    /// Path of the image field from the object's root.
    pub field_path: String,
    /// How the place can be changed.
    pub edit_mode: EditMode,
    /// Pull policies that the policy lets this place have.
    pub allowed_pull_policies: Box<[PullPolicy]>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// What exempts it.
    pub exemption: Option<AppliedExemption>,
}

impl Issue {
    /// Whether somebody has said that it is to stay.
    pub fn is_exempt(&self) -> bool {
        self.outcome == Outcome::Skip
    }
}
