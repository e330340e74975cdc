//! Untrusted text on a page.

use std::fmt;

use askama::filters::HtmlSafe;
use tagwatch_core::reference::MAX_BYTES;
use tagwatch_core::text::UntrustedText;

/// Most characters of a name or an image in a table.
const SHORT: usize = 120;
/// Most characters of anything else.
const LONG: usize = 4096;

/// Text that is escaped for HTML. Untrusted text reaches a template only in this form, because [`UntrustedText`] cannot
/// be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HtmlText(String);

impl HtmlText {
    /// At most [`LONG`] characters.
    pub(crate) fn long(text: &UntrustedText) -> Self {
        Self::cut(text, LONG)
    }

    /// For a table or a heading.
    pub(crate) fn short(text: &UntrustedText) -> Self {
        Self::cut(text, SHORT)
    }

    /// One line, at most [`LONG`] characters.
    pub(crate) fn line(text: &str) -> Self {
        Self::cut(&text.into(), LONG)
    }

    /// The first characters, with a mark where there are more.
    pub(crate) fn head(text: &str, max: usize) -> Self {
        let end = text.char_indices().nth(max).map(|(end, _)| end);
        let head = UntrustedText::from(&text[..end.unwrap_or(text.len())]).html();
        Self(if end.is_some() { head + "…" } else { head })
    }

    /// The same behind our own words.
    pub(crate) fn behind(self, words: &'static str) -> Self {
        Self(format!("{words}{self}"))
    }

    /// Lines to copy and paste. Line breaks are kept; other control characters are escaped.
    pub(crate) fn code(text: &str) -> Self {
        Self(text.lines().map(|line| UntrustedText::from(line).html()).collect::<Vec<_>>().join("\n"))
    }

    fn cut(text: &UntrustedText, max: usize) -> Self {
        let raw = text.raw();
        match raw.char_indices().nth(max) {
            None => Self(text.html()),
            Some((end, _)) => {
                let head = UntrustedText::from(&raw[..end]).html();
                // A cluster's objects are kept without the rest of a longer one.
                if raw.len() > MAX_BYTES {
                    return Self(format!("{head}… (more than {MAX_BYTES} bytes in all)"));
                }
                Self(format!("{head}… ({} characters in all)", raw.chars().count()))
            }
        }
    }
}

impl fmt::Display for HtmlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Safe because `UntrustedText::html` has escaped the text.
impl HtmlSafe for HtmlText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_with_its_length() {
        let text = UntrustedText::from("<".repeat(200));
        let shown = HtmlText::short(&text).to_string();
        assert_eq!(shown, format!("{}… (200 characters in all)", "&lt;".repeat(SHORT)));
        assert_eq!(HtmlText::short(&"a<b".into()).to_string(), "a&lt;b");
    }
}
