//! What a pattern found in a tag.

use std::fmt;

/// A pattern's name with the text it matched, as [`Classification::matched`](super::Classification) shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Evidence<'a> {
    pub(super) pattern: &'static str,
    pub(super) text: &'a str,
}

impl fmt::Display for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.pattern, self.text)
    }
}
