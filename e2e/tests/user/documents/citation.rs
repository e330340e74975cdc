//! Mentions of pages in any text: a path from the checkout, and perhaps a heading behind it, as in
//! `docs/reports.md, "The reports"`.

use std::path::Path;

use super::page::{Heading, Target, is_page};

/// Where the pages are published; the address of a runbook begins with it.
const SITE: &str = "https://tagwatch.dev/";

/// Every mention of a page below `docs`.
pub(super) fn targets(text: &str) -> Vec<Target> {
    let text = joined(text);
    let mut targets = Vec::new();
    for (word, behind) in words(&text) {
        let path = word.strip_prefix(SITE).unwrap_or(word).trim_start_matches(['.', '/']);
        if path.starts_with("docs/") && is_page(Path::new(path)) {
            targets.push(Target { path: path.into(), heading: heading(behind) });
        }
    }
    targets
}

/// Pages that comments of code name without their folder: such a name may be of any of several, so only those of the
/// checkout itself are allowed.
pub(super) fn names(text: &str) -> Vec<Target> {
    let comments = text.lines().filter(|line| line.trim_start().starts_with(['/', '#']));
    let words = comments.flat_map(words).map(|(word, _)| word);
    let is_name = |word: &&str| is_page(Path::new(word)) && !word.contains('/');
    words.filter(is_name).map(|name| Target { path: name.into(), heading: None }).collect()
}

/// Each word that may be a path or an address, with the text behind it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | ':' | '-' | '_');
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.find(is_part)?;
        let length = rest[begin..].find(|c| !is_part(c)).unwrap_or(rest.len() - begin);
        let word = rest[begin..begin + length].trim_end_matches(['.', ':']);
        let behind = &rest[begin + word.len()..];
        rest = &rest[begin + length..];
        Some((word, behind))
    })
}

/// What follows a path: a heading in quotes, or an anchor. The path may stand in backticks.
fn heading(behind: &str) -> Option<Heading> {
    if let Some(anchor) = behind.strip_prefix('#') {
        let end = anchor.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
        return Some(Heading::Anchor(anchor[..end.unwrap_or(anchor.len())].to_owned()));
    }
    let behind = behind.strip_prefix('`').unwrap_or(behind);
    let quoted = behind.strip_prefix(", \"")?;
    Some(Heading::Text(quoted.split_once('"')?.0.to_owned()))
}

/// All on one line, without the marks of comments: a line may end between a path and its heading, or within it.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim().trim_start_matches(['/', '!', '#']).trim_start());
    lines.collect::<Vec<_>>().join(" ")
}
