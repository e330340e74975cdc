//! Bytes to text, within the budget.

use std::fs::File;
use std::io::{self, Read};

use thiserror::Error;

use super::Input;
use crate::yaml::{Limits, Position, Source};

/// Why the text of an input cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("larger than the budget of {0} bytes for a file; it was not read")]
    TooLarge(u64),
    #[error("not UTF-8: it begins with the byte order mark of UTF-32")]
    Utf32,
    #[error("no valid UTF-16, although it begins with its byte order mark")]
    NotUtf16,
    #[error("not UTF-8: byte 0x{byte:02x}")]
    NotUtf8 {
        /// Position of the byte.
        at: Position,
        /// The first byte that is not part of a character.
        byte: u8,
    },
}

/// Reads the whole input: UTF-8, or UTF-16 with a byte order mark.
pub(crate) fn read(input: &Input, stdin: &mut dyn Read, limits: Limits) -> Result<Source, ReadError> {
    match input {
        Input::Stdin => decode(read_limited(stdin, limits.bytes)?),
        Input::File(path) => decode(read_limited(&mut File::open(path)?, limits.bytes)?),
    }
}

/// Reads one byte more than allowed to detect longer input: pipes and growing files have no known length.
fn read_limited(reader: &mut dyn Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        return Ok(bytes);
    }
    Err(ReadError::TooLarge(limit))
}

fn decode(bytes: Vec<u8>) -> Result<Source, ReadError> {
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(ReadError::Utf32),
        [0xff, 0xfe, units @ ..] => return decode_utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => return decode_utf16(units, u16::from_be_bytes),
        _ => {}
    }
    String::from_utf8(bytes).map(Source::utf8).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let text = String::from_utf8_lossy(valid);
        ReadError::NotUtf8 {
            at: end_of(text.strip_prefix('\u{feff}').unwrap_or(&text)),
            byte: rest.first().copied().unwrap_or(0),
        }
    })
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Source, ReadError> {
    let (units, []) = bytes.as_chunks() else { return Err(ReadError::NotUtf16) };
    let decoded: Result<String, _> = char::decode_utf16(units.iter().copied().map(unit)).collect();
    decoded.map(Source::decoded).map_err(|_| ReadError::NotUtf16)
}

/// The position after a text.
fn end_of(text: &str) -> Position {
    let line_start = text.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    let lines = text.bytes().filter(|&byte| byte == b'\n').count();
    Position { line: count(lines), column: count(text[line_start..].chars().count()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8], limit: u64) -> Result<String, ReadError> {
        let source = read(&Input::Stdin, &mut &*bytes, Limits { bytes: limit, ..Limits::default() });
        source.map(|source| source.text().to_owned())
    }

    #[test]
    fn a_byte_order_mark_is_not_a_column() {
        assert_eq!(read_bytes(b"\xef\xbb\xbfa: b\n", 100).unwrap(), "a: b\n");
    }

    #[test]
    fn utf16_is_read_by_its_byte_order_mark() {
        assert_eq!(read_bytes(b"\xff\xfea\0:\0\xe9\0\n\0", 100).unwrap(), "a:é\n");
        assert_eq!(read_bytes(b"\xfe\xff\0a\0:\xd8\x3d\xde\0\0\n", 100).unwrap(), "a:😀\n");
    }

    #[test]
    fn other_encodings_are_named() {
        let error = |bytes| read_bytes(bytes, 100).unwrap_err().to_string();
        for broken in [&b"\xff\xfea\0:"[..], b"\xff\xfe\x3d\xd8a\0"] {
            assert_eq!(error(broken), "no valid UTF-16, although it begins with its byte order mark");
        }
        for mark in [&b"\0\0\xfe\xff"[..], b"\xff\xfe\0\0"] {
            assert_eq!(error(mark), "not UTF-8: it begins with the byte order mark of UTF-32");
        }
    }

    #[test]
    fn an_invalid_byte_has_a_position() {
        let error = read_bytes(
            "a: b\nü: x".as_bytes().iter().copied().chain([0xe9]).collect::<Vec<_>>().as_slice(),
            100,
        );
        let Err(ReadError::NotUtf8 { at, byte }) = error else { panic!("{error:?}") };
        assert_eq!((at, byte), (Position { line: 2, column: 5 }, 0xe9));
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(read_bytes(b"1234", 4).is_ok());
        let error = read_bytes(b"12345", 4).unwrap_err();
        assert_eq!(error.to_string(), "larger than the budget of 4 bytes for a file; it was not read");
    }
}
