//! What stands in a line.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memrchr};

use super::super::scalar::{self, Scalar};
use super::super::tree::Position;
use super::Declined;
use super::stops::Stops;
use super::tree::Tree;

/// Longest key in bytes: far shorter than what go-yaml takes.
const MAX_KEY: usize = 512;

/// Bytes of keys and of plain scalars in brackets.
pub(super) const WORD: u8 = 1;
/// Bytes with which a plain scalar begins, whatever follows.
const PLAIN_START: u8 = 2;

/// Bytes of lines whose stops are found at once, so that they stay in the cache, and in little memory whatever the length of a
/// document. A longer line is a window of its own.
const WINDOW: usize = 16 << 10;

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
#[inline]
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

/// A reader of lines, by windows of some lines each. Places are those of bytes in the window.
///
/// The window holds whole lines, without other line breaks than line feeds, and without characters that go-yaml refuses. So
/// where lines and what is in them end can be read off the [`Stops`] of its bytes: no byte of a longer character is like one
/// of ASCII.
#[derive(Debug)]
pub(super) struct Lexer<'t, 'c> {
    /// Bytes of the text before the window.
    before: usize,
    /// What follows the window.
    rest: &'t str,
    window: &'t str,
    is_ascii: bool,
    stops: &'c mut Stops,
    pub(super) at: usize,
    pub(super) line_start: usize,
    line: u32,
}

impl<'t, 'c> Lexer<'t, 'c> {
    pub(super) fn new(text: &'t str, line: u32, stops: &'c mut Stops) -> Self {
        Self { before: 0, rest: text, window: "", is_ascii: true, stops, at: 0, line_start: 0, line }
    }

    /// Makes sure that a line is in the window where one ended. Whether there is one.
    #[inline]
    pub(super) fn begins_line(&mut self) -> Result<bool, Declined> {
        if self.at < self.window.len() { Ok(true) } else { self.next_window() }
    }

    fn next_window(&mut self) -> Result<bool, Declined> {
        let bytes = self.rest.as_bytes();
        let length = match bytes.get(..WINDOW).map(|window| memrchr(b'\n', window)) {
            None => bytes.len(),
            Some(Some(last)) => last + 1,
            Some(None) => memchr(b'\n', bytes).map_or(bytes.len(), |first| first + 1),
        };
        self.before += self.window.len();
        (self.window, self.rest) = self.rest.split_at(length);
        (self.at, self.line_start) = (0, 0);
        let has_odd = self.stops.find(self.window.as_bytes());
        self.is_ascii = !has_odd || self.window.is_ascii();
        let is_of_subset = !has_odd || is_of_subset(self.window);
        if is_of_subset { Ok(length > 0) } else { Err(Declined) }
    }

    /// How much of the text was read.
    pub(super) fn offset(&self) -> usize {
        self.before + self.at
    }

    /// The byte so many bytes ahead; a line feed after the end.
    #[inline]
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.window.as_bytes().get(self.at + ahead).copied().unwrap_or(b'\n')
    }

    /// The text between two places.
    pub(super) fn text(&self, start: usize, end: usize) -> Option<&'t str> {
        self.window.get(start..end)
    }

    pub(super) fn position(&self) -> Position {
        self.position_of(self.at)
    }

    pub(super) fn position_of(&self, at: usize) -> Position {
        let column = if self.is_ascii {
            at - self.line_start
        } else {
            self.text(self.line_start, at).unwrap_or_default().chars().count()
        };
        Position { line: self.line, column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1) }
    }

    /// The column from 0. Only blanks and dashes are before it.
    pub(super) fn column(&self) -> usize {
        self.at - self.line_start
    }

    /// Passes a line `---`, if the text begins with one. `None` if it says more.
    pub(super) fn skip_document_start(&mut self) -> Option<bool> {
        if !self.rest.starts_with("---") {
            return Some(false);
        }
        self.begins_line().ok()?;
        self.at += 3;
        matches!(self.byte(0), b' ' | b'\n').then_some(())?;
        self.ends_line()?.then_some(true)
    }

    /// Goes to the first character of the next line that says something, and returns its column; `None` after the last one.
    /// Declines what begins or ends a document.
    #[inline]
    pub(super) fn next_line(&mut self) -> Result<Option<usize>, Declined> {
        while self.begins_line()? {
            self.skip_spaces();
            match self.byte(0) {
                b'\n' => self.pass_line_feed(),
                b'#' => self.pass_line(),
                b'-' | b'.' if self.column() == 0 && self.is_at_indicator() => return Err(Declined),
                _ => return Ok(Some(self.column())),
            }
        }
        Ok(None)
    }

    /// Whether what begins or ends a document stands here.
    fn is_at_indicator(&self) -> bool {
        let rest = self.window.get(self.at..).unwrap_or_default();
        rest.starts_with("---") || rest.starts_with("...")
    }

    #[inline]
    pub(super) fn end_of_line(&self) -> usize {
        let mut end = self.stops.first(self.at);
        while self.window.as_bytes().get(end).is_some_and(|&byte| byte != b'\n') {
            end = self.stops.first(end + 1);
        }
        end
    }

    pub(super) fn pass_line(&mut self) {
        self.at = self.end_of_line();
        self.pass_line_feed();
    }

    pub(super) fn pass_line_feed(&mut self) {
        self.at += 1;
        self.line_start = self.at;
        self.line = self.line.saturating_add(1);
    }

    #[inline]
    pub(super) fn skip_spaces(&mut self) {
        self.at += blanks(self.window.as_bytes().get(self.at..).unwrap_or_default());
    }

    pub(super) fn takes_dash(&self) -> bool {
        self.byte(0) == b'-' && matches!(self.byte(1), b' ' | b'\n')
    }

    pub(super) fn skip_dash(&mut self) {
        self.at += 1;
    }

    /// Passes the colon behind a key and the blanks behind that, and the rest of the line if nothing but a comment follows, as
    /// [`Self::ends_line`] does.
    #[inline]
    pub(super) fn ends_line_behind_colon(&mut self) -> Option<bool> {
        self.at += 1;
        // As almost all are written.
        if self.byte(0) == b' ' && !matches!(self.byte(1), b' ' | b'\n' | b'#') {
            self.at += 1;
            return Some(false);
        }
        self.ends_line()
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
    #[inline]
    pub(super) fn key(&mut self) -> Option<&'t str> {
        let is_quoted = matches!(self.byte(0), b'"' | b'\'');
        let (key, end) = if is_quoted { self.quoted(self.byte(0))? } else { self.plain_key()? };
        let is_key = matches!(self.window.as_bytes().get(end..end + 2), Some([b':', b' ' | b'\n']));
        if !is_key || key.len() > MAX_KEY {
            return None;
        }
        (is_quoted || scalar::is_surely_text(key) || is_text(key)).then_some(())?;
        self.at = end;
        Some(key)
    }

    /// The bytes of a word up to the first stop, and the colon before that.
    #[inline]
    fn plain_key(&self) -> Option<(&'t str, usize)> {
        let colon = self.stops.first(self.at).checked_sub(1).filter(|&colon| colon > self.at)?;
        let key = self.text(self.at, colon)?;
        let is_word = key.bytes().fold(true, |all, byte| all & is(byte, WORD));
        is_word.then_some((key, colon))
    }

    /// The text between quotes that stands there as it is meant, and the place behind them. `None` for escapes and texts of
    /// several lines.
    pub(super) fn quoted(&self, quote: u8) -> Option<(&'t str, usize)> {
        let start = self.at + 1;
        let line = self.window.as_bytes().get(start..self.end_of_line())?;
        let length = if quote == b'"' { memchr2(quote, b'\\', line)? } else { memchr(quote, line)? };
        let is_doubled = quote == b'\'' && line.get(length + 1) == Some(&quote);
        if line[length] != quote || is_doubled {
            return None;
        }
        Some((self.text(start, start + length)?, start + length + 1))
    }

    /// Reads the value of a key or of an item, up to the end of its line.
    #[inline]
    pub(super) fn value(&mut self, tree: &mut Tree<'t>) -> Option<()> {
        match self.byte(0) {
            quote @ (b'"' | b'\'') => {
                let (text, end) = self.quoted(quote)?;
                if tree.is_kept() {
                    tree.scalar(self.position(), Cow::Borrowed(text), Scalar::String)?;
                } else {
                    tree.unneeded_scalar()?;
                }
                self.at = end;
                self.ends_line()?.then_some(())
            }
            b'|' => self.block_scalar(true, tree),
            b'>' => self.block_scalar(false, tree),
            b'[' => self.flow_sequence(tree),
            b'{' if self.byte(1) == b'}' => {
                tree.empty_mapping(self.position())?;
                self.at += 2;
                self.ends_line()?.then_some(())
            }
            first if is(first, PLAIN_START) || first == b'-' && !matches!(self.byte(1), b' ' | b'\n') => {
                self.plain(first, tree)
            }
            _ => None,
        }
    }

    /// Reads a plain scalar up to the end of the line. `None` where it holds what would make a key of it (`ns-plain-out` of YAML
    /// 1.1; `yaml_parser_scan_plain_scalar` of go-yaml's `scannerc.go`).
    #[inline]
    fn plain(&mut self, first: u8, tree: &mut Tree<'t>) -> Option<()> {
        let (start, bytes) = (self.at, self.window.as_bytes());
        let mut end = self.stops.first(start);
        loop {
            let is_behind_colon = bytes.get(end.checked_sub(1)?) == Some(&b':');
            match bytes.get(end) {
                None | Some(b'\n' | b' ') if is_behind_colon => return None,
                // Behind a blank.
                None | Some(b'\n' | b'#') => break,
                _ => end = self.stops.first(end + 1),
            }
        }
        // What it is makes no difference if it is not needed, except for numbers that JSON does not know.
        if tree.is_kept() || matches!(first, b'.' | b'+' | b'-') {
            tree.plain(self.position(), self.text(start, end)?.trim_end_matches(' '))?;
        } else {
            tree.unneeded_scalar()?;
        }
        self.at = end;
        if self.byte(0) == b'\n' {
            self.pass_line_feed();
        } else {
            self.pass_line();
        }
        Some(())
    }
}

/// Whether each character is one that the reader understands. Other line breaks than the line feed would change what a line
/// is, and go-yaml refuses control characters.
fn is_of_subset(text: &str) -> bool {
    !text.chars().any(|character| {
        matches!(
            character,
            '\0'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    })
}

/// Whether a key without quotes is a text. Others have another name in JSON, and `<<` merges.
fn is_text(key: &str) -> bool {
    matches!(scalar::resolve(key.into(), true, None), Ok((_, Scalar::String)))
}
