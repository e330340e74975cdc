//! The text of a file, as kubectl sees it.

/// A text whose last line ends, as that of every text that kubectl reads line by line.
#[derive(Debug)]
pub(crate) struct Source {
    text: String,
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

impl Source {
    /// UTF-8, with its byte order mark or without.
    pub(crate) fn utf8(text: String) -> Self {
        match text.strip_prefix('\u{feff}') {
            Some(text) => Self::new(text.to_owned(), Form::MarkedLines),
            None => Self::new(text, Form::Lines),
        }
    }

    /// What was decoded from another encoding.
    pub(crate) fn decoded(text: String) -> Self {
        Self::new(text, Form::Whole)
    }

    fn new(mut text: String, form: Form) -> Self {
        let written = text.len();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text, written, form }
    }

    /// Without a byte order mark, which would count as a column.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn written(&self) -> usize {
        self.written
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }
}
