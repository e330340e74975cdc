//! Notes, for standard error.

use super::Style;
use crate::report::{Note, ScanReport};
use anstyle::AnsiColor;
use std::io::{self, Write};

/// Writes one line for each note, as compilers do: `error: file:line:column: message [code]`.
///
/// # Errors
/// What the writer says.
pub fn write_notes(report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    report.notes.iter().try_for_each(|note| write_note(note, out, style))
}

fn write_note(note: &Note, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let (word, color) =
        if note.code.is_error() { ("error", AnsiColor::Red) } else { ("note", AnsiColor::Cyan) };
    let word = style.paint(color.on_default().bold(), word);
    let Note { line, column, message, .. } = note;
    writeln!(out, "{word}: {}:{line}:{column}: {message} [{}]", note.file.terminal(), note.code.as_str())
}
