//! `-o gitlab`: a Code Quality report of GitLab (docs.gitlab.com, "Code Quality", "Code Quality report format"). GitLab
//! compares it with that of the target branch by fingerprints.

use std::io::{self, Write};

use serde::Serialize;
use tagwatch_core::outcome::Severity;
use tagwatch_core::structured;

use super::blocks;
use crate::report::{FindingEntry, ScanReport};

#[derive(Debug, Serialize)]
struct Entry<'r> {
    description: &'r str,
    check_name: &'r str,
    fingerprint: &'r str,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
}

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let open = report.findings.iter().filter(|finding| finding.result.is_open());
    out.write_all(structured::json(&open.map(entry).collect::<Vec<_>>())?.as_bytes())
}

fn entry(finding: &FindingEntry) -> Entry<'_> {
    let FindingEntry { place, message, rule, fingerprint, severity, .. } = finding;
    let location = Location { path: blocks::relative(&place.file), lines: Lines { begin: place.line } };
    Entry { description: message, check_name: rule, fingerprint, severity: level(*severity), location }
}

/// GitLab knows info, minor, major, critical and blocker. A blocker is left to tools that mean it.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "major",
        Severity::Medium => "minor",
        Severity::Low | Severity::Info => "info",
    }
}
