//! Block scalars, and lists in brackets.

use std::borrow::Cow;

use super::super::scalar::Scalar;
use super::super::tree::Position;
use super::lexer::{Lexer, WORD, is};
use super::tree::Tree;

/// Longest line with a list in brackets, in bytes: for each item, the line is looked at up to its end, and its characters are
/// counted.
const MAX_LIST_LINE: usize = 4096;

impl<'t> Lexer<'t, '_> {
    /// A block scalar without an indication of its indentation, as `block_scalar` of [`super::super::syntax`] reads it. One
    /// without a text is left to that.
    pub(super) fn block_scalar(&mut self, is_literal: bool, tree: &mut Tree<'t>) -> Option<()> {
        self.at += 1;
        let chomping = self.byte(0);
        if matches!(chomping, b'-' | b'+') {
            self.at += 1;
        }
        self.ends_line()?.then_some(())?;
        let (mut text, mut deepest) = (String::new(), 0);
        let mut empty = 0_usize;
        loop {
            if !self.begins_line().ok()? {
                return None;
            }
            self.skip_spaces();
            deepest = deepest.max(self.column());
            if self.byte(0) != b'\n' {
                break;
            }
            self.pass_line_feed();
            empty += 1;
        }
        let indent = self.column();
        if indent < deepest || indent <= tree.indent() {
            return None;
        }
        let at = self.position();
        let (mut is_first, mut was_blank) = (true, false);
        loop {
            let (start, end) = (self.at, self.end_of_line());
            if tree.is_kept() {
                let is_blank = self.byte(0) == b' ';
                if !is_first && (is_literal || was_blank || is_blank) {
                    text.push('\n');
                } else if !is_first && empty == 0 {
                    text.push(' ');
                }
                text.extend(std::iter::repeat_n('\n', empty));
                text.push_str(self.text(start, end)?);
                (is_first, was_blank) = (false, is_blank);
            }
            self.at = end;
            self.pass_line_feed();
            empty = 0;
            if !self.next_text_line(indent, &mut empty)? {
                break;
            }
        }
        if chomping != b'-' {
            text.push('\n');
        }
        if chomping == b'+' {
            text.extend(std::iter::repeat_n('\n', empty));
        }
        tree.scalar(at, Cow::Owned(text), Scalar::String)
    }

    /// Passes indentation, and counts the lines that hold nothing else. Whether more of the text follows; otherwise, this is
    /// the begin of a line.
    fn next_text_line(&mut self, indent: usize, empty: &mut usize) -> Option<bool> {
        while self.begins_line().ok()? {
            self.skip_spaces();
            // Blanks behind the indentation are of the text.
            if self.column() > indent || self.column() == indent && self.byte(0) != b'\n' {
                self.at = self.line_start + indent;
                return Some(true);
            }
            if self.byte(0) != b'\n' {
                self.at = self.line_start;
                return Some(false);
            }
            self.pass_line_feed();
            *empty += 1;
        }
        Some(false)
    }

    /// A list of scalars in one line, if that is no longer than [`MAX_LIST_LINE`].
    pub(super) fn flow_sequence(&mut self, tree: &mut Tree<'t>) -> Option<()> {
        if self.end_of_line() - self.line_start > MAX_LIST_LINE {
            return None;
        }
        let list = tree.open_flow_sequence(self.position())?;
        self.at += 1;
        self.skip_spaces();
        while self.byte(0) != b']' {
            let (at, text, is_plain) = self.flow_item()?;
            tree.flow_item(at, text, is_plain)?;
            self.skip_spaces();
            match self.byte(0) {
                b',' => {
                    self.at += 1;
                    self.skip_spaces();
                }
                b']' => {}
                _ => return None,
            }
        }
        self.at += 1;
        self.ends_line()?.then_some(())?;
        tree.close_flow_sequence(list)
    }

    /// An item with its place, and whether it is plain. `None` for all but texts in quotes and words.
    fn flow_item(&mut self) -> Option<(Position, &'t str, bool)> {
        let (start, at) = (self.at, self.position());
        if let quote @ (b'"' | b'\'') = self.byte(0) {
            let (text, end) = self.quoted(quote)?;
            self.at = end;
            return Some((at, text, false));
        }
        let end = self.end_of_line();
        let rest = self.text(start, end)?.as_bytes();
        let mut length = 0;
        loop {
            length += rest.get(length..)?.iter().position(|&byte| !is(byte, WORD) && byte != b'=')?;
            match rest.get(length + 1) {
                Some(&next) if rest[length] == b':' && is(next, WORD) => length += 1,
                _ => break,
            }
        }
        if length == 0 || matches!(rest[0], b'=' | b':') || rest[..length] == *b"-" {
            return None;
        }
        self.at += length;
        Some((at, self.text(start, start + length)?, true))
    }
}
