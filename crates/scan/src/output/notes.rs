//! Notes on the inputs, for standard error.

use std::io::{self, Write};

use anstyle::AnsiColor;

use super::Style;
use crate::report::{Note, ScanReport};

/// Writes one line for each note, as compilers do: `error: file:line:column: message [code]`.
///
/// # Errors
/// Errors of the writer.
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
