//! Words of a shell command.

use std::borrow::Cow;

/// A word as a POSIX shell reads it back, single-quoted where necessary (XCU 2.2.2). `None` for control characters, on
/// which a terminal acts when a command is pasted, and for anything outside ASCII, which can hide or reorder text.
pub(crate) fn quote(word: &str) -> Option<Cow<'_, str>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Some(word.into());
    }
    let shown = word.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    shown.then(|| format!("'{}'", word.replace('\'', r"'\''")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quote("shop").as_deref(), Some("shop"));
        assert_eq!(quote("").as_deref(), Some("''"));
        assert_eq!(quote("a b;$(c)`d`").as_deref(), Some("'a b;$(c)`d`'"));
        assert_eq!(quote("it's").as_deref(), Some(r"'it'\''s'"));
        assert_eq!(quote("~").as_deref(), Some("'~'"));
    }

    #[test]
    fn control_and_bidirectional_characters_are_rejected() {
        for word in ["\u{1b}[2J", "a\nb", "a\0", "\u{202e}", "\t"] {
            assert_eq!(quote(word), None, "{word:?}");
        }
    }
}
