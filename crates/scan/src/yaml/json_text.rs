//! JSON as Go's `encoding/json` reads it, one value after another.

use std::borrow::Cow;

use super::builder::Builder;
use super::error::{Located, YamlError};
use super::scalar::Scalar;
use super::syntax::{Cursor, Mark};

type Result<T> = std::result::Result<T, Located<YamlError>>;

/// What is expected within a list or a mapping.
#[derive(Debug, Clone, Copy)]
enum State {
    /// An item, or the end of the list where it `may_end`.
    Item {
        may_end: bool,
    },
    /// A comma, or the end of the list.
    AfterItem,
    Key {
        may_end: bool,
    },
    AfterValue,
}

/// Passes the white space of JSON. YAML and editors know more kinds of line breaks; here they do not stand.
pub(super) fn skip_space(cursor: &mut Cursor<'_>) {
    loop {
        match cursor.byte(0) {
            b' ' | b'\t' => cursor.skip(),
            b'\r' | b'\n' => {
                cursor.take_break();
            }
            _ => return,
        }
    }
}

/// Reads one value, which begins at the cursor, without recursion.
pub(super) fn read<'t>(cursor: &mut Cursor<'t>, tree: &mut Builder<'t>) -> Result<()> {
    let mut states = Vec::new();
    value(cursor, tree, &mut states)?;
    while let Some(state) = states.pop() {
        skip_space(cursor);
        match (state, cursor.byte(0)) {
            (State::Item { may_end: true } | State::AfterItem, b']')
            | (State::Key { may_end: true } | State::AfterValue, b'}') => {
                cursor.skip();
                tree.end()?;
            }
            (State::AfterItem, b',') => {
                cursor.skip();
                states.push(State::Item { may_end: false });
            }
            (State::AfterValue, b',') => {
                cursor.skip();
                states.push(State::Key { may_end: false });
            }
            (State::Item { .. }, _) => {
                states.push(State::AfterItem);
                value(cursor, tree, &mut states)?;
            }
            (State::Key { .. }, b'"') => {
                let at = cursor.mark.position();
                let key = string(cursor)?;
                tree.typed_scalar(at, key, Scalar::String)?;
                skip_space(cursor);
                if cursor.byte(0) != b':' {
                    return Err(invalid(cursor.mark));
                }
                cursor.skip();
                skip_space(cursor);
                states.push(State::AfterValue);
                value(cursor, tree, &mut states)?;
            }
            _ => return Err(invalid(cursor.mark)),
        }
    }
    Ok(())
}

/// A scalar, or the begin of a list or mapping.
fn value<'t>(cursor: &mut Cursor<'t>, tree: &mut Builder<'t>, states: &mut Vec<State>) -> Result<()> {
    let start = cursor.mark;
    let at = start.position();
    match cursor.byte(0) {
        b'[' => {
            cursor.skip();
            states.push(State::Item { may_end: true });
            tree.start_sequence(at, None)
        }
        b'{' => {
            cursor.skip();
            states.push(State::Key { may_end: true });
            tree.start_mapping(at, None, Some(start.offset))
        }
        b'"' => {
            let text = string(cursor)?;
            tree.typed_scalar(at, text, Scalar::String)
        }
        b'-' | b'0'..=b'9' => {
            let (text, number) = number(cursor)?;
            tree.typed_scalar(at, Cow::Borrowed(text), number)
        }
        _ => {
            let words =
                [("null", Scalar::Null), ("true", Scalar::Bool(true)), ("false", Scalar::Bool(false))];
            let word = words.into_iter().find(|(word, _)| cursor.rest().starts_with(word));
            let (word, scalar) = word.ok_or_else(|| invalid(start))?;
            word.bytes().for_each(|_| cursor.skip());
            tree.typed_scalar(at, Cow::Borrowed(word), scalar)
        }
    }
}

/// A whole number that fits 64 bits stays whole, as for the API server.
fn number<'t>(cursor: &mut Cursor<'t>) -> Result<(&'t str, Scalar)> {
    let start = cursor.mark;
    if cursor.byte(0) == b'-' {
        cursor.skip();
    }
    if cursor.byte(0) == b'0' {
        cursor.skip();
    } else {
        digits(cursor)?;
    }
    if cursor.byte(0) == b'.' {
        cursor.skip();
        digits(cursor)?;
    }
    if matches!(cursor.byte(0), b'e' | b'E') {
        cursor.skip();
        if matches!(cursor.byte(0), b'+' | b'-') {
            cursor.skip();
        }
        digits(cursor)?;
    }
    let text = cursor.since(start.offset);
    let whole = text.parse().map(Scalar::Integer).ok();
    // The text of a number is one that Rust reads; one that is too large becomes infinite, which is refused.
    let number = whole.or_else(|| text.parse().map(Scalar::Float).ok());
    number.map(|number| (text, number)).ok_or_else(|| invalid(start))
}

fn digits(cursor: &mut Cursor<'_>) -> Result<()> {
    let from = cursor.mark;
    while cursor.byte(0).is_ascii_digit() {
        cursor.skip();
    }
    if cursor.mark == from { Err(invalid(from)) } else { Ok(()) }
}

fn string<'t>(cursor: &mut Cursor<'t>) -> Result<Cow<'t, str>> {
    let start = cursor.mark;
    cursor.skip();
    let mut text = String::new();
    let mut piece = cursor.mark.offset;
    loop {
        match cursor.byte(0) {
            b'"' => {
                let last = cursor.since(piece);
                cursor.skip();
                return Ok(if text.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(text + last) });
            }
            b'\\' => {
                text.push_str(cursor.since(piece));
                text.push(escape(cursor)?);
                piece = cursor.mark.offset;
            }
            0..0x20 => return Err(invalid(if cursor.is_at_end() { start } else { cursor.mark })),
            _ => cursor.skip(),
        }
    }
}

/// Half of a surrogate pair is U+FFFD, as for Go.
fn escape(cursor: &mut Cursor<'_>) -> Result<char> {
    let start = cursor.mark;
    let (escaped, length) = match cursor.byte(1) {
        byte @ (b'"' | b'\\' | b'/') => (char::from(byte), 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'u' => {
            let first = code_unit(cursor.rest()).ok_or_else(|| invalid(start))?;
            let second = cursor.rest().get(6..).and_then(code_unit);
            match char::from_u32(first.into()) {
                Some(character) => (character, 6),
                None => match char::decode_utf16([first].into_iter().chain(second)).next() {
                    Some(Ok(character)) => (character, 12),
                    _ => (char::REPLACEMENT_CHARACTER, 6),
                },
            }
        }
        _ => return Err(invalid(start)),
    };
    for _ in 0..length {
        cursor.skip();
    }
    Ok(escaped)
}

/// The digits of `\uXXXX` at the begin of a text.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

fn invalid(at: Mark) -> Located<YamlError> {
    Located { at: at.position(), error: YamlError::Json }
}
