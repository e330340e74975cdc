//! A snippet of YAML, line by line.

use tagwatch_core::text::UntrustedText;

use crate::text::Shown;

/// One line.
pub(crate) struct Line {
    pub(crate) indent: String,
    /// The key with its colon, and the dash of a list before it.
    pub(crate) key: Option<Shown>,
    pub(crate) value: Shown,
    pub(crate) is_marked: bool,
}

/// The snippet.
pub(crate) struct Evidence {
    pub(crate) lines: Vec<Line>,
}

impl Evidence {
    /// Marks one line, from 0.
    pub(crate) fn new(snippet: &UntrustedText, marked: Option<usize>) -> Self {
        let lines = snippet.raw().lines().enumerate();
        Self { lines: lines.map(|(at, line)| Line::new(line, marked == Some(at))).collect() }
    }
}

impl Line {
    fn new(line: &str, is_marked: bool) -> Self {
        let text = line.trim_start_matches(' ');
        let indent = line[..line.len() - text.len()].to_owned();
        // The first colon that ends a key: none stands in the keys that there are.
        let end =
            text.find(": ").map(|colon| colon + 1).or_else(|| text.ends_with(':').then_some(text.len()));
        let (key, value) = text.split_at(end.unwrap_or_default());
        let key = (!key.is_empty()).then(|| Shown::line(key));
        Self { indent, key, value: Shown::line(value), is_marked }
    }
}
