//! Tags that the policy declares floating: the words and patterns of the rule `floating-tag`.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

use super::parts::Parts;
use crate::text::UntrustedText;

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 512;

/// Most memory that a compiled pattern may take, in bytes: patterns such as `\w{900}` need megabytes.
const MAX_COMPILED: usize = 1 << 18;

/// Most patterns: with [`MAX_COMPILED`] the budget of them all.
pub(crate) const MAX_PATTERNS: usize = 64;

/// Words and patterns that a policy adds to those that tagwatch knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeclaredFloating {
    words: Vec<UntrustedText>,
    patterns: Vec<(UntrustedText, Regex)>,
}

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum InvalidPattern {
    #[error("the regular expression has {0} bytes; at most {MAX_PATTERN} are allowed")]
    TooLong(usize),
    #[error("there are more than {MAX_PATTERNS} regular expressions; join some by |")]
    TooMany,
    #[error("the regular expression is too large: compiled it takes more than {MAX_COMPILED} bytes")]
    TooLarge,
    /// Safe for a terminal.
    #[error("this is no regular expression: {0}")]
    Syntax(String),
}

impl DeclaredFloating {
    /// Adds a word: a whole part of a tag, at its head or end, compared without case.
    pub(crate) fn add_word(&mut self, word: impl Into<UntrustedText>) {
        self.words.push(word.into());
    }

    /// Adds a regular expression, which has to match the whole tag.
    pub(crate) fn add_pattern(&mut self, pattern: &str) -> Result<(), InvalidPattern> {
        if pattern.len() > MAX_PATTERN {
            return Err(InvalidPattern::TooLong(pattern.len()));
        }
        if self.patterns.len() >= MAX_PATTERNS {
            return Err(InvalidPattern::TooMany);
        }
        // Compiled by itself first: `a)|(?:b` is invalid, but would be valid within the group.
        compile(pattern)?;
        // A comment, which `(?x)` allows, would swallow the end of the group: where it does, a line of its own ends it.
        let compiled =
            compile(&format!("^(?:{pattern})$")).or_else(|_| compile(&format!("^(?:{pattern}\n)$")))?;
        self.patterns.push((pattern.into(), compiled));
        Ok(())
    }

    pub(super) fn pattern(&self, tag: &str) -> Option<&UntrustedText> {
        self.matching_patterns(tag)
            .next()
            .and_then(|index| self.patterns.get(index))
            .map(|(written, _)| written)
    }

    pub(super) fn word(&self, tag: &str) -> Option<&UntrustedText> {
        self.matching_words(tag).next().and_then(|index| self.words.get(index))
    }

    /// The indexes of the patterns that match a tag.
    pub(crate) fn matching_patterns(&self, tag: &str) -> impl Iterator<Item = usize> {
        let matching =
            self.patterns.iter().enumerate().filter(move |(_, (_, pattern))| pattern.is_match(tag));
        matching.map(|(index, _)| index)
    }

    /// The indexes of the words that a tag has.
    pub(crate) fn matching_words(&self, tag: &str) -> impl Iterator<Item = usize> {
        let parts = (!self.words.is_empty()).then(|| Parts::new(tag));
        let ends = parts.map_or([None, None], |parts| {
            [parts.get(0), parts.len().checked_sub(1).and_then(|last| parts.get(last))]
                .map(|part| part.map(|part| part.text))
        });
        let is_end = move |word: &UntrustedText| {
            ends.iter().flatten().any(|part| part.eq_ignore_ascii_case(word.raw()))
        };
        self.words.iter().enumerate().filter(move |(_, word)| is_end(word)).map(|(index, _)| index)
    }

    /// The numbers of words and of patterns.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.words.len(), self.patterns.len())
    }
}

fn compile(pattern: &str) -> Result<Regex, InvalidPattern> {
    let compiled = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => InvalidPattern::TooLarge,
        error => InvalidPattern::Syntax(syntax(&error.to_string())),
    })
}

/// The crate's message spans several lines; the last one says what is wrong.
fn syntax(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    UntrustedText::from(last.trim_start_matches("error: ")).terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(pattern: &str, tag: &str) -> bool {
        let mut declared = DeclaredFloating::default();
        declared.add_pattern(pattern).expect(pattern);
        declared.pattern(tag).is_some()
    }

    #[test]
    fn a_pattern_matches_the_whole_tag() {
        for (pattern, tag, expected) in [
            ("v1", "v1", true),
            ("v1", "v1.2", false),
            ("a|ab", "ab", true),
            ("a|b", "ab", false),
            ("(?x) v1 # release", "v1", true),
            ("(?x) v1 # release", "v1-x", false),
            ("(?x) v1 # )", "v1", true),
            ("(?i)v1", "V1", true),
        ] {
            assert_eq!(floats(pattern, tag), expected, "{pattern} on {tag}");
        }
    }

    #[test]
    fn a_pattern_cannot_leave_its_group() {
        let error = DeclaredFloating::default().add_pattern("a)|(?:b").expect_err("no regular expression");
        assert!(matches!(error, InvalidPattern::Syntax(_)), "{error}");
    }

    #[test]
    fn the_number_of_patterns_is_bounded() {
        let mut declared = DeclaredFloating::default();
        for index in 0..MAX_PATTERNS {
            assert_eq!(declared.add_pattern(&format!("a{index}")), Ok(()));
        }
        assert_eq!(declared.add_pattern("b"), Err(InvalidPattern::TooMany));
    }
}
