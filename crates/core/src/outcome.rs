//! Results and severities of findings, in the words of the Policy Working Group's report API.

/// Result of a rule for a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The rule is violated.
    Fail,
    /// The rule could not check the container: its input is broken.
    Error,
    /// Advice; not scored.
    Warn,
    /// The rule is violated, and an exemption applies.
    Skip,
    /// No rule of the group is violated.
    Pass,
}

impl Outcome {
    /// Every outcome, in the order of a report: what needs attention first.
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

/// Severity of a finding.
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
