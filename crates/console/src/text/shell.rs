//! Words of a shell command.

use std::borrow::Cow;

/// A word as a POSIX shell reads it back, single-quoted where it needs to be (XCU 2.2.2). `None` for what no command
/// line should hold: a terminal that it is pasted into would act on control characters, and a reader would not see
/// what hides or reorders text.
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
    fn what_a_terminal_would_act_on_is_no_word() {
        for word in ["\u{1b}[2J", "a\nb", "a\0", "\u{202e}", "\t"] {
            assert_eq!(quote(word), None, "{word:?}");
        }
    }
}
