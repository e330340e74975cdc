//! A YAML snippet, split for highlighting.

use tagwatch_core::text::UntrustedText;

use crate::text::HtmlText;

pub(crate) struct Line {
    pub(crate) indent: String,
    /// The key with its colon and the dash of a list before it.
    pub(crate) key: Option<HtmlText>,
    pub(crate) value: HtmlText,
    pub(crate) is_marked: bool,
}

pub(crate) struct Evidence {
    pub(crate) lines: Vec<Line>,
}

impl Evidence {
    /// `marked` is a line, counted from 0.
    pub(crate) fn new(snippet: &UntrustedText, marked: Option<usize>) -> Self {
        let lines = snippet.raw().lines().enumerate();
        Self { lines: lines.map(|(at, line)| Line::new(line, marked == Some(at))).collect() }
    }
}

impl Line {
    fn new(line: &str, is_marked: bool) -> Self {
        let text = line.trim_start_matches(' ');
        let indent = line[..line.len() - text.len()].to_owned();
        // No key of a snippet contains a colon, so the first one that can end a key does.
        let end =
            text.find(": ").map(|colon| colon + 1).or_else(|| text.ends_with(':').then_some(text.len()));
        let (key, value) = text.split_at(end.unwrap_or_default());
        let key = (!key.is_empty()).then(|| HtmlText::line(key));
        Self { indent, key, value: HtmlText::line(value), is_marked }
    }
}
