//! What makes a tag float: a word or a partial version that names a line of builds, of which the tag is
//! whichever is newest.

use super::evidence::Evidence;
use super::parts::{Parts, Separator};
use super::version::Version;
use super::words;

/// The pattern found, and whether it is certain.
#[derive(Debug)]
pub(super) struct Floating<'a> {
    pub(super) evidence: Evidence<'a>,
    /// The tag is one number alone, which may be a build number just as well.
    pub(super) one_number: bool,
}

/// Looks for a partial version at the head; for a listed word at the head or the end; for a partial version
/// behind a listed word.
pub(super) fn find<'a>(parts: &Parts<'a>) -> Option<Floating<'a>> {
    if let Some(version) = Version::at(parts, 0).filter(|version| version.is_partial(parts)) {
        let one_number = version.is_one_number() && version.last + 1 == parts.len();
        let pattern = if one_number { "one number alone" } else { "partial version" };
        return Some(Floating {
            evidence: evidence(parts, pattern, version.first, version.last),
            one_number,
        });
    }
    (0..parts.len()).find_map(|at| word(parts, at)).map(|evidence| Floating { evidence, one_number: false })
}

fn word<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let (pattern, last) = listed_at(parts, at)?;
    if at == 0 || last + 1 == parts.len() {
        return Some(evidence(parts, pattern, at, last));
    }
    let version = Version::at(parts, last + 1).filter(|version| version.is_partial(parts))?;
    Some(evidence(parts, pattern, at, version.last))
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
