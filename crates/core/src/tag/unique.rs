//! What makes a tag unique: a part of it that a build has once.

use super::evidence::Evidence;
use super::parts::{Part, Parts, Separator, is_number, split_digits, split_letters, strip_word};
use super::words;

/// Fewest digits of a build number that stands alone. Shorter ones are versions, years or tickets.
const BUILD_NUMBER_DIGITS: usize = 5;

/// Looks at the part `at`, and those that follow where several say it together.
type Detector = for<'a> fn(&Parts<'a>, usize) -> Option<Evidence<'a>>;

const DETECTORS: [Detector; 8] =
    [uuid, dashed_date, compact_date, git_sha, counted_build, build_number, revision, vendor_build];

/// The first part that says it.
pub(super) fn find<'a>(parts: &Parts<'a>) -> Option<Evidence<'a>> {
    (0..parts.len()).find_map(|at| DETECTORS.iter().find_map(|detect| detect(parts, at)))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn uuid<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let groups = [8, 4, 4, 4, 12];
    let is_group = |(index, length): (usize, usize)| {
        parts.get(at + index).is_some_and(|part| {
            part.text.len() == length
                && is_hex(part.text)
                && (index == 0 || part.separator == Separator::Dash)
        })
    };
    let last = at + groups.len() - 1;
    groups
        .into_iter()
        .enumerate()
        .all(is_group)
        .then(|| Evidence { pattern: "UUID", text: parts.span(at, last) })
}

/// `2024-01-10`, also with the time of ISO 8601 on the day (`2024-01-10T15-30-00Z`), and `10-01-2024` in either
/// order. A date with dots is a version.
fn dashed_date<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let (first, second, third) = (parts.get(at)?, parts.get(at + 1)?, parts.get(at + 2)?);
    let joins = |part: &Part<'_>| part.separator != Separator::Dot;
    if !joins(&second) || !joins(&third) {
        return None;
    }
    let (day, time) = split_digits(third.text);
    let year_first = (time.is_empty() || time.starts_with(['T', 't']))
        && is_year(strip_word(first.text, "v").unwrap_or(first.text))
        && is_month(second.text)
        && is_day(day);
    let year_last = is_year(third.text)
        && first.text.len() == 2
        && second.text.len() == 2
        && ((is_day(first.text) && is_month(second.text)) || (is_month(first.text) && is_day(second.text)));
    (year_first || year_last).then(|| Evidence { pattern: "date", text: parts.span(at, at + 2) })
}

/// `20240110` with a time (`202401101530`, `20240110T153000Z`) or without, also on a word (`v20240110`).
fn compact_date<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let text = parts.get(at)?.text;
    let (digits, _) = split_digits(split_letters(text).1);
    if !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, rest) = rest.split_at_checked(2)?;
    let (day, _) = rest.split_at_checked(2)?;
    (is_year(year) && is_month(month) && is_day(day)).then_some(Evidence { pattern: "date", text })
}

/// Years in which images were built.
fn is_year(text: &str) -> bool {
    text.len() == 4 && is_within(text, 2000, 2099)
}

fn is_month(text: &str) -> bool {
    text.len() <= 2 && is_within(text, 1, 12)
}

fn is_day(text: &str) -> bool {
    text.len() <= 2 && is_within(text, 1, 31)
}

fn is_within(text: &str, min: u32, max: u32) -> bool {
    is_number(text) && text.parse().is_ok_and(|number: u32| (min..=max).contains(&number))
}

/// 7 to 40 hex digits, git's abbreviated to full SHA-1, or the 64 of SHA-256; not all of them decimal, unless
/// behind the `g` of `git describe`. No word list is asked: `deadbeef` is a commit.
fn git_sha<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let text = parts.get(at)?.text;
    let is_sha = |text: &str| matches!(text.len(), 7..=40 | 64) && is_hex(text);
    let described = strip_word(text, "g").is_some_and(is_sha);
    (described || (is_sha(text) && !is_number(text))).then_some(Evidence { pattern: "git SHA", text })
}

/// A number of any length behind a word that counts builds: `build-123`, `ci.7`, `run42`; not a version, as in
/// `build-1.2.3`.
fn counted_build<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let part = parts.get(at)?;
    let (word, number) = split_letters(part.text);
    if !words::contains(words::BUILD_COUNTERS, word) {
        return None;
    }
    let last = match number {
        "" => parts.get(at + 1).filter(Part::is_number).map(|_| at + 1)?,
        number => is_number(number).then_some(at)?,
    };
    (!parts.goes_on_after(last)).then(|| Evidence { pattern: "build number", text: parts.span(at, last) })
}

/// Five or more digits, also behind a `b`, among them seconds and milliseconds of Unix time.
fn build_number<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let text = parts.get(at)?.text;
    let number = strip_word(text, "b").unwrap_or(text);
    if !is_number(number) || number.len() < BUILD_NUMBER_DIGITS {
        return None;
    }
    if matches!(text.len(), 10 | 13) && text.starts_with('1') {
        return Some(Evidence { pattern: "Unix time", text });
    }
    (!is_ticket(parts, at)).then_some(Evidence { pattern: "build number", text })
}

/// Whether a number is that of a ticket or change request (`JIRA-12345`, `pr-12345`), whose image every push
/// builds anew. Ticket systems write the key of a project in upper case.
fn is_ticket(parts: &Parts<'_>, at: usize) -> bool {
    let behind_dot = parts.get(at).is_some_and(|part| part.separator == Separator::Dot);
    !behind_dot && parts.before(at).is_some_and(|before| is_ticket_key(before.text))
}

fn is_ticket_key(word: &str) -> bool {
    let is_key = word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    words::contains(words::CHANGE_REQUESTS, word) || (is_key && words::listed(word, false).is_none())
}

/// A package's revision as a suffix: `1.27.3-r0` (Alpine), `15.4.0-debian-11-r45` (Bitnami).
fn revision<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let part = parts.get(at)?;
    let is_suffix = part.separator == Separator::Dash && !parts.goes_on_after(at);
    (is_suffix && strip_word(part.text, "r").is_some_and(is_number))
        .then_some(Evidence { pattern: "revision", text: part.text })
}

/// The build number of a vendor behind a version, such as `-gke.2700` in `v1.30.5-gke.2700`.
fn vendor_build<'a>(parts: &Parts<'a>, at: usize) -> Option<Evidence<'a>> {
    let vendor = parts.get(at).filter(|part| part.separator == Separator::Dash)?;
    let counts = parts.goes_on_after(at) && parts.get(at + 1).is_some_and(|part| part.is_number());
    (counts && words::contains(words::VENDOR_BUILDS, vendor.text))
        .then(|| Evidence { pattern: "vendor build", text: parts.span(at, at + 1) })
}
