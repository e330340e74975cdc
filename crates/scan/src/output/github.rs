//! `-o github`: workflow commands of GitHub Actions, which annotate lines of the files of a change
//! (docs.github.com, "Workflow commands for GitHub Actions", "Setting an error message").

use std::io::{self, Write};

use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::UntrustedText;

use super::blocks;
use crate::report::{FindingEntry, Note, ScanReport};

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let errors = report.notes.iter().filter(|note| note.code.is_error());
    errors.map(of_note).try_for_each(|line| writeln!(out, "{line}"))?;
    let findings = report.findings.iter().filter(|finding| finding.result.is_open());
    findings.map(of_finding).try_for_each(|line| writeln!(out, "{line}"))
}

fn of_finding(finding: &FindingEntry) -> String {
    let level = match (finding.known, finding.result) {
        (Some(true), _) => "notice",
        (_, Outcome::Warn) => "warning",
        _ => "error",
    };
    let FindingEntry { place, message, resolution, rule, severity, .. } = finding;
    let excuse = blocks::excuse(finding).map_or(String::new(), |excuse| format!("\n{excuse}"));
    let title = format!("{rule} ({})", severity.as_str());
    let text = format!("{message}{excuse}\nFix: {resolution}");
    command(level, (&place.file, place.line, place.column), &title, &text)
}

fn of_note(note: &Note) -> String {
    command("error", (&note.file, note.line, note.column), note.code.as_str(), &note.message)
}

fn command(level: &str, (file, line, column): (&UntrustedText, u32, u32), title: &str, text: &str) -> String {
    let (file, title) = (property(&blocks::relative(file)), property(title));
    format!("::{level} file={file},line={line},col={column},title={title}::{}", data(text))
}

/// What would end the command, or begin an escape, is escaped as `escapeData` of the runner's toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property ends at a comma or a colon too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
