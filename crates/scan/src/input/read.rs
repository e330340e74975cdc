//! Bytes to text, within the budget.

use std::fs::File;
use std::io::{self, Read};

use thiserror::Error;

use super::Input;
use crate::yaml::{Limits, Position};

/// Why the text of an input cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("larger than the budget of {0} bytes for a file; it was not read")]
    TooLarge(u64),
    #[error("not UTF-8: it begins with the byte order mark of {0}")]
    OtherEncoding(&'static str),
    #[error("not UTF-8: byte 0x{byte:02x}")]
    NotUtf8 {
        /// Position of the byte.
        at: Position,
        /// The first byte that is not part of a character.
        byte: u8,
    },
}

/// Reads the whole input, without its byte order mark, which would count as a column.
pub(crate) fn read(input: &Input, stdin: &mut dyn Read, limits: Limits) -> Result<String, ReadError> {
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

fn decode(mut bytes: Vec<u8>) -> Result<String, ReadError> {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => drop(bytes.drain(..3)),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(ReadError::OtherEncoding("UTF-16")),
        [0, 0, 0xfe, 0xff, ..] => return Err(ReadError::OtherEncoding("UTF-32")),
        _ => {}
    }
    String::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        ReadError::NotUtf8 {
            at: end_of(&String::from_utf8_lossy(valid)),
            byte: rest.first().copied().unwrap_or(0),
        }
    })
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
        read(&Input::Stdin, &mut &*bytes, Limits { bytes: limit, ..Limits::default() })
    }

    #[test]
    fn a_byte_order_mark_is_not_a_column() {
        assert_eq!(read_bytes(b"\xef\xbb\xbfa: b", 100).unwrap(), "a: b");
    }

    #[test]
    fn other_encodings_are_named() {
        let error = |bytes| read_bytes(bytes, 100).unwrap_err().to_string();
        assert_eq!(error(b"\xff\xfea\0"), "not UTF-8: it begins with the byte order mark of UTF-16");
        assert_eq!(error(b"\0\0\xfe\xff"), "not UTF-8: it begins with the byte order mark of UTF-32");
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
