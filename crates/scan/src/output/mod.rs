//! Output formats, one file each. Results go to one writer; the talk about the inputs goes to another one, so that
//! results can be piped.

mod json;
mod table;
mod talk;

use crate::report::ScanReport;
use std::io::{self, Write};

pub use talk::write_notes;

/// A format for results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: the contract that [`crate::report::json_schema`] describes.
    Json,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Self; 2] = [Self::Table, Self::Json];

    /// The value of `-o`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
        }
    }
}

/// How text for people looks; no other format asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether ANSI colours are written.
    pub color: bool,
    /// Columns of the terminal; `None` where there is none, and no line is folded.
    pub width: Option<usize>,
}

impl Style {
    /// Text in a colour, where colours are wanted. The text must be safe for a terminal.
    fn paint(self, style: anstyle::Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Writes the results in a format.
///
/// # Errors
/// What the writer says; a broken pipe is the reader's wish to stop.
pub fn write(format: Format, report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, out, style),
        Format::Json => json::write(report, out),
    }
}
