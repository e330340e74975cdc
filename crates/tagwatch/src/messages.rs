//! Messages on standard error: results alone are on standard output.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::AnsiColor;
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::columns::wrap;
use tagwatch_scan::output::{self, NoteDetail};
use tagwatch_scan::report::ScanReport;

use crate::style::style;

/// Set once, before a command runs.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves out notes from now on.
pub(crate) fn silence_notes() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Whether notes are left out.
pub(crate) fn is_quiet() -> bool {
    IS_QUIET.load(Ordering::Relaxed)
}

/// With `--quiet` only notes that are errors: the exit code depends on them.
pub(crate) fn write_notes(report: &mut ScanReport, detail: NoteDetail) -> io::Result<()> {
    let (mut stderr, style) = (io::stderr().lock(), style(&io::stderr()));
    if !is_quiet() {
        return output::write_notes(report, detail, &mut stderr, style);
    }
    let errors = report.notes.iter().filter(|note| note.code.is_error()).cloned().collect();
    let all = std::mem::replace(&mut report.notes, errors);
    let written = output::write_notes(report, detail, &mut stderr, style);
    report.notes = all;
    written
}

/// Says what came of a command that has nothing to print, as kubectl does.
pub(crate) fn outcome(message: &str) {
    if !is_quiet() {
        write(&wrapped(message, style(&io::stderr()).width));
    }
}

/// A remark on the input, or on what was chosen.
pub(crate) fn note(message: &str) {
    if !is_quiet() {
        write_prefixed("note", AnsiColor::Cyan, message);
    }
}

/// Something that makes the result doubtful.
pub(crate) fn warning(message: &str) {
    write_prefixed("warning", AnsiColor::Yellow, message);
}

/// Why a command failed.
pub(crate) fn error(message: &str) {
    write_prefixed("error", AnsiColor::Red, message);
}

fn write_prefixed(word: &str, color: AnsiColor, message: &str) {
    let style = style(&io::stderr());
    let text = wrapped(&format!("{word}: {}", safe_lines(message)), style.width);
    // The width of a line is that of its text: colours come behind it.
    let rest = text.strip_prefix(word).unwrap_or(&text);
    write(&format!("{}{rest}", style.paint(color.on_default().bold(), word)));
}

/// Each line of a message in lines that fit the terminal.
fn wrapped(message: &str, width: Option<usize>) -> String {
    message.lines().flat_map(|line| wrap(line, width)).collect::<Vec<_>>().join("\n")
}

/// A message may quote what a server or a file says.
fn safe_lines(message: &str) -> String {
    let lines: Vec<String> = message.lines().map(|line| UntrustedText::from(line).terminal()).collect();
    lines.join("\n")
}

/// If standard error is closed, there is nowhere to report to.
fn write(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_drive_the_terminal() {
        assert_eq!(safe_lines("a\u{1b}[31m\n  b\u{202e}\n"), "a\\u{1b}[31m\n  b\\u{202e}");
    }
}
