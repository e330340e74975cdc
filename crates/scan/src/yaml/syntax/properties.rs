//! Anchors, aliases, tags and directives.

use super::super::error::{Located, YamlError};
use super::cursor::Mark;
use super::scanner::{Result, Scanner};
use super::token::TokenKind;

impl<'t> Scanner<'t> {
    /// The name after `&` or `*`.
    pub(super) fn anchor_name(&mut self) -> Result<&'t str> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.word();
        let ends = |byte| matches!(byte, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !(self.cursor.is_word_end(0) || ends(self.cursor.byte(0))) {
            return Err(problem(start, "did not find expected alphabetic or numeric character"));
        }
        Ok(name)
    }

    /// Letters, digits, `_` and `-`.
    fn word(&mut self) -> &'t str {
        let from = self.cursor.mark.offset;
        while is_word(self.cursor.byte(0)) {
            self.cursor.skip();
        }
        self.cursor.since(from)
    }

    pub(super) fn tag(&mut self) -> Result<TokenKind<'t>> {
        let start = self.cursor.mark;
        let (handle, suffix) = if self.cursor.byte(1) == b'<' {
            self.cursor.skip();
            self.cursor.skip();
            let suffix = self.tag_uri("", start)?;
            if self.cursor.byte(0) != b'>' {
                return Err(problem(start, "did not find the expected '>'"));
            }
            self.cursor.skip();
            ("", suffix)
        } else {
            let head = self.tag_handle(start)?;
            if head.len() > 1 && head.ends_with('!') {
                (head, self.tag_uri("", start)?)
            } else {
                match self.tag_uri(head, start)? {
                    suffix if suffix.is_empty() => ("", "!".to_owned()),
                    suffix => ("!", suffix),
                }
            }
        };
        if !self.cursor.is_word_end(0) {
            return Err(problem(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::Tag(handle, suffix))
    }

    /// `!`, `!!`, `!name!`, or the begin of a tag that has no handle.
    fn tag_handle(&mut self, start: Mark) -> Result<&'t str> {
        if self.cursor.byte(0) != b'!' {
            return Err(problem(start, "did not find expected '!'"));
        }
        let from = self.cursor.mark.offset;
        self.cursor.skip();
        self.word();
        if self.cursor.byte(0) == b'!' {
            self.cursor.skip();
        }
        Ok(self.cursor.since(from))
    }

    /// The rest of a tag whose begin, with a `!`, has been read already.
    fn tag_uri(&mut self, head: &str, start: Mark) -> Result<String> {
        let mut uri = head.get(1..).unwrap_or_default().as_bytes().to_vec();
        let mut is_empty = head.is_empty();
        loop {
            match self.cursor.byte(0) {
                b'%' => self.uri_escape(&mut uri, start)?,
                byte if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    uri.push(byte);
                    self.cursor.skip();
                }
                _ if is_empty => return Err(problem(start, "did not find expected tag URI")),
                _ => return Ok(String::from_utf8_lossy(&uri).into_owned()),
            }
            is_empty = false;
        }
    }

    /// One character as `%41` or, in UTF-8, `%C3%A4`.
    fn uri_escape(&mut self, uri: &mut Vec<u8>, start: Mark) -> Result<()> {
        let mut left = None;
        while left != Some(0) {
            let digits = self.cursor.rest().get(1..3).filter(|_| self.cursor.byte(0) == b'%');
            let octet = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let Some(octet) = octet.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                return Err(problem(start, "did not find URI escaped octet"));
            };
            left = Some(match (left, octet) {
                (None, 0..0x80) => 0,
                (None, 0xC0..0xE0) => 1,
                (None, 0xE0..0xF0) => 2,
                (None, 0xF0..0xF8) => 3,
                (None, _) => return Err(problem(start, "found an incorrect leading UTF-8 octet")),
                (Some(left), 0x80..0xC0) => left - 1,
                (Some(_), _) => return Err(problem(start, "found an incorrect trailing UTF-8 octet")),
            });
            uri.push(octet);
            for _ in 0..3 {
                self.cursor.skip();
            }
        }
        Ok(())
    }

    /// `%YAML` or `%TAG`, with the rest of its line.
    pub(super) fn directive(&mut self) -> Result<TokenKind<'t>> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.word();
        if name.is_empty() || !self.cursor.is_word_end(0) {
            return Err(problem(start, "could not find expected directive name"));
        }
        self.cursor.skip_blanks();
        let directive = match name {
            "YAML" => {
                let major = self.version_number(start)?;
                if self.cursor.byte(0) != b'.' {
                    return Err(problem(start, "did not find expected digit or '.' character"));
                }
                self.cursor.skip();
                TokenKind::Version(major, self.version_number(start)?)
            }
            "TAG" => self.tag_directive(start)?,
            _ => return Err(problem(start, "found unknown directive name")),
        };
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_line_end(0) {
            return Err(problem(start, "did not find expected comment or line break"));
        }
        self.cursor.take_break();
        Ok(directive)
    }

    fn version_number(&mut self, start: Mark) -> Result<u32> {
        let from = self.cursor.mark.offset;
        while self.cursor.byte(0).is_ascii_digit() {
            self.cursor.skip();
        }
        let digits = self.cursor.since(from);
        let number = digits.parse().ok().filter(|_| digits.len() <= 2);
        number.ok_or_else(|| problem(start, "did not find expected version number"))
    }

    fn tag_directive(&mut self, start: Mark) -> Result<TokenKind<'t>> {
        let handle = self.tag_handle(start)?;
        if handle != "!" && !handle.ends_with('!') {
            return Err(problem(start, "did not find expected '!'"));
        }
        if !self.cursor.is_blank(0) {
            return Err(problem(start, "did not find expected whitespace"));
        }
        self.cursor.skip_blanks();
        let prefix = self.tag_uri("", start)?;
        if !self.cursor.is_word_end(0) {
            return Err(problem(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective(handle, prefix))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

pub(super) fn problem(at: Mark, message: &str) -> Located<YamlError> {
    Located { at: at.position(), error: YamlError::syntax(message) }
}
