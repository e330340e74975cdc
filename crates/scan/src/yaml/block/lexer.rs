//! What stands in a line.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

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

/// Eight blanks.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);

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

/// The number of blanks at the begin, looked at eight by eight.
fn blanks(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (count, chunk) in chunks.iter().enumerate() {
        let others = u64::from_le_bytes(*chunk) ^ BLANKS;
        if others != 0 {
            return 8 * count + usize::try_from(others.trailing_zeros() / u8::BITS).unwrap_or_default();
        }
    }
    bytes.len() - rest.len() + rest.iter().take_while(|&&byte| byte == b' ').count()
}

/// A reader of lines. Its text has no other line breaks than line feeds, and ends with one.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    /// The place in bytes.
    pub(super) at: usize,
    pub(super) line_start: usize,
    /// Where the line ends that [`Self::next_line`] went to.
    line_end: usize,
    pub(super) line: u32,
    is_ascii: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, line: u32) -> Self {
        Self { text, at: 0, line_start: 0, line_end: 0, line, is_ascii: text.is_ascii() }
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
                b'-' | b'.' if self.column() == 0 && self.is_at_indicator() => return Err(Declined),
                _ => break,
            }
        }
        self.line_end = self.end_of_line();
        Ok(Some(self.column()))
    }

    /// Whether what begins or ends a document stands here.
    fn is_at_indicator(&self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.starts_with("---") || rest.starts_with("...")
    }

    fn end_of_line(&self) -> usize {
        let rest = self.rest();
        self.at + memchr(b'\n', rest).unwrap_or(rest.len())
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What follows in the line that [`Self::next_line`] went to, without its end.
    fn rest_of_line(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..self.line_end).unwrap_or_default()
    }

    pub(super) fn pass_line(&mut self) {
        self.at = self.end_of_line();
        self.pass_line_feed();
    }

    fn pass_line_feed(&mut self) {
        self.at += 1;
        self.line_start = self.at;
        self.line = self.line.saturating_add(1);
    }

    pub(super) fn skip_spaces(&mut self) {
        self.at += blanks(self.rest());
    }

    /// Passes blanks up to a column.
    pub(super) fn skip_indent(&mut self, indent: u32) {
        let missing = usize::try_from(indent.saturating_sub(self.column())).unwrap_or(usize::MAX);
        self.at += blanks(self.rest()).min(missing);
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
                let length = self.rest_of_line().iter().position(|&byte| !is(byte, WORD))?;
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
        let line = self.text.as_bytes().get(start..self.line_end)?;
        let length = if quote == b'"' { memchr2(quote, b'\\', line)? } else { memchr(quote, line)? };
        let is_doubled = quote == b'\'' && line.get(length + 1) == Some(&quote);
        if line[length] != quote || is_doubled {
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
        let (start, line) = (self.at, self.rest_of_line());
        let mut end = 0;
        loop {
            end += match line.get(end..).and_then(|rest| memchr2(b':', b'#', rest)) {
                Some(length) => length,
                None => line.len() - end,
            };
            match line.get(end) {
                Some(b':') if matches!(line.get(end + 1), None | Some(b' ')) => return None,
                Some(b'#') if line[..end].ends_with(b" ") => break,
                Some(_) => end += 1,
                None => break,
            }
        }
        self.at = self.line_end;
        self.pass_line_feed();
        Some(self.text.get(start..start + end)?.trim_end_matches(' '))
    }
}

/// Whether a key without quotes is a text. Others have another name in JSON, and `<<` merges.
fn is_text(key: &str) -> bool {
    matches!(scalar::resolve(key.into(), true, None), Ok((_, Scalar::String)))
}
