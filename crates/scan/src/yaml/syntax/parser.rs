//! From tokens to the nodes of a tree, without recursion.

use std::borrow::Cow;

use super::super::builder::Builder;
use super::super::error::{Located, YamlError};
use super::super::scalar::YAML_TAGS;
use super::cursor::{Cursor, Mark};
use super::properties::problem;
use super::scanner::{Result, Scanner};
use super::token::{Style, Token, TokenKind};

/// What is expected next.
#[derive(Debug, Clone, Copy)]
enum State {
    /// An entry of a block sequence, or its end.
    BlockEntry,
    /// An entry of a block sequence at the column of its key.
    IndentlessEntry,
    BlockKey,
    BlockValue,
    /// With the place of the opening bracket.
    FlowEntry {
        is_first: bool,
        start: Mark,
    },
    FlowKey {
        is_first: bool,
        start: Mark,
    },
    FlowValue,
    /// The value of a key in a flow mapping that has no `:`.
    NoValue,
    /// Key, value and end of a mapping of one pair in a flow sequence.
    PairKey,
    PairValue,
    PairEnd,
}

/// Which nodes may stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Flow,
    Block,
    /// A block node, or a block sequence at the same column.
    BlockOrIndentless,
}

/// Anchor and tag before a node.
#[derive(Debug, Default)]
struct Properties<'t> {
    anchor: Option<&'t str>,
    tag: Option<Cow<'t, str>>,
}

#[derive(Debug)]
pub(in crate::yaml) struct Parser<'t> {
    scanner: Scanner<'t>,
    states: Vec<State>,
    /// Handles of tags, with their prefixes.
    handles: Vec<(&'t str, String)>,
}

impl<'t> Parser<'t> {
    pub(in crate::yaml) fn new(cursor: Cursor<'t>) -> Self {
        Self { scanner: Scanner::new(cursor), states: Vec::new(), handles: Vec::new() }
    }

    /// Reads the first document. What follows it is not looked at.
    pub(in crate::yaml) fn document(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        match self.peek()? {
            TokenKind::StreamEnd => return Ok(()),
            TokenKind::Version(..) | TokenKind::TagDirective(..) | TokenKind::DocumentStart => {
                self.explicit_start(tree)?;
            }
            _ => {
                self.add_default_handles();
                self.node(Context::Block, tree)?;
            }
        }
        while let Some(state) = self.states.pop() {
            self.step(state, tree)?;
        }
        if *self.peek()? == TokenKind::DocumentEnd {
            self.scanner.take();
        }
        Ok(())
    }

    /// Where text that no reader of the first document gets to begins.
    pub(in crate::yaml) fn ignored(&mut self) -> Option<Mark> {
        loop {
            match self.scanner.peek() {
                Ok(Token { kind: TokenKind::StreamEnd, .. }) => return None,
                Ok(Token { kind: TokenKind::DocumentEnd, .. }) => self.scanner.take(),
                Ok(token) => return Some(token.start),
                Err(_) => return Some(self.scanner.cursor.mark),
            };
        }
    }

    fn peek(&mut self) -> Result<&TokenKind<'t>> {
        Ok(&self.scanner.peek()?.kind)
    }

    /// Takes the next token, and returns where it starts.
    fn take(&mut self) -> Mark {
        let at = self.scanner.cursor.mark;
        self.scanner.take().map_or(at, |token| token.start)
    }

    /// Where the next token starts.
    fn start(&mut self) -> Result<Mark> {
        Ok(self.scanner.peek()?.start)
    }

    fn explicit_start(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        let mut has_version = false;
        loop {
            let Token { kind, start, .. } = self.scanner.peek()?;
            let at = *start;
            match kind {
                TokenKind::Version(1, 1) if !has_version => has_version = true,
                TokenKind::Version(1, 1) => return Err(problem(at, "found duplicate %YAML directive")),
                TokenKind::Version(..) => return Err(problem(at, "found incompatible YAML document")),
                TokenKind::TagDirective(handle, prefix) => {
                    if self.handles.iter().any(|(known, _)| known == handle) {
                        return Err(problem(at, "found duplicate %TAG directive"));
                    }
                    self.handles.push((*handle, prefix.clone()));
                }
                TokenKind::DocumentStart => break,
                _ => return Err(problem(at, "did not find expected <document start>")),
            }
            self.take();
        }
        self.add_default_handles();
        self.take();
        match self.peek()? {
            TokenKind::Version(..)
            | TokenKind::TagDirective(..)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let at = self.start()?;
                empty(at, tree)
            }
            _ => self.node(Context::Block, tree),
        }
    }

    fn add_default_handles(&mut self) {
        for (handle, prefix) in [("!", "!"), ("!!", YAML_TAGS)] {
            if self.handles.iter().all(|(known, _)| *known != handle) {
                self.handles.push((handle, prefix.to_owned()));
            }
        }
    }

    fn step(&mut self, state: State, tree: &mut Builder<'t>) -> Result<()> {
        match state {
            State::BlockEntry => self.block_entry(tree),
            State::IndentlessEntry => self.indentless_entry(tree),
            State::BlockKey => self.block_key(tree),
            State::BlockValue => self.block_value(tree),
            State::FlowEntry { is_first, start } => self.flow_entry(is_first, start, tree),
            State::FlowKey { is_first, start } => self.flow_key(is_first, start, tree),
            State::FlowValue => self.flow_value(&TokenKind::FlowMappingEnd, tree),
            State::NoValue => empty(self.start()?, tree),
            State::PairKey => self.pair_key(tree),
            State::PairValue => {
                self.states.push(State::PairEnd);
                self.flow_value(&TokenKind::FlowSequenceEnd, tree)
            }
            State::PairEnd => {
                self.start()?;
                tree.end()
            }
        }
    }

    fn node(&mut self, context: Context, tree: &mut Builder<'t>) -> Result<()> {
        if let TokenKind::Alias(name) = *self.peek()? {
            let start = self.take();
            return tree.alias(start.position(), name);
        }
        let begin = self.start()?;
        let Properties { anchor, tag } = self.properties()?;
        tree.tag(tag.as_deref());
        let token = self.scanner.peek()?;
        let start = token.start;
        let at = start.position();
        let is_block = context != Context::Flow;
        match &mut token.kind {
            TokenKind::BlockEntry if context == Context::BlockOrIndentless => {
                self.states.push(State::IndentlessEntry);
                tree.start_sequence(at, anchor)
            }
            TokenKind::Scalar(text, style) => {
                let (text, is_plain) = (std::mem::take(text), *style == Style::Plain);
                self.take();
                tree.scalar(at, text, is_plain, tag.as_deref(), anchor)
            }
            TokenKind::FlowSequenceStart => {
                self.take();
                self.states.push(State::FlowEntry { is_first: true, start });
                tree.start_sequence(at, anchor)
            }
            TokenKind::FlowMappingStart => {
                self.take();
                self.states.push(State::FlowKey { is_first: true, start });
                tree.start_mapping(at, anchor, Some(start.offset))
            }
            TokenKind::BlockSequenceStart if is_block => {
                self.take();
                self.states.push(State::BlockEntry);
                tree.start_sequence(at, anchor)
            }
            TokenKind::BlockMappingStart if is_block => {
                self.take();
                self.states.push(State::BlockKey);
                tree.start_mapping(at, anchor, None)
            }
            _ if anchor.is_some() || tag.is_some() => {
                tree.scalar(begin.position(), Cow::Borrowed(""), tag.is_none(), tag.as_deref(), anchor)
            }
            _ => Err(self.unexpected("did not find expected node content", None)),
        }
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<Properties<'t>> {
        let mut properties = Properties::default();
        loop {
            let Token { kind, start, .. } = self.scanner.peek()?;
            let at = *start;
            match kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(name),
                TokenKind::Tag(handle, suffix) if properties.tag.is_none() => {
                    let (handle, suffix) = (*handle, std::mem::take(suffix));
                    properties.tag = Some(self.full_tag(handle, suffix, at)?);
                }
                _ => return Ok(properties),
            }
            self.take();
        }
    }

    fn full_tag(&self, handle: &str, suffix: String, at: Mark) -> Result<Cow<'t, str>> {
        if handle.is_empty() {
            return Ok(suffix.into());
        }
        let known = self.handles.iter().find(|(known, _)| *known == handle);
        let tag = known.map(|(_, prefix)| format!("{prefix}{suffix}")).filter(|tag| !tag.is_empty());
        tag.map(Cow::Owned).ok_or_else(|| problem(at, "found undefined tag handle"))
    }

    fn block_entry(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        match self.peek()? {
            TokenKind::BlockEntry => {
                let at = self.take();
                self.states.push(State::BlockEntry);
                match self.peek()? {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => empty(at, tree),
                    _ => self.node(Context::Block, tree),
                }
            }
            TokenKind::BlockEnd => {
                self.take();
                tree.end()
            }
            _ => Err(self.unexpected("did not find expected '-' indicator", None)),
        }
    }

    fn indentless_entry(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        if *self.peek()? != TokenKind::BlockEntry {
            return tree.end();
        }
        let at = self.take();
        self.states.push(State::IndentlessEntry);
        match self.peek()? {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                empty(at, tree)
            }
            _ => self.node(Context::Block, tree),
        }
    }

    fn block_key(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        match self.peek()? {
            TokenKind::Key => {
                self.states.extend([State::BlockKey, State::BlockValue]);
                self.block_part(tree)
            }
            TokenKind::BlockEnd => {
                self.take();
                tree.end()
            }
            _ => Err(self.unexpected("did not find expected key", None)),
        }
    }

    fn block_value(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        match self.peek()? {
            TokenKind::Value => self.block_part(tree),
            _ => empty(self.start()?, tree),
        }
    }

    /// What follows `?` or `:` in a block mapping.
    fn block_part(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        let at = self.take();
        match self.peek()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => empty(at, tree),
            _ => self.node(Context::BlockOrIndentless, tree),
        }
    }

    fn flow_entry(&mut self, is_first: bool, start: Mark, tree: &mut Builder<'t>) -> Result<()> {
        let state = State::FlowEntry { is_first: false, start };
        self.flow_comma(state, is_first, &TokenKind::FlowSequenceEnd)?;
        match self.peek()? {
            TokenKind::FlowSequenceEnd => {
                self.take();
                tree.end()
            }
            TokenKind::Key => {
                let at = self.take();
                self.states.extend([state, State::PairKey]);
                tree.start_mapping(at.position(), None, None)
            }
            _ => {
                self.states.push(state);
                self.node(Context::Flow, tree)
            }
        }
    }

    fn flow_key(&mut self, is_first: bool, start: Mark, tree: &mut Builder<'t>) -> Result<()> {
        let state = State::FlowKey { is_first: false, start };
        self.flow_comma(state, is_first, &TokenKind::FlowMappingEnd)?;
        match self.peek()? {
            TokenKind::FlowMappingEnd => {
                self.take();
                tree.end()
            }
            TokenKind::Key => {
                self.take();
                self.states.extend([state, State::FlowValue]);
                match self.peek()? {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        empty(self.start()?, tree)
                    }
                    _ => self.node(Context::Flow, tree),
                }
            }
            _ => {
                self.states.extend([state, State::NoValue]);
                self.node(Context::Flow, tree)
            }
        }
    }

    /// Takes the comma before an entry of a flow collection that is not the first and not the end.
    fn flow_comma(&mut self, state: State, is_first: bool, end: &TokenKind<'t>) -> Result<()> {
        match self.peek()? {
            TokenKind::FlowEntry if !is_first => {
                self.take();
                Ok(())
            }
            kind if is_first || kind == end => Ok(()),
            _ => {
                let bracket = if *end == TokenKind::FlowSequenceEnd { ']' } else { '}' };
                Err(self.unexpected(&format!("did not find expected ',' or '{bracket}'"), Some(state)))
            }
        }
    }

    /// A value that may be left out, in a flow mapping or in a pair of a flow sequence.
    fn flow_value(&mut self, collection_end: &TokenKind<'t>, tree: &mut Builder<'t>) -> Result<()> {
        let mut at = self.start()?;
        if *self.peek()? == TokenKind::Value {
            at = self.take();
            let kind = self.peek()?;
            if *kind != TokenKind::FlowEntry && kind != collection_end {
                return self.node(Context::Flow, tree);
            }
        }
        empty(at, tree)
    }

    /// go-yaml takes the token where a key is missing, whatever it is.
    fn pair_key(&mut self, tree: &mut Builder<'t>) -> Result<()> {
        self.states.push(State::PairValue);
        match self.peek()? {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                let at = self.take();
                empty(at, tree)
            }
            _ => self.node(Context::Flow, tree),
        }
    }

    /// An error at the next token, or where the flow collection began that is open at the end of the text.
    fn unexpected(&mut self, message: &str, ended: Option<State>) -> Located<YamlError> {
        let (at, is_end) = match self.scanner.peek() {
            Ok(token) => (token.start, token.kind == TokenKind::StreamEnd),
            Err(error) => return error,
        };
        let unclosed = |state: &State| match state {
            State::FlowEntry { start, .. } => Some(problem(*start, "unclosed bracket '['")),
            State::FlowKey { start, .. } => Some(problem(*start, "unclosed bracket '{'")),
            _ => None,
        };
        let open = ended.iter().chain(self.states.iter().rev()).filter(|_| is_end).find_map(unclosed);
        open.unwrap_or_else(|| problem(at, message))
    }
}

fn empty(at: Mark, tree: &mut Builder<'_>) -> Result<()> {
    tree.scalar(at.position(), Cow::Borrowed(""), true, None, None)
}
