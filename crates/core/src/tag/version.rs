//! Versions in a tag.

use super::evidence::Evidence;
use super::parts::{Parts, Separator, is_number, split_digits, strip_word};
use super::words;

/// Numbers joined by dots, or by underscores, with an optional `v` or `ver` before them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'a> {
    /// Index of the first part.
    pub(super) first: usize,
    /// Index of the last part.
    pub(super) last: usize,
    numbers: usize,
    /// Digits of the first number.
    digits: usize,
    joint: Separator,
    /// The version ends in an `x`, as in `1.27.x`, or several.
    wildcard: bool,
    /// What hangs on the last number without a separator: `b2` in `3.13.0b2`.
    tail: &'a str,
}

impl<'a> Version<'a> {
    /// The version that starts at a part.
    pub(super) fn at(parts: &Parts<'a>, first: usize) -> Option<Self> {
        let number = strip_prefix(parts.get(first)?.text);
        if !is_number(number) {
            return None;
        }
        let mut version = Self {
            first,
            last: first,
            numbers: 1,
            digits: number.len(),
            joint: Separator::Start,
            wildcard: false,
            tail: "",
        };
        while version.tail.is_empty() && version.take_next(parts) {}
        Some(version)
    }

    /// Takes the next part if it goes on with the version. One separator joins all numbers; under an underscore
    /// (`1_2_3`) there are numbers only, since other things follow one as well (`1.5.2_v1`, `17.0.9_9-jdk`).
    fn take_next(&mut self, parts: &Parts<'a>) -> bool {
        let Some(next) = parts.get(self.last + 1) else {
            return false;
        };
        let joins = self.last == self.first || next.separator == self.joint;
        let (digits, tail) = split_digits(next.text);
        match next.separator {
            Separator::Dot if joins && !self.wildcard && !digits.is_empty() => {
                self.numbers += 1;
                self.tail = tail;
            }
            Separator::Dot if joins && next.text.eq_ignore_ascii_case("x") => self.wildcard = true,
            Separator::Underscore if joins && next.is_number() => self.numbers += 1,
            _ => return false,
        }
        self.joint = next.separator;
        self.last += 1;
        true
    }

    /// Three or more numbers, all of them given.
    fn is_full(&self) -> bool {
        self.numbers >= 3 && !self.wildcard
    }

    /// Names a line of releases: `1`, `1.27`, `v2`, `1.x`. A number alone has at most three digits, and nothing
    /// may hang on the version (`1.2rc1`, `1.2.Final`).
    pub(super) fn is_partial(&self, parts: &Parts<'a>) -> bool {
        let line = self.wildcard || self.numbers == 2 || (self.numbers == 1 && self.digits <= 3);
        line && self.tail.is_empty() && !parts.goes_on_after(self.last)
    }

    /// One number and nothing else of a version.
    pub(super) fn is_one_number(&self) -> bool {
        self.numbers == 1 && !self.wildcard
    }

    /// Two numbers and nothing else of a version: a line of releases, or a full version of a publisher who uses two.
    pub(super) fn is_two_numbers(&self) -> bool {
        self.numbers == 2 && !self.wildcard
    }

    /// The index of the part that is the release of a package of two numbers: `8.9-1160` (Red Hat), `1.0-b123`,
    /// `3.8_1` (FreeBSD ports).
    fn release(&self, parts: &Parts<'a>) -> Option<usize> {
        let at = self.last + 1;
        let part = parts.get(at).filter(|part| part.separator != Separator::Dot)?;
        let is_release = is_number(strip_word(part.text, "b").unwrap_or(part.text));
        let is_line = parts.goes_on_after(at)
            && parts.get(at + 1).is_some_and(|part| part.text.eq_ignore_ascii_case("x"));
        // Two versions side by side, such as that of a database with that of its extension: `9.6-3.2`.
        let is_pair = part.text.len() < 3
            && parts.get(at + 1).is_some_and(|next| next.separator == Separator::Dot && is_number(next.text));
        (self.is_two_numbers() && self.tail.is_empty() && is_release && !is_line && !is_pair).then_some(at)
    }

    /// The words behind the version.
    fn suffixes(&self, parts: &Parts<'a>) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.tail).chain(parts.after(self.last).map(|part| part.text))
    }
}

fn strip_prefix(text: &str) -> &str {
    ["ver", "v"].into_iter().find_map(|prefix| strip_word(text, prefix)).unwrap_or(text)
}

/// The versions in a tag that can be meant as the image's own: at its head or behind a word, not inside
/// another version nor the version of a word (`php8.2.1`).
fn versions<'a>(parts: &Parts<'a>) -> impl Iterator<Item = Version<'a>> {
    (0..parts.len()).filter(|at| may_start(parts, *at)).filter_map(|at| Version::at(parts, at))
}

fn may_start(parts: &Parts<'_>, at: usize) -> bool {
    let behind_dot = parts.get(at).is_some_and(|part| part.separator == Separator::Dot);
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    !behind_dot || parts.before(at).is_some_and(|before| is_word(before.text))
}

/// A version of two or more numbers with a word behind it that makes it move: `1.2.3-SNAPSHOT`.
pub(super) fn moving<'a>(parts: &Parts<'a>) -> Option<Evidence<'a>> {
    let version = versions(parts).find(|version| version.numbers >= 2)?;
    let word = version.suffixes(parts).find(|word| words::contains(words::MOVING_SUFFIXES, word))?;
    Some(Evidence { pattern: "version with the moving suffix", text: word })
}

/// A full version, or one of two numbers with its release, at the head or behind prefix words: `1.27.3-alpine`,
/// `controller-v1.10.1`, `8.9-1160`.
///
/// A partial version at the head is the image's own; what is full behind it is a component's, as in
/// `3-openjdk-17.0.2`.
pub(super) fn full<'a>(parts: &Parts<'a>) -> Option<Evidence<'a>> {
    if Version::at(parts, 0).is_some_and(|head| head.is_partial(parts) && head.release(parts).is_none()) {
        return None;
    }
    versions(parts).find_map(|version| {
        if version.is_full() {
            return Some(Evidence { pattern: "full version", text: parts.span(version.first, version.last) });
        }
        let release = version.release(parts)?;
        Some(Evidence { pattern: "version with a release", text: parts.span(version.first, release) })
    })
}
