//! What the engine says about a container.

use crate::evidence;
use crate::exemption::AppliedExemption;
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::reference::{Reference, ReferenceError};
use crate::rules::{RuleGroup, RuleMeta};
use crate::tag::Classification;
use crate::workload::Container;

/// The verdict on one container of a workload.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Index of the container in [`crate::workload::Workload::containers`].
    pub container: usize,
    /// The parsed image, or why it does not parse.
    pub reference: Result<Reference, ReferenceError>,
    /// How mutable the reference is.
    pub classification: Classification,
    /// The written pull policy, or the API server's default.
    pub effective_pull_policy: PullPolicy,
    /// One finding per rule that fired, and one pass for each group in which none did.
    pub findings: Vec<Finding>,
}

/// One result of one rule for one container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Finding {
    pub rule: &'static RuleMeta,
    pub outcome: Outcome,
    pub severity: Severity,
    /// What is wrong, naming the container and the image; safe for a terminal.
    pub message: String,
    /// How to fix it, best way first; empty for a pass.
    pub resolution: String,
    /// The exemption, where the outcome is a skip.
    pub exemption: Option<AppliedExemption>,
}

impl Finding {
    /// YAML that proves it: what runs, for a rule about that, else the container as written.
    pub fn evidence(&self, container: &Container) -> String {
        match container.drift.as_deref().filter(|_| self.rule.group == RuleGroup::ImageDrift) {
            Some(drift) => evidence::drift_snippet(container, drift),
            None => evidence::snippet(container),
        }
    }
}
