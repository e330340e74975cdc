//! Globs as a policy writes them. Their cost is bounded before they are compiled: a policy must not be able to exhaust
//! the process.

use std::collections::HashMap;

use globset::GlobBuilder;
use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use crate::text::UntrustedText;

/// Longest glob, in bytes.
pub(crate) const MAX_BYTES: usize = 512;

/// Deepest nesting of braces, which the parser reads by recursion.
const MAX_DEPTH: usize = 8;

/// Most memory that a compiled glob may take, in bytes.
const MAX_COMPILED: usize = 1 << 18;

/// Most different globs with wildcards in a policy. Names without wildcards cost nothing, and are not counted.
const MAX_PATTERNS: usize = 2048;

/// How a glob reads `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    Name,
    /// The end of a path element: only `**` crosses it.
    Path,
}

/// Why a glob is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum GlobError {
    #[error("it has {0} bytes; at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    /// Too many braces within each other.
    #[error("its braces are nested too deeply; at most {MAX_DEPTH} levels are allowed")]
    TooDeep,
    /// Its own syntax. Safe for a terminal.
    #[error("{0}")]
    Syntax(String),
    #[error("it is too large: compiled it takes more than {MAX_COMPILED} bytes")]
    TooLarge,
    /// The policy has too many of them.
    #[error("the policy has more than {MAX_PATTERNS} different globs with wildcards")]
    TooMany,
}

#[derive(Debug, Clone)]
pub(crate) enum Glob {
    /// Without any wildcard: the name itself.
    Literal(Box<str>),
    /// With wildcards. Equal globs of a policy share one.
    Pattern(Regex),
}

impl Glob {
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Literal(name) => **name == *text,
            Self::Pattern(pattern) => pattern.is_match(text.as_bytes()),
        }
    }

    /// The one name that it matches, where it has no wildcard.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(name) => Some(name),
            Self::Pattern(_) => None,
        }
    }
}

/// Compiles the globs of one policy.
#[derive(Debug, Default)]
pub(crate) struct Globs {
    patterns: HashMap<(Style, String), Regex>,
}

impl Globs {
    pub(crate) fn compile(&mut self, glob: &str, style: Style) -> Result<Glob, GlobError> {
        check_size(glob)?;
        if !glob.contains(['*', '?', '[', '{', '}', '\\']) {
            return Ok(Glob::Literal(glob.into()));
        }
        let key = (style, glob.to_owned());
        if let Some(known) = self.patterns.get(&key) {
            return Ok(Glob::Pattern(known.clone()));
        }
        if self.patterns.len() >= MAX_PATTERNS {
            return Err(GlobError::TooMany);
        }
        let pattern = RegexBuilder::new(parse(glob, style)?.regex())
            .dot_matches_new_line(true)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .build();
        let pattern = pattern.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => GlobError::TooLarge,
            _ => GlobError::Syntax("it is no valid expression".to_owned()),
        })?;
        self.patterns.insert(key, pattern.clone());
        Ok(Glob::Pattern(pattern))
    }
}

/// The size that a glob's text alone shows.
pub(crate) fn check_size(glob: &str) -> Result<(), GlobError> {
    if glob.len() > MAX_BYTES {
        return Err(GlobError::TooLong(glob.len()));
    }
    let mut depth = 0_usize;
    for byte in glob.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(GlobError::TooDeep);
        }
    }
    Ok(())
}

/// Reads a glob whose size is checked.
pub(crate) fn parse(glob: &str, style: Style) -> Result<globset::Glob, GlobError> {
    GlobBuilder::new(glob)
        .literal_separator(style == Style::Path)
        .backslash_escape(false)
        .empty_alternates(true)
        .build()
        .map_err(|error| GlobError::Syntax(UntrustedText::from(error.kind().to_string()).terminal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, style: Style, text: &str) -> bool {
        Globs::default().compile(glob, style).expect(glob).is_match(text)
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        for (glob, text, expected) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("we?", "web", true),
            ("we?", "webs", false),
            ("*-{prod,qa}", "shop-qa", true),
            ("*-{prod,qa}", "shop-qa-2", false),
            ("web{,-canary}", "web", true),
            ("web{,-canary}", "web-canary", true),
            ("[a-c]*", "b", true),
            ("[!a-c]*", "b", false),
            ("a*", "a\nb", true),
        ] {
            assert_eq!(matches(glob, Style::Name, text), expected, "{glob} on {text}");
        }
        assert!(matches("a*", Style::Name, "a/b"));
        assert!(!matches("a*", Style::Path, "a/b"));
        assert!(matches("a/**", Style::Path, "a/b/c"));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_built() {
        let error = |glob: &str| Globs::default().compile(glob, Style::Name).expect_err("too large");
        assert_eq!(error(&format!("nginx{}", "?".repeat(150_000))), GlobError::TooLong(150_005));
        assert_eq!(error(&"{".repeat(200_000)), GlobError::TooLong(200_000));
        assert_eq!(error(&format!("{}a{}", "{a,".repeat(126), "}".repeat(126))), GlobError::TooDeep);
        assert_eq!(error(&format!("{}a{}", "{a,".repeat(9), "}".repeat(9))), GlobError::TooDeep);
        assert!(matches(&format!("{}b{}", "{a,".repeat(8), "}".repeat(8)), Style::Name, "b"));
        assert!(matches(&"?".repeat(MAX_BYTES), Style::Name, &"x".repeat(MAX_BYTES)));
    }

    #[test]
    fn a_policy_has_a_bounded_number_of_patterns_and_any_number_of_names() {
        let mut globs = Globs::default();
        for index in 0..MAX_PATTERNS {
            assert!(globs.compile(&format!("{index}*"), Style::Name).is_ok(), "{index}");
        }
        assert_eq!(globs.compile("one-more*", Style::Name).err(), Some(GlobError::TooMany));
        assert!(globs.compile("7*", Style::Name).is_ok(), "known already");
        assert!(globs.compile("a-name", Style::Name).is_ok());
    }
}
