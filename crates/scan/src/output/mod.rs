//! Output formats, one file each. Results and notes have separate writers, so that results can be piped.

mod json;
mod notes;
mod table;

use std::io::{self, Write};
use tagwatch_core::named;

use crate::report::ScanReport;

pub use notes::{NoteDetail, write_notes};

/// A format of results: the value of `-o`, in the order of its help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Aligned text to read in a terminal.
    #[default]
    Table,
    /// For programs: the contract that [`crate::report::json_schema`] describes.
    Json,
}

named!(Format {
    Table => "table",
    Json => "json",
});

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
    fn paint(self, style: anstyle::Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Writes the results in a format.
///
/// # Errors
/// Errors of the writer. A broken pipe means that the reader has stopped.
pub fn write(format: Format, report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, out, style),
        Format::Json => json::write(report, out),
    }
}
