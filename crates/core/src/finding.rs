//! What the engine says of a container.

use crate::drift;
use crate::evidence;
use crate::policy::AppliedExemption;
use crate::pull_policy::PullPolicy;
use crate::reference::{Reference, ReferenceError};
use crate::rules::{Policy, RuleMeta};
use crate::tag::Classification;
use crate::workload::Container;

/// Result of a rule for a container, as the Policy Working Group's report API names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A violation.
    Fail,
    /// The rule could not judge: the input is broken.
    Error,
    /// Advice; not scored.
    Warn,
    /// Exempt.
    Skip,
    /// Nothing to mend.
    Pass,
}

impl Outcome {
    /// Reading order of a report: what needs a hand first.
    pub const ALL: [Self; 5] = [Self::Fail, Self::Error, Self::Warn, Self::Skip, Self::Pass];

    /// The name in reports, metrics and `scan -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Pass => "pass",
        }
    }

    /// Reads a name that [`Self::as_str`] gives.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// Severity of a finding, as the report API names them, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Wrong code can run at any pod start, and nothing will show it.
    Critical,
    /// Wrong code will run sooner or later.
    High,
    /// A hazard in some circumstances.
    Medium,
    /// Worth knowing.
    Low,
    /// No hazard.
    Info,
}

impl Severity {
    /// Every severity, most severe first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The name in reports, metrics and `scan -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// Reads a name that [`Self::as_str`] gives.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

/// Everything the engine says of one container of a workload.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Index of the container in [`crate::workload::Workload::containers`].
    pub container: usize,
    /// The parsed image, or why it does not parse.
    pub reference: Result<Reference, ReferenceError>,
    /// How mutable the reference is.
    pub classification: Classification,
    /// The pull policy that counts.
    pub effective_pull_policy: PullPolicy,
    /// One finding per rule that fired, and one pass for each policy in which none did.
    pub findings: Vec<Finding>,
}

/// One result of one rule for one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static RuleMeta,
    /// What it found.
    pub outcome: Outcome,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming the container and the image; safe for a terminal.
    pub message: String,
    /// How to mend it, best way first; empty for a pass.
    pub resolution: String,
    /// What made a skip of it.
    pub exemption: Option<AppliedExemption>,
}

impl Finding {
    /// What proves it: what was seen to run, where the rule is about that, else the place itself.
    pub fn evidence(&self, container: &Container) -> String {
        match container.drift.as_deref().filter(|_| self.rule.policy == Policy::ImageDrift) {
            Some(drift) => drift::snippet(container, drift),
            None => evidence::snippet(container),
        }
    }
}
