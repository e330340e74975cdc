//! What makes a tag float: a word or a partial version that names a line of builds, of which the tag is
//! whichever is newest.

use super::evidence::Evidence;
use super::parts::{Part, Parts, Separator};
use super::version::Version;
use super::words;

/// The pattern found, and what it says.
#[derive(Debug)]
pub(super) struct Floating<'a> {
    pub(super) evidence: Evidence<'a>,
    pub(super) reading: Reading,
    /// A partial version at the head is the pattern.
    pub(super) is_partial_version: bool,
}

/// Whether a tag that looks as if it moves may be one that is pushed once just as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It moves.
    Moves,
    /// Two numbers are a line of releases for one publisher, and a full version for the next.
    ByPublisher,
    /// It may be a build: one number alone, or a branch with a number.
    Unknown,
}

/// Looks for a partial version at the head; for a listed word at the head or the end; for a partial version
/// behind a listed word.
pub(super) fn find<'a>(parts: &Parts<'a>) -> Option<Floating<'a>> {
    if let Some(version) = Version::at(parts, 0).filter(|version| version.is_partial(parts)) {
        return Some(partial_version(parts, &version));
    }
    (0..parts.len()).find_map(|at| word(parts, at))
}

fn partial_version<'a>(parts: &Parts<'a>, version: &Version<'a>) -> Floating<'a> {
    let is_one_number = version.is_one_number() && parts.after(version.last).all(|part| part.is_number());
    let (pattern, last, reading) = if !is_one_number {
        ("partial version", version.last, reading_of(version))
    } else if version.last + 1 == parts.len() {
        ("one number alone", version.last, Reading::Unknown)
    } else {
        // `1-71`, as Red Hat tags the releases of images that have one number.
        ("number with a release", parts.len() - 1, Reading::Unknown)
    };
    Floating { evidence: evidence(parts, pattern, version.first, last), reading, is_partial_version: true }
}

fn reading_of(version: &Version<'_>) -> Reading {
    if version.is_two_numbers() { Reading::ByPublisher } else { Reading::Moves }
}

fn word<'a>(parts: &Parts<'a>, at: usize) -> Option<Floating<'a>> {
    let (pattern, last) = listed_at(parts, at)?;
    let version = Version::at(parts, last + 1).filter(|version| version.is_partial(parts));
    let is_at_an_end = at == 0 || last + 1 == parts.len();
    if !is_at_an_end && version.is_none() {
        return None;
    }
    let numbered =
        words::is_channel(parts.get(at)?.text).then(|| numbered_channel(parts, last + 1, version.as_ref()));
    let (pattern, last, reading) = match (numbered.flatten(), version) {
        (Some((last, reading)), _) => ("channel or branch with a number", last, reading),
        (None, Some(version)) if !is_at_an_end => (pattern, version.last, Reading::Moves),
        (None, _) => (pattern, last, Reading::Moves),
    };
    Some(Floating { evidence: evidence(parts, pattern, at, last), reading, is_partial_version: false })
}

/// What the number behind a channel or branch says (`main-1234`, `release-1.2`), and the index of its last part.
/// Five digits and more are a build number, which makes the tag unique. A moving word behind the number says that
/// the tag moves, whatever the number is.
fn numbered_channel(parts: &Parts<'_>, at: usize, version: Option<&Version<'_>>) -> Option<(usize, Reading)> {
    let (last, reading) = match version {
        Some(version) if version.is_one_number() => (version.last, Reading::Unknown),
        Some(version) => (version.last, reading_of(version)),
        None => (at, parts.get(at).filter(Part::is_number).map(|_| Reading::Unknown)?),
    };
    let moves = parts.after(last).any(|part| words::contains(words::MOVING_SUFFIXES, part.text));
    (!moves).then_some((last, reading))
}

/// A listed word, with the version that hangs on it (`ubuntu22.04`, `php8.x`), and the index of its last part.
fn listed_at(parts: &Parts<'_>, at: usize) -> Option<(&'static str, usize)> {
    let text = parts.get(at)?.text;
    if let Some(group) = words::listed(text, false) {
        return Some((group, at));
    }
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let group = words::listed(word, true).filter(|_| word.len() < text.len())?;
    let hangs = |next: &usize| {
        parts.get(*next).is_some_and(|part| {
            part.separator == Separator::Dot && (part.is_number() || part.text.eq_ignore_ascii_case("x"))
        })
    };
    Some((group, at + (at + 1..parts.len()).take_while(hangs).count()))
}

fn evidence<'a>(parts: &Parts<'a>, pattern: &'static str, first: usize, last: usize) -> Evidence<'a> {
    Evidence { pattern, text: parts.span(first, last) }
}
