//! Results and severities of findings, in the words of the Policy Working Group's report API.

use crate::named;

/// Result of a rule for a container, in the order of a report: what needs attention first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The rule is violated.
    Fail,
    /// The rule could not check the container: its input is broken.
    Error,
    /// The rule is violated and is set to advise only; a warning does not lower the score.
    Warn,
    /// The rule is violated, and an exemption applies.
    Skip,
    /// No rule of the group is violated.
    Pass,
}

named!(Outcome {
    Fail => "fail",
    Error => "error",
    Warn => "warn",
    Skip => "skip",
    Pass => "pass",
});

/// Severity of a finding, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Wrong code can run at any pod start, and no status shows it.
    Critical,
    /// Wrong code will run sooner or later.
    High,
    /// A hazard in some circumstances.
    Medium,
    /// No hazard by itself, but worth knowing.
    Low,
    /// Information alone, no hazard.
    Info,
}

named!(Severity {
    Critical => "critical",
    High => "high",
    Medium => "medium",
    Low => "low",
    Info => "info",
});
