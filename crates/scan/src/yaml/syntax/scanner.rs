//! Tokens of a text, one after another.

use std::collections::VecDeque;

use super::super::error::{Located, YamlError};
use super::cursor::{Cursor, Mark};
use super::properties::problem;
use super::token::{Token, TokenKind};

pub(super) type Result<T> = std::result::Result<T, Located<YamlError>>;

/// How far the `:` after a key without `?` may be, in characters.
const SIMPLE_KEY_LENGTH: i64 = 1024;

/// A place where a key without `?` may have begun: the `:` after it decides.
#[derive(Debug, Clone, Copy)]
struct SimpleKey {
    at: Mark,
    flow_level: usize,
    /// Number of its first token.
    token: usize,
    /// Whether nothing but a key may stand there.
    is_required: bool,
    /// Whether the token is returned without waiting for the `:`. go-yaml forgets to wait after an empty flow collection,
    /// so that what follows `{}` at the root is another document to it.
    is_hidden: bool,
}

#[derive(Debug)]
pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    tokens: VecDeque<Token<'t>>,
    /// Number of the first token in the queue.
    taken: usize,
    /// Column of the innermost block collection; -1 outside of all.
    pub(super) indent: i64,
    outer_indents: Vec<i64>,
    pub(super) flow_level: usize,
    /// For each flow collection, the number of its first token, or of the last key that may have begun in it.
    last_keys: Vec<usize>,
    /// At most one for each flow level, the outermost first.
    keys: VecDeque<SimpleKey>,
    /// Whether a key without `?` may begin here.
    pub(super) key_allowed: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(cursor: Cursor<'t>) -> Self {
        Self {
            cursor,
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            outer_indents: Vec::new(),
            flow_level: 0,
            last_keys: Vec::new(),
            keys: VecDeque::new(),
            key_allowed: true,
        }
    }

    /// The next token, which stays. After the end of the text it is [`TokenKind::StreamEnd`].
    pub(super) fn peek(&mut self) -> Result<&mut Token<'t>> {
        while self.needs_more()? {
            self.fetch()?;
        }
        self.tokens.front_mut().ok_or_else(|| problem(self.cursor.mark, "found no token"))
    }

    /// Takes the token that [`Self::peek`] has returned.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Whether tokens are missing to tell what the first one is: it may begin a key.
    fn needs_more(&mut self) -> Result<bool> {
        if self.tokens.is_empty() {
            return Ok(true);
        }
        let Some(index) = self.keys.iter().position(|key| !key.is_hidden) else { return Ok(false) };
        let key = self.keys[index];
        if key.token != self.taken || self.is_possible(&key)? {
            return Ok(key.token == self.taken);
        }
        self.keys.remove(index);
        Ok(false)
    }

    /// A key ends on its line.
    fn is_possible(&self, key: &SimpleKey) -> Result<bool> {
        let mark = self.cursor.mark;
        let is_possible = key.at.is_in_row_of(&mark) && key.at.indent() + SIMPLE_KEY_LENGTH >= mark.indent();
        if !is_possible && key.is_required {
            return Err(no_colon(key));
        }
        Ok(is_possible)
    }

    fn save_key(&mut self) -> Result<()> {
        if self.key_allowed {
            let at = self.cursor.mark;
            let is_required = self.flow_level == 0 && self.indent == at.indent();
            let token = self.taken + self.tokens.len();
            self.remove_key()?;
            let flow_level = self.flow_level;
            self.keys.push_back(SimpleKey { at, flow_level, token, is_required, is_hidden: false });
            if let Some(last) = self.last_keys.last_mut() {
                *last = token;
            }
        }
        Ok(())
    }

    /// The key that may have begun on this flow level.
    fn key(&self) -> Option<SimpleKey> {
        self.keys.back().copied().filter(|key| key.flow_level == self.flow_level)
    }

    fn remove_key(&mut self) -> Result<()> {
        let Some(key) = self.key() else { return Ok(()) };
        if key.is_required {
            return Err(no_colon(&key));
        }
        self.keys.pop_back();
        Ok(())
    }

    /// Begins a block collection if the column is deeper than the current one. Its token goes before the one with the
    /// number `before`, or else, and where that has been taken, to the end of the queue.
    fn roll_indent(&mut self, at: Mark, before: Option<usize>, kind: TokenKind<'t>) {
        if self.flow_level > 0 || self.indent >= at.indent() {
            return;
        }
        self.outer_indents.push(self.indent);
        self.indent = at.indent();
        self.insert(before, Token { kind, start: at });
    }

    /// Ends the block collections that are deeper than a column.
    fn unroll_indent(&mut self, column: i64) {
        while self.flow_level == 0 && self.indent > column {
            let mark = self.cursor.mark;
            self.tokens.push_back(Token { kind: TokenKind::BlockEnd, start: mark });
            self.indent = self.outer_indents.pop().unwrap_or(-1);
        }
    }

    fn insert(&mut self, before: Option<usize>, token: Token<'t>) {
        let end = self.tokens.len();
        let index =
            before.and_then(|number| number.checked_sub(self.taken)).map_or(end, |index| index.min(end));
        self.tokens.insert(index, token);
    }

    fn fetch(&mut self) -> Result<()> {
        self.skip_to_token();
        let column = self.cursor.mark.indent();
        self.unroll_indent(column);
        let (byte, next_ends) = (self.cursor.byte(0), self.cursor.is_word_end(1));
        let in_flow = self.flow_level > 0;
        match byte {
            0 => self.outside(|_| Ok(TokenKind::StreamEnd)),
            b'%' if column == 0 => self.outside(Self::directive),
            b'-' | b'.' if self.cursor.is_document_indicator() => self.outside(|scanner| {
                let kind = if byte == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
                (0..3).for_each(|_| scanner.cursor.skip());
                Ok(kind)
            }),
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.push_indicator(TokenKind::FlowEntry);
                Ok(())
            }
            b'-' if next_ends => self.block_entry(),
            b'?' if in_flow || next_ends => self.complex_key(),
            b':' if in_flow || next_ends => self.value(),
            b'*' => self.may_be_key(|scanner| Ok(TokenKind::Alias(scanner.anchor_name()?))),
            b'&' => self.may_be_key(|scanner| Ok(TokenKind::Anchor(scanner.anchor_name()?))),
            b'!' => self.may_be_key(Self::tag),
            b'|' | b'>' if !in_flow => {
                self.remove_key()?;
                self.key_allowed = true;
                let token = self.block_scalar(byte == b'|')?;
                self.tokens.push_back(token);
                Ok(())
            }
            b'\'' | b'"' => self.may_be_key(|scanner| scanner.quoted_scalar(byte)),
            b'-' | b'?' | b':' if byte == b'-' || !in_flow => self.plain(),
            b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                Err(problem(self.cursor.mark, "found character that cannot start any token"))
            }
            _ => self.plain(),
        }
    }

    /// Passes blanks, comments and line breaks. Tabs do not indent.
    fn skip_to_token(&mut self) {
        loop {
            let tabs = self.flow_level > 0 || !self.key_allowed;
            while self.cursor.byte(0) == b' ' || tabs && self.cursor.byte(0) == b'\t' {
                self.cursor.skip();
            }
            self.cursor.skip_comment();
            if self.cursor.take_break().is_empty() {
                return;
            }
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// A token that stands outside of all collections.
    fn outside(&mut self, scan: impl FnOnce(&mut Self) -> Result<TokenKind<'t>>) -> Result<()> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        self.push(scan)
    }

    /// A token that a key may begin with, and after which none begins.
    fn may_be_key(&mut self, scan: impl FnOnce(&mut Self) -> Result<TokenKind<'t>>) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        self.push(scan)
    }

    fn plain(&mut self) -> Result<()> {
        self.save_key()?;
        self.key_allowed = false;
        let token = self.plain_scalar()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn push(&mut self, scan: impl FnOnce(&mut Self) -> Result<TokenKind<'t>>) -> Result<()> {
        let start = self.cursor.mark;
        let kind = scan(self)?;
        self.tokens.push_back(Token { kind, start });
        Ok(())
    }

    /// A token of one character.
    fn push_indicator(&mut self, kind: TokenKind<'t>) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.tokens.push_back(Token { kind, start });
    }

    fn flow_start(&mut self, kind: TokenKind<'t>) -> Result<()> {
        self.save_key()?;
        self.last_keys.push(self.taken + self.tokens.len());
        self.flow_level += 1;
        self.key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn flow_end(&mut self, kind: TokenKind<'t>) -> Result<()> {
        self.remove_key()?;
        self.flow_level = self.flow_level.saturating_sub(1);
        let last = self.last_keys.pop();
        if let Some(key) = self.keys.back_mut().filter(|key| Some(key.token) == last) {
            key.is_hidden = true;
        }
        self.key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    /// In a flow collection the parser refuses it, which knows the context.
    fn block_entry(&mut self) -> Result<()> {
        let at = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(problem(at, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(at, None, TokenKind::BlockSequenceStart);
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn complex_key(&mut self) -> Result<()> {
        let at = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(problem(at, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(at, None, TokenKind::BlockMappingStart);
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<()> {
        let at = self.cursor.mark;
        let key = match self.key() {
            Some(key) if self.is_possible(&key)? => Some(key),
            _ => None,
        };
        if self.key().is_some() {
            self.keys.pop_back();
        }
        if let Some(SimpleKey { at, token, .. }) = key {
            self.insert(Some(token), Token { kind: TokenKind::Key, start: at });
            self.roll_indent(at, Some(token), TokenKind::BlockMappingStart);
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(problem(at, "mapping values are not allowed in this context"));
                }
                self.roll_indent(at, None, TokenKind::BlockMappingStart);
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value);
        Ok(())
    }
}

fn no_colon(key: &SimpleKey) -> Located<YamlError> {
    problem(key.at, "could not find expected ':'")
}
