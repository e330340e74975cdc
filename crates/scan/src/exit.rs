//! From a report to the exit status of the process.

use tagwatch_core::named;
use tagwatch_core::outcome::Outcome;

use crate::report::{FindingEntry, ScanReport};

/// The result of a scan. The command line itself reports usage and configuration errors, with exit status 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything was read, and nothing reaches [`FailOn`].
    Clean,
    /// A finding reaches [`FailOn`].
    Findings,
    /// An input was not read, or only in part. This takes precedence over findings.
    IncompleteInput,
}

impl ExitStatus {
    /// The exit status of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::IncompleteInput => 3,
        }
    }
}

/// The lowest result that makes a scan fail: the value of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// Only images that cannot be evaluated.
    Error,
    /// Violations, and images that cannot be evaluated.
    #[default]
    Fail,
    /// Warnings fail the scan too.
    Warn,
    /// No finding fails the scan.
    Never,
}

named!(FailOn {
    Error => "error",
    Fail => "fail",
    Warn => "warn",
    Never => "never",
});

impl FailOn {
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
    /// Whether every input was read completely.
    pub fn is_complete(&self) -> bool {
        !self.notes.iter().any(|note| note.code.is_error())
    }

    /// The result of the scan.
    pub fn exit_status(&self, fail_on: FailOn) -> ExitStatus {
        if !self.is_complete() {
            return ExitStatus::IncompleteInput;
        }
        let is_known = |finding: &FindingEntry| finding.known == Some(true);
        if self.findings.iter().any(|finding| fail_on.is_reached_by(finding.result) && !is_known(finding)) {
            return ExitStatus::Findings;
        }
        ExitStatus::Clean
    }
}
