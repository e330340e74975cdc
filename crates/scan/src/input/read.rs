//! Bytes to text, within the budget.

use std::io::{self, Read};

use thiserror::Error;

use crate::yaml::{Limits, Position, ReplacedByte, Source};

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

/// Reads all of it: UTF-8, or UTF-16 with a byte order mark. The buffer keeps the bytes, as far as they were read.
pub(crate) fn read<'b>(
    reader: &mut dyn Read,
    buffer: &'b mut Vec<u8>,
    limits: Limits,
) -> Result<Source<'b>, ReadError> {
    fill(reader, buffer, limits)?;
    decode(buffer)
}

/// The same of a manifest. kubectl decodes a file before it looks for documents (`FileVisitor` in
/// `k8s.io/cli-runtime/pkg/resource/visitor.go`), and reads U+FFFD where bytes are not UTF-8.
pub(crate) fn read_manifest<'b>(
    reader: &mut dyn Read,
    buffer: &'b mut Vec<u8>,
    limits: Limits,
) -> Result<Source<'b>, ReadError> {
    fill(reader, buffer, limits)?;
    let written = end_last_line(buffer);
    match decode_lines(buffer, written) {
        // Behind a mark of UTF-8, kubectl looks at no byte, and its reader of YAML refuses others.
        Err(ReadError::NotUtf8 { at, byte }) if !buffer.starts_with(UTF8_MARK) => {
            let added = buffer.len() - written;
            let text = String::from_utf8_lossy(buffer).into_owned();
            Ok(Source::replaced(text, added, ReplacedByte { at, byte }))
        }
        other => other,
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, limits: Limits) -> Result<(), ReadError> {
    buffer.clear();
    // One byte more than allowed shows that it is longer: pipes and growing files have no known length.
    reader.take(limits.bytes.saturating_add(1)).read_to_end(buffer)?;
    if !u64::try_from(buffer.len()).is_ok_and(|length| length <= limits.bytes) {
        return Err(ReadError::TooLarge(limits.bytes));
    }
    Ok(())
}

/// The text of bytes that were read.
pub(crate) fn decode(buffer: &mut Vec<u8>) -> Result<Source<'_>, ReadError> {
    let written = end_last_line(buffer);
    decode_lines(buffer, written)
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Ends the last line of a text that can be UTF-8. Returns how many bytes it has without that.
fn end_last_line(buffer: &mut Vec<u8>) -> usize {
    let written = buffer.len();
    if !matches!(buffer.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [.., b'\n']) {
        buffer.push(b'\n');
    }
    written
}

fn decode_lines(bytes: &[u8], written: usize) -> Result<Source<'_>, ReadError> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(ReadError::Utf32),
        [0xff, 0xfe, units @ ..] => return decode_utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => return decode_utf16(units, u16::from_be_bytes),
        _ => {}
    }
    std::str::from_utf8(bytes).map(|text| Source::of_lines(text, written)).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let text = String::from_utf8_lossy(valid);
        ReadError::NotUtf8 {
            at: end_of(text.strip_prefix('\u{feff}').unwrap_or(&text)),
            byte: rest.first().copied().unwrap_or(0),
        }
    })
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Source<'static>, ReadError> {
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

    fn read_bytes(mut bytes: &[u8], limit: u64) -> Result<String, ReadError> {
        let mut buffer = Vec::new();
        let source = read(&mut bytes, &mut buffer, Limits { bytes: limit, ..Limits::default() });
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
    fn a_manifest_is_read_with_its_invalid_bytes_replaced() {
        let mut buffer = Vec::new();
        let mut read = |mut bytes: &[u8]| {
            read_manifest(&mut bytes, &mut buffer, Limits::default()).map(|source| {
                (
                    source.text().to_owned(),
                    source.written(),
                    source.replaced_byte().map(|replaced| replaced.at),
                )
            })
        };
        let at = Some(Position { line: 1, column: 3 });
        assert_eq!(read(b"# \xe9\na: b").unwrap(), ("# \u{fffd}\na: b\n".to_owned(), 10, at));
        assert_eq!(read(b"a: b\n").unwrap(), ("a: b\n".to_owned(), 5, None));
        assert!(matches!(read(b"\xef\xbb\xbf# \xe9\n"), Err(ReadError::NotUtf8 { .. })));
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(read_bytes(b"1234", 4).is_ok());
        let error = read_bytes(b"12345", 4).unwrap_err();
        assert_eq!(error.to_string(), "larger than the budget of 4 bytes for a file; it was not read");
    }
}
