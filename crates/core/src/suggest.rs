//! "Did you mean": messages for unknown names.

use crate::text::UntrustedText;

/// Longest name that is compared, far longer than any known name: comparing takes the product of both lengths.
const MAX_BYTES: usize = 64;

/// Least similarity of two names, from 0 to 1.
const MIN_LIKENESS: f64 = 0.5;

/// The known name that was probably meant.
pub(crate) fn closest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > MAX_BYTES {
        return None;
    }
    let fold = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let unknown = fold(unknown);
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&unknown, &fold(name)), name))
        .filter(|&(likeness, _)| likeness >= MIN_LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// `there is no profile "strikt"; did you mean strict?`, or all known names where none is alike. Safe for a
/// terminal.
pub fn unknown(what: &str, unknown: &str, known: &[&str]) -> String {
    let shown: String = unknown.chars().take(MAX_BYTES).collect();
    let shown = UntrustedText::from(shown).terminal();
    match closest(unknown, known.iter().copied()) {
        Some(closest) => format!("there is no {what} \"{shown}\"; did you mean {closest}?"),
        None => format!("there is no {what} \"{shown}\"; expected one of: {}", known.join(", ")),
    }
}
