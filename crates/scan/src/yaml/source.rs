//! The text of a file, as kubectl sees it.

use std::borrow::Cow;

use super::tree::Position;

/// A text whose last line ends, as that of every text that kubectl reads line by line. Its byte order mark is not part of it.
#[derive(Debug)]
pub(crate) struct Source<'b> {
    text: Cow<'b, str>,
    /// Length of the text as written.
    written: usize,
    replaced: Option<ReplacedByte>,
}

/// The first byte of a text that was not UTF-8, and was replaced by U+FFFD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplacedByte {
    pub(crate) at: Position,
    pub(crate) byte: u8,
}

impl<'b> Source<'b> {
    /// UTF-8, with its byte order mark or without.
    pub(crate) fn utf8(text: &'b str) -> Self {
        if text.ends_with('\n') {
            return Self::of_lines(text, text.len());
        }
        Self::decoded(unmarked(text).to_owned())
    }

    /// UTF-8, whose last line ends with a line feed that is not counted among the bytes `written` where it is ours.
    pub(crate) fn of_lines(lines: &'b str, written: usize) -> Self {
        let text = unmarked(lines);
        Self { text: Cow::Borrowed(text), written: written - (lines.len() - text.len()), replaced: None }
    }

    /// The same text, which no buffer has to keep.
    pub(crate) fn into_owned(self) -> Source<'static> {
        let Self { text, written, replaced } = self;
        Source { text: Cow::Owned(text.into_owned()), written, replaced }
    }

    /// What was decoded from another encoding.
    pub(crate) fn decoded(mut text: String) -> Self {
        let written = text.len();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text: Cow::Owned(text), written, replaced: None }
    }

    /// Lines in which bytes were replaced, of which the last so many are ours.
    pub(crate) fn replaced(text: String, added: usize, byte: ReplacedByte) -> Self {
        Self { written: text.len() - added, text: Cow::Owned(text), replaced: Some(byte) }
    }

    pub(crate) fn replaced_byte(&self) -> Option<ReplacedByte> {
        self.replaced
    }

    /// Without a byte order mark, which would count as a column.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a brace comes first, behind blanks, in so many bytes from the begin.
    pub(super) fn begins_with_brace(&self, bytes: usize) -> bool {
        let end = self.text.floor_char_boundary(bytes.min(self.text.len()));
        self.text[..end].trim_start().starts_with('{')
    }

    pub(crate) fn written(&self) -> usize {
        self.written
    }
}

fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
