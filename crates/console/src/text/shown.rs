//! The one way of other people's text onto a page.

use std::fmt;

use askama::filters::HtmlSafe;
use tagwatch_core::text::UntrustedText;

/// Most characters of a name or an image in a table.
const SHORT: usize = 120;
/// Most characters of anything else.
const LONG: usize = 4096;

/// Text that has been escaped for HTML. Templates print this and words of our own, and nothing else:
/// [`UntrustedText`] cannot be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown(String);

impl Shown {
    /// In full, as far as a page can bear it.
    pub(crate) fn long(text: &UntrustedText) -> Self {
        Self::cut(text, LONG)
    }

    /// For a table or a heading.
    pub(crate) fn short(text: &UntrustedText) -> Self {
        Self::cut(text, SHORT)
    }

    /// One line of a snippet.
    pub(crate) fn line(text: &str) -> Self {
        Self::cut(&text.into(), LONG)
    }

    /// Lines that are to be pasted: line breaks stay, and only they.
    pub(crate) fn code(text: &str) -> Self {
        Self(text.lines().map(|line| UntrustedText::from(line).html()).collect::<Vec<_>>().join("\n"))
    }

    fn cut(text: &UntrustedText, max: usize) -> Self {
        let raw = text.raw();
        match raw.char_indices().nth(max) {
            None => Self(text.html()),
            Some((end, _)) => {
                let head = UntrustedText::from(&raw[..end]).html();
                Self(format!("{head}… ({} characters in all)", raw.chars().count()))
            }
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `UntrustedText::html` has escaped it.
impl HtmlSafe for Shown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_says_so() {
        let text = UntrustedText::from("<".repeat(200));
        let shown = Shown::short(&text).to_string();
        assert_eq!(shown, format!("{}… (200 characters in all)", "&lt;".repeat(SHORT)));
        assert_eq!(Shown::short(&"a<b".into()).to_string(), "a&lt;b");
    }
}
