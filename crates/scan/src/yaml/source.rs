//! The text of a file, as kubectl sees it.

use std::borrow::Cow;

/// A text whose last line ends, as that of every text that kubectl reads line by line.
#[derive(Debug)]
pub(crate) struct Source<'b> {
    text: Cow<'b, str>,
    /// Length of the text as written.
    written: usize,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// UTF-8.
    Lines,
    /// UTF-8 after a byte order mark: the first line is no separator, and a brace in it does not make the file JSON.
    MarkedLines,
    /// Another encoding, in which kubectl finds no lines and so reads the first document alone.
    Whole,
}

impl<'b> Source<'b> {
    /// UTF-8, with its byte order mark or without.
    pub(crate) fn utf8(text: &'b str) -> Self {
        if text.ends_with('\n') {
            return Self::of_lines(text, text.len());
        }
        let (form, text) = Self::marked(text);
        Self { written: text.len(), text: Cow::Owned(format!("{text}\n")), form }
    }

    /// UTF-8, whose last line ends with a line feed that is not counted among the bytes `written` where it is ours.
    pub(crate) fn of_lines(lines: &'b str, written: usize) -> Self {
        let (form, text) = Self::marked(lines);
        Self { text: Cow::Borrowed(text), written: written - (lines.len() - text.len()), form }
    }

    fn marked(text: &'b str) -> (Form, &'b str) {
        text.strip_prefix('\u{feff}').map_or((Form::Lines, text), |text| (Form::MarkedLines, text))
    }

    /// The same text, which no buffer has to keep.
    pub(crate) fn into_owned(self) -> Source<'static> {
        let Self { text, written, form } = self;
        Source { text: Cow::Owned(text.into_owned()), written, form }
    }

    /// What was decoded from another encoding.
    pub(crate) fn decoded(mut text: String) -> Self {
        let written = text.len();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text: Cow::Owned(text), written, form: Form::Whole }
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

    pub(super) fn written(&self) -> usize {
        self.written
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }
}
