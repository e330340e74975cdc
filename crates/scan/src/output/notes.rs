//! Notes on the inputs, for standard error.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::AnsiColor;
use tagwatch_core::named;

use super::Style;
use super::columns::wrap;
use crate::report::{Note, ScanReport};

/// Most places that a line for several notes names.
const MAX_PLACES: usize = 3;

/// How notes are written: the value of `--notes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoteDetail {
    /// One line for each code, with the first note and the first places.
    #[default]
    Folded,
    /// One line for each note.
    Full,
}

named!(NoteDetail {
    Folded => "folded",
    Full => "full",
});

/// Writes notes as compilers do: `error: file:line:column: message [code]`. Codes come in the order of their first notes.
///
/// # Errors
/// Errors of the writer.
pub fn write_notes(
    report: &ScanReport,
    detail: NoteDetail,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    let mut folded = BTreeSet::new();
    for (index, note) in report.notes.iter().enumerate() {
        let others: &[Note] = match detail {
            NoteDetail::Full => &[],
            NoteDetail::Folded if !folded.insert(note.code) => continue,
            NoteDetail::Folded => &report.notes[index + 1..],
        };
        let mut line = line_of(note, style);
        let mut others = others.iter().filter(|other| other.code == note.code);
        let places: Vec<String> = others.by_ref().take(MAX_PLACES - 1).map(place).collect();
        if !places.is_empty() {
            let count = places.len() + others.count();
            let (also, more) = (places.join(", "), if count > places.len() { ", …" } else { "" });
            line = format!("{line}; {count} more: {also}{more}; --notes full shows all");
        }
        for line in wrap(&format!("{line} [{}]", note.code.as_str()), style.width) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn place(note: &Note) -> String {
    format!("{}:{}:{}", note.file.terminal(), note.line, note.column)
}

fn line_of(note: &Note, style: Style) -> String {
    let (word, color) =
        if note.code.is_error() { ("error", AnsiColor::Red) } else { ("note", AnsiColor::Cyan) };
    let word = style.paint(color.on_default().bold(), word);
    format!("{word}: {}: {}", place(note), note.message)
}
