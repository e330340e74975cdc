//! Plain, quoted and block scalars, with their line folding.

use std::borrow::Cow;

use super::cursor::Mark;
use super::properties::problem;
use super::scanner::{Result, Scanner};
use super::token::{Style, Token, TokenKind};

/// What of the line breaks after a block scalar belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// Line breaks within a flow scalar, which fold.
#[derive(Debug, Default)]
struct Fold {
    first: &'static str,
    more: String,
}

impl Fold {
    fn add(&mut self, is_first: bool, line_break: &'static str) {
        if is_first {
            self.first = line_break;
        } else {
            self.more.push_str(line_break);
        }
    }

    /// A single line break is a space; of several, the first is dropped. LS and PS do not fold.
    fn append_to(&mut self, text: &mut String) {
        if self.first != "\n" {
            text.push_str(self.first);
        } else if self.more.is_empty() {
            text.push(' ');
        }
        text.push_str(&self.more);
        self.first = "";
        self.more.clear();
    }
}

impl<'t> Scanner<'t> {
    /// It starts where its text does, so that places point there.
    pub(super) fn block_scalar(&mut self, literal: bool) -> Result<Token<'t>> {
        let indicator = self.cursor.mark;
        self.cursor.skip();
        let (chomping, increment) = self.block_header(indicator)?;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let (mut text, mut breaks) = (String::new(), String::new());
        self.block_breaks(&mut indent, &mut breaks, indicator)?;
        let start = self.cursor.mark;
        let (mut last_break, mut was_blank) = ("", false);
        while self.cursor.mark.indent() == indent && !self.cursor.is_at_end() {
            let is_blank = self.cursor.is_blank(0);
            if literal || was_blank || is_blank || last_break != "\n" {
                text.push_str(last_break);
            } else if breaks.is_empty() {
                text.push(' ');
            }
            text.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            let from = self.cursor.mark.offset;
            while !self.cursor.is_line_end(0) {
                self.cursor.skip();
            }
            text.push_str(self.cursor.since(from));
            last_break = self.cursor.take_break();
            self.block_breaks(&mut indent, &mut breaks, indicator)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(last_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        let kind = TokenKind::Scalar(Cow::Owned(text), Style::Block);
        Ok(Token { kind, start })
    }

    /// The line of a block scalar's indicator: chomping and indentation, in either order, and a comment.
    fn block_header(&mut self, indicator: Mark) -> Result<(Chomping, i64)> {
        let (mut chomping, mut increment) = (None, None);
        loop {
            match self.cursor.byte(0) {
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'0' if increment.is_none() => {
                    return Err(problem(indicator, "found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(i64::from(digit - b'0')),
                _ => break,
            }
            self.cursor.skip();
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_line_end(0) {
            return Err(problem(indicator, "did not find expected comment or line break"));
        }
        self.cursor.take_break();
        Ok((chomping.unwrap_or(Chomping::Clip), increment.unwrap_or(0)))
    }

    /// Passes indentation and empty lines. An indentation of 0 is not known yet, and set.
    fn block_breaks(&mut self, indent: &mut i64, breaks: &mut String, indicator: Mark) -> Result<()> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.mark.indent() < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip();
            }
            deepest = deepest.max(self.cursor.mark.indent());
            if (*indent == 0 || self.cursor.mark.indent() < *indent) && self.cursor.byte(0) == b'\t' {
                let message = "found a tab character where an indentation space is expected";
                return Err(problem(indicator, message));
            }
            if self.cursor.line_break(0) == 0 {
                break;
            }
            breaks.push_str(self.cursor.take_break());
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    pub(super) fn quoted_scalar(&mut self, quote: u8) -> Result<TokenKind<'t>> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let text = match self.quoted_line(quote) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.quoted_lines(quote, start)?),
        };
        self.cursor.skip();
        Ok(TokenKind::Scalar(text, Style::Quoted))
    }

    /// The text up to the quote, if it stands there as it is meant.
    fn quoted_line(&mut self, quote: u8) -> Option<&'t str> {
        let from = self.cursor.mark;
        loop {
            let byte = self.cursor.byte(0);
            let is_doubled = quote == b'\'' && self.cursor.byte(1) == quote;
            if byte == quote && !is_doubled {
                return Some(self.cursor.since(from.offset));
            }
            if byte == quote || byte == b'\\' && quote == b'"' || self.cursor.is_line_end(0) {
                self.cursor.mark = from;
                return None;
            }
            self.cursor.skip();
        }
    }

    /// Indentation does not matter: a quoted scalar may go on at the margin.
    fn quoted_lines(&mut self, quote: u8, start: Mark) -> Result<String> {
        let (mut text, mut fold) = (String::new(), Fold::default());
        loop {
            if self.cursor.is_document_indicator() {
                return Err(problem(start, "found unexpected document indicator"));
            }
            if self.cursor.is_at_end() {
                return Err(problem(start, "found unexpected end of stream"));
            }
            let mut is_folding = self.quoted_words(quote, start, &mut text)?;
            if self.cursor.byte(0) == quote {
                return Ok(text);
            }
            let blanks = self.cursor.mark.offset;
            let mut blanks_end = blanks;
            loop {
                if self.cursor.is_blank(0) {
                    self.cursor.skip();
                } else if self.cursor.line_break(0) > 0 {
                    fold.add(!is_folding, self.cursor.take_break());
                    is_folding = true;
                } else {
                    break;
                }
                if !is_folding {
                    blanks_end = self.cursor.mark.offset;
                }
            }
            if is_folding {
                fold.append_to(&mut text);
            } else {
                text.push_str(self.cursor.between(blanks, blanks_end));
            }
        }
    }

    /// Characters up to a blank, a line break or the quote. Whether an escaped line break ended them.
    fn quoted_words(&mut self, quote: u8, start: Mark, text: &mut String) -> Result<bool> {
        while !self.cursor.is_word_end(0) {
            let byte = self.cursor.byte(0);
            if byte == quote {
                if quote == b'"' || self.cursor.byte(1) != quote {
                    break;
                }
                text.push('\'');
                self.cursor.skip();
                self.cursor.skip();
            } else if byte == b'\\' && quote == b'"' {
                if self.cursor.line_break(1) > 0 {
                    self.cursor.skip();
                    self.cursor.take_break();
                    return Ok(true);
                }
                text.push(self.escape(start)?);
            } else {
                let from = self.cursor.mark.offset;
                self.cursor.skip();
                text.push_str(self.cursor.since(from));
            }
        }
        Ok(false)
    }

    fn escape(&mut self, start: Mark) -> Result<char> {
        let mut digits = 0;
        let escaped = match self.cursor.byte(1) {
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\u{b}',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'e' => '\u{1b}',
            byte @ (b' ' | b'"' | b'\'' | b'\\') => char::from(byte),
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            code => {
                digits = match code {
                    b'x' => 2,
                    b'u' => 4,
                    b'U' => 8,
                    _ => return Err(problem(start, "found unknown escape character")),
                };
                let written = self.cursor.rest().get(2..2 + digits);
                let written = written.filter(|written| written.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let Some(code) = written.and_then(|written| u32::from_str_radix(written, 16).ok()) else {
                    return Err(problem(start, "did not find expected hexdecimal number"));
                };
                char::from_u32(code)
                    .ok_or_else(|| problem(start, "found invalid Unicode character escape code"))?
            }
        };
        for _ in 0..2 + digits {
            self.cursor.skip();
        }
        Ok(escaped)
    }

    pub(super) fn plain_scalar(&mut self) -> Result<Token<'t>> {
        let start = self.cursor.mark;
        let (mut folded, mut piece, mut end) = (String::new(), start.offset, start);
        let (mut fold, mut is_folding) = (Fold::default(), false);
        loop {
            if self.cursor.is_document_indicator() || self.cursor.byte(0) == b'#' {
                break;
            }
            while !self.cursor.is_word_end(0) && !self.ends_plain_scalar() {
                if is_folding {
                    folded.push_str(self.cursor.between(piece, end.offset));
                    fold.append_to(&mut folded);
                    piece = self.cursor.mark.offset;
                    is_folding = false;
                }
                self.cursor.skip();
                end = self.cursor.mark;
            }
            if !self.cursor.is_blank(0) && self.cursor.line_break(0) == 0 {
                break;
            }
            loop {
                if self.cursor.is_blank(0) {
                    let is_indentation = is_folding && self.cursor.mark.indent() <= self.indent;
                    if is_indentation && self.cursor.byte(0) == b'\t' {
                        return Err(problem(start, "found a tab character that violates indentation"));
                    }
                    self.cursor.skip();
                } else if self.cursor.line_break(0) > 0 {
                    fold.add(!is_folding, self.cursor.take_break());
                    is_folding = true;
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && self.cursor.mark.indent() <= self.indent {
                break;
            }
        }
        if is_folding {
            self.key_allowed = true;
        }
        let last = self.cursor.between(piece, end.offset);
        let text = if folded.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(folded + last) };
        Ok(Token { kind: TokenKind::Scalar(text, Style::Plain), start })
    }

    fn ends_plain_scalar(&self) -> bool {
        match self.cursor.byte(0) {
            b':' => self.cursor.is_word_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }
}
