//! Output formats, one file each. Results and notes have separate writers, so that results can be piped.

mod blocks;
pub mod columns;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod name;
mod notes;
mod policy_report;
mod sarif;
mod summary;
mod table;
mod wide;
mod yaml;

use std::io::{self, Write};
use tagwatch_core::named;

use crate::exit::FailOn;
use crate::report::ScanReport;

pub use notes::{NoteDetail, write_notes};

/// A format of results: the value of `-o`, in the order of its help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A block for each container, to read in a terminal.
    #[default]
    Table,
    /// A line for each finding, with all of it.
    Wide,
    /// For programs: the contract that [`crate::report::json_schema`] describes.
    Json,
    /// The same as YAML.
    Yaml,
    /// PolicyReports of `wgpolicyk8s.io/v1alpha2`, one for each workload, in a `List`.
    PolicyReport,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// `JUnit` XML: a test case for each judged image and each finding.
    Junit,
    /// Workflow commands of GitHub Actions, which annotate the lines of a change.
    Github,
    /// A Code Quality report of GitLab.
    Gitlab,
    /// For a comment or a job summary.
    Markdown,
    /// The workloads with findings, as kubectl names them.
    Name,
}

named!(Format {
    Table => "table",
    Wide => "wide",
    Json => "json",
    Yaml => "yaml",
    PolicyReport => "policyreport",
    Sarif => "sarif",
    Junit => "junit",
    Github => "github",
    Gitlab => "gitlab",
    Markdown => "markdown",
    Name => "name",
});

impl Format {
    /// Whether the format shows images without a finding.
    pub fn lists_clean_images(self) -> bool {
        match self {
            Self::Json | Self::Yaml | Self::PolicyReport | Self::Junit => true,
            Self::Table
            | Self::Wide
            | Self::Sarif
            | Self::Github
            | Self::Gitlab
            | Self::Markdown
            | Self::Name => false,
        }
    }

    /// Whether the format shows the fingerprints of findings.
    pub fn shows_fingerprints(self) -> bool {
        match self {
            Self::Json | Self::Yaml | Self::PolicyReport | Self::Sarif | Self::Gitlab => true,
            Self::Table | Self::Wide | Self::Junit | Self::Github | Self::Markdown | Self::Name => false,
        }
    }

    /// Whether the format shows the evidence of findings.
    pub fn shows_evidence(self) -> bool {
        match self {
            Self::Json | Self::Yaml | Self::PolicyReport => true,
            Self::Table
            | Self::Wide
            | Self::Sarif
            | Self::Junit
            | Self::Github
            | Self::Gitlab
            | Self::Markdown
            | Self::Name => false,
        }
    }
}

/// The look of text for people; other formats ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether ANSI colours are written.
    pub color: bool,
    /// Columns of the terminal. Without a terminal, lines are not folded.
    pub width: Option<usize>,
}

impl Style {
    /// The text in a colour if colours are on. The text must be safe for a terminal.
    pub fn paint(self, color: anstyle::Style, text: &str) -> String {
        if self.color { format!("{color}{text}{color:#}") } else { text.to_owned() }
    }
}

/// Writes the results in a format. `fail_on` decides which findings are failures where a format has two kinds.
///
/// # Errors
/// Errors of the writer. A broken pipe means that the reader has stopped.
pub fn write(
    format: Format,
    report: &ScanReport,
    fail_on: FailOn,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, out, style),
        Format::Wide => wide::write(report, out, style),
        Format::Json => json::write(report, out),
        Format::Yaml => yaml::write(report, out),
        Format::PolicyReport => policy_report::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Junit => junit::write(report, fail_on, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Name => name::write(report, out),
    }
}
