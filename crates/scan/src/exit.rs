//! From a report to the exit status of the process.

use crate::report::ScanReport;
use tagwatch_core::outcome::Outcome;

/// How a scan ended. Usage and configuration errors (2) are the command line's own and go before these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything was read, and nothing reaches [`FailOn`].
    Clean,
    /// A finding reaches [`FailOn`].
    Findings,
    /// An input was not read, or not all of it, whatever the findings are.
    IncompleteInput,
}

impl ExitStatus {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::IncompleteInput => 3,
        }
    }
}

/// The least result that makes a scan fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// Images that cannot be judged; violations are tolerated.
    Error,
    /// Violations, and images that cannot be judged.
    #[default]
    Fail,
    /// Advice too.
    Warn,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Every value, the most tolerant but `never` first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Fail, Self::Warn, Self::Never];

    /// The value of `--fail-on`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Never => "never",
        }
    }

    /// Whether a result makes the scan fail.
    pub fn is_reached_by(self, outcome: Outcome) -> bool {
        match self {
            Self::Error => outcome == Outcome::Error,
            Self::Fail => matches!(outcome, Outcome::Error | Outcome::Fail),
            Self::Warn => matches!(outcome, Outcome::Error | Outcome::Fail | Outcome::Warn),
            Self::Never => false,
        }
    }
}

impl ScanReport {
    /// Whether every input was read whole.
    pub fn is_complete(&self) -> bool {
        !self.notes.iter().any(|note| note.code.is_error())
    }

    /// How the scan ended.
    pub fn exit_status(&self, fail_on: FailOn) -> ExitStatus {
        if !self.is_complete() {
            return ExitStatus::IncompleteInput;
        }
        if self.findings.iter().any(|finding| fail_on.is_reached_by(finding.result)) {
            return ExitStatus::Findings;
        }
        ExitStatus::Clean
    }
}
