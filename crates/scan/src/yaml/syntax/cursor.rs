//! A place in a text, and what stands there.

use super::super::source::Source;
use super::super::tree::Position;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::yaml) struct Mark {
    /// In bytes.
    pub(in crate::yaml) offset: usize,
    /// From 1, as editors count.
    line: u32,
    /// From 0, in characters.
    column: u32,
    /// Column in which the row begins. It is 0 but after a line break that only YAML 1.1 knows, which no editor shows as
    /// one, and where a document begins in the middle of a line.
    margin: u32,
    /// Lines as YAML 1.1 counts them.
    row: u32,
}

impl Mark {
    pub(in crate::yaml) const START: Self = Self { offset: 0, line: 1, column: 0, margin: 0, row: 0 };

    pub(in crate::yaml) fn position(&self) -> Position {
        Position { line: self.line, column: self.column.saturating_add(1) }
    }

    pub(in crate::yaml) fn is_line_start(&self) -> bool {
        self.column == 0
    }

    /// This place, where indentation begins to count.
    pub(in crate::yaml) fn as_margin(self) -> Self {
        Self { margin: self.column, ..self }
    }

    /// The begin of the line after one that begins here, which ends with a line feed.
    pub(in crate::yaml) fn after_line(self, line: &str) -> Self {
        let returns = line.trim_end_matches(['\r', '\n']).bytes().filter(|&byte| byte == b'\r').count();
        let breaks = u32::try_from(returns).unwrap_or(u32::MAX).saturating_add(1);
        let (offset, line) = (self.offset + line.len(), self.line.saturating_add(breaks));
        Self { offset, line, column: 0, margin: 0, row: self.row.saturating_add(1) }
    }

    /// The begin of the line after so many lines from here, each of which ends with a line feed alone.
    pub(in crate::yaml) fn after_lines(self, bytes: usize, lines: u32) -> Self {
        let (line, row) = (self.line.saturating_add(lines), self.row.saturating_add(lines));
        Self { offset: self.offset + bytes, line, column: 0, margin: 0, row }
    }

    /// Indentation: characters from the begin of the row.
    pub(super) fn indent(&self) -> i64 {
        i64::from(self.column) - i64::from(self.margin)
    }

    pub(super) fn is_in_row_of(&self, other: &Self) -> bool {
        self.row == other.row
    }
}

/// A reader of a text that ends where the text ends, as if a NUL followed.
#[derive(Debug, Clone)]
pub(in crate::yaml) struct Cursor<'t> {
    text: &'t str,
    /// Length of the text as written: a line break at its end can be ours.
    written: usize,
    pub(in crate::yaml) mark: Mark,
}

impl<'t> Cursor<'t> {
    /// Reads from a mark to a place in bytes.
    pub(in crate::yaml) fn new(source: &'t Source<'_>, mark: Mark, end: usize) -> Self {
        let text = source.text().get(..end).unwrap_or_default();
        Self { text, written: source.written(), mark }
    }

    /// The byte so many bytes ahead; NUL after the end.
    pub(in crate::yaml) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.mark.offset + ahead).copied().unwrap_or(0)
    }

    pub(in crate::yaml) fn is_at_end(&self) -> bool {
        self.mark.offset >= self.text.len()
    }

    /// The text from a place to this one.
    pub(in crate::yaml) fn since(&self, from: usize) -> &'t str {
        self.between(from, self.mark.offset)
    }

    pub(super) fn between(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The text from this place on.
    pub(in crate::yaml) fn rest(&self) -> &'t str {
        self.text.get(self.mark.offset..).unwrap_or_default()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Length of the line break so many bytes ahead; 0 if there is none. Line breaks of YAML 1.1 are CR, LF, CR LF, NEL,
    /// LS and PS.
    pub(super) fn line_break(&self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'\r' if self.byte(ahead + 1) == b'\n' => 2,
            // kubectl takes one carriage return off each line, before YAML takes another one.
            b'\r' if self.byte(ahead + 1) == b'\r' && self.byte(ahead + 2) == b'\n' => 3,
            b'\n' | b'\r' => 1,
            0xC2 if self.byte(ahead + 1) == 0x85 => 2,
            0xE2 if self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    /// Whether a line ends so many bytes ahead.
    pub(super) fn is_line_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.line_break(ahead) > 0
    }

    /// Whether a word ends so many bytes ahead.
    pub(super) fn is_word_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_line_end(ahead)
    }

    /// Whether `---` or `...` stands at the begin of a line.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.indent() == 0
            && (self.rest().starts_with("---") || self.rest().starts_with("..."))
            && self.is_word_end(3)
    }

    /// Passes one character.
    pub(in crate::yaml) fn skip(&mut self) {
        let width = match self.byte(0) {
            0..0x80 => 1,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
        self.mark.offset += width;
        self.mark.column += 1;
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            while !self.is_line_end(0) {
                self.skip();
            }
        }
    }

    /// Passes a line break, if there is one, and returns what it is in a scalar.
    pub(in crate::yaml) fn take_break(&mut self) -> &'static str {
        let length = self.line_break(0);
        let (text, is_shown) = match (self.byte(0), self.byte(2)) {
            _ if length == 0 => return "",
            (b'\n' | b'\r', _) => ("\n", true),
            (0xE2, 0xA8) => ("\u{2028}", false),
            (0xE2, _) => ("\u{2029}", false),
            _ => ("\n", false),
        };
        self.mark.offset += length;
        self.mark.row += 1;
        if is_shown && self.mark.offset <= self.written {
            self.mark.line += 1;
            self.mark.column = 0;
        } else if !is_shown {
            self.mark.column += 1;
        }
        self.mark.margin = self.mark.column;
        text
    }
}
