//! What stands in a line.

use std::borrow::Cow;

use memchr::memchr;

use super::super::scalar::{self, Scalar};
use super::super::tree::Position;
use super::Declined;
use super::tree::Tree;

/// Longest key in bytes: far shorter than what go-yaml takes.
const MAX_KEY: usize = 512;

/// Bytes of keys and of plain scalars in brackets.
pub(super) const WORD: u8 = 1;
/// Bytes with which a plain scalar begins, whatever follows.
const PLAIN_START: u8 = 2;
/// Bytes that can end a plain scalar.
const PLAIN_END: u8 = 4;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/') {
            classes[byte as usize] = WORD | PLAIN_START;
        } else if byte >= 0x80
            || matches!(byte, b'$' | b'(' | b')' | b'+' | b'<' | b'=' | b'~' | b'^' | b';' | b'\\')
        {
            classes[byte as usize] = PLAIN_START;
        } else if matches!(byte, b':' | b'#' | b'\n') {
            classes[byte as usize] = PLAIN_END;
        } else if byte == b'-' {
            classes[byte as usize] = WORD;
        }
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// A reader of lines. Its text has no other line breaks than line feeds, and ends with one.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    /// The place in bytes.
    pub(super) at: usize,
    pub(super) line_start: usize,
    pub(super) line: u32,
    is_ascii: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, line: u32) -> Self {
        Self { text, at: 0, line_start: 0, line, is_ascii: text.is_ascii() }
    }

    /// The byte so many bytes ahead; a line feed after the end.
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(b'\n')
    }

    pub(super) fn position(&self) -> Position {
        self.position_of(self.at)
    }

    pub(super) fn position_of(&self, at: usize) -> Position {
        let column = if self.is_ascii {
            at - self.line_start
        } else {
            self.text.get(self.line_start..at).unwrap_or_default().chars().count()
        };
        Position { line: self.line, column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1) }
    }

    /// The column from 0. Only blanks and dashes are before it.
    pub(super) fn column(&self) -> u32 {
        u32::try_from(self.at - self.line_start).unwrap_or(u32::MAX)
    }

    /// Passes a line `---`, if the text begins with one. `None` if it says more.
    pub(super) fn skip_document_start(&mut self) -> Option<bool> {
        if !self.text.starts_with("---") {
            return Some(false);
        }
        self.at += 3;
        (self.byte(0) == b' ' || self.byte(0) == b'\n').then_some(())?;
        self.ends_line()?.then_some(true)
    }

    /// Goes to the first character of the next line that says something, and returns its column; `None` after the last one.
    /// Declines what begins or ends a document.
    pub(super) fn next_line(&mut self) -> Result<Option<u32>, Declined> {
        loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            self.skip_spaces();
            match self.byte(0) {
                b'\n' => self.pass_line_feed(),
                b'#' => self.pass_line(),
                b'-' | b'.' if self.column() == 0 => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    let is_indicator = rest.starts_with("---") || rest.starts_with("...");
                    return if is_indicator { Err(Declined) } else { Ok(Some(0)) };
                }
                _ => return Ok(Some(self.column())),
            }
        }
    }

    pub(super) fn pass_line(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += memchr(b'\n', rest).unwrap_or(rest.len());
        self.pass_line_feed();
    }

    fn pass_line_feed(&mut self) {
        self.at += 1;
        self.line_start = self.at;
        self.line = self.line.saturating_add(1);
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.byte(0) == b' ' {
            self.at += 1;
        }
    }

    pub(super) fn takes_dash(&self) -> bool {
        self.byte(0) == b'-' && matches!(self.byte(1), b' ' | b'\n')
    }

    pub(super) fn skip_dash(&mut self) {
        self.at += 1;
    }

    pub(super) fn skip_colon(&mut self) {
        self.at += 1;
    }

    /// Passes blanks, and the rest of the line if nothing but a comment follows. `None` where a `#` is no comment.
    pub(super) fn ends_line(&mut self) -> Option<bool> {
        let before = self.at;
        self.skip_spaces();
        match self.byte(0) {
            b'\n' => self.pass_line_feed(),
            b'#' if self.at > before => self.pass_line(),
            b'#' => return None,
            _ => return Some(false),
        }
        Some(true)
    }

    /// The key that stands here, and goes to the colon behind it. `None` if there is none, or none that is surely text.
    pub(super) fn key(&mut self) -> Option<&'t str> {
        let start = self.at;
        let (key, end) = match self.byte(0) {
            quote @ (b'"' | b'\'') => self.quoted(quote)?,
            first if is(first, WORD) => {
                let rest = self.text.as_bytes().get(start..)?;
                let length = rest.iter().position(|&byte| !is(byte, WORD))?;
                let key = self.text.get(start..start + length)?;
                (scalar::is_surely_text(key) || is_text(key)).then_some(())?;
                (key, start + length)
            }
            _ => return None,
        };
        let bytes = self.text.as_bytes();
        let is_key = bytes.get(end) == Some(&b':') && matches!(bytes.get(end + 1), None | Some(b' ' | b'\n'));
        if !is_key || end - start > MAX_KEY {
            return None;
        }
        self.at = end;
        Some(key)
    }

    /// The text between quotes that stands there as it is meant, and the place behind them. `None` for escapes and texts of
    /// several lines.
    pub(super) fn quoted(&self, quote: u8) -> Option<(&'t str, usize)> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let is_end = |&byte: &u8| byte == quote || byte == b'\n' || byte == b'\\' && quote == b'"';
        let length = rest.iter().position(is_end)?;
        let is_doubled = quote == b'\'' && rest.get(length + 1) == Some(&quote);
        if rest[length] != quote || is_doubled {
            return None;
        }
        Some((self.text.get(start..start + length)?, start + length + 1))
    }

    /// Reads the value of a key or of an item, up to the end of its line.
    pub(super) fn value(&mut self, tree: &mut Tree<'t>) -> Option<()> {
        let at = self.position();
        match self.byte(0) {
            quote @ (b'"' | b'\'') => {
                let (text, end) = self.quoted(quote)?;
                self.at = end;
                self.ends_line()?.then_some(())?;
                tree.scalar(at, Cow::Borrowed(text), Scalar::String)
            }
            b'|' => self.block_scalar(true, tree),
            b'>' => self.block_scalar(false, tree),
            b'[' => self.flow_sequence(tree),
            b'{' if self.byte(1) == b'}' => {
                self.at += 2;
                self.ends_line()?.then_some(())?;
                tree.empty_mapping(at)
            }
            first if is(first, PLAIN_START) || first == b'-' && !matches!(self.byte(1), b' ' | b'\n') => {
                let text = self.plain()?;
                tree.plain(at, text)
            }
            _ => None,
        }
    }

    /// A plain scalar up to the end of the line. `None` where it holds what would make a key of it.
    fn plain(&mut self) -> Option<&'t str> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        loop {
            end += bytes.get(end..)?.iter().position(|&byte| is(byte, PLAIN_END))?;
            match bytes[end] {
                b'\n' => break,
                b':' if matches!(bytes.get(end + 1), None | Some(b' ' | b'\n')) => return None,
                b'#' if bytes[end - 1] == b' ' => break,
                _ => end += 1,
            }
        }
        self.at = end;
        self.pass_line();
        Some(self.text.get(start..end)?.trim_end_matches(' '))
    }
}

/// Whether a key without quotes is a text. Others have another name in JSON, and `<<` merges.
fn is_text(key: &str) -> bool {
    matches!(scalar::resolve(key.into(), true, None), Ok((_, Scalar::String)))
}
