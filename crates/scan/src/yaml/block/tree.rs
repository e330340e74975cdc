//! The tree of a document while its lines are read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::need::Need;
use super::super::scalar::{self, Scalar};
use super::super::tree::{Content, Document, Entry, NodeId, Position, RawNode};
use super::lexer::Lexer;

/// Most keys of a mapping that are compared with one another. A longer mapping is left to the exact reader.
const MAX_KEYS: usize = 128;

/// The position of what is not needed.
const UNNEEDED: Position = Position::START;

/// 2^64 divided by the golden ratio, which spreads bits over the highest ones (Knuth, volume 3, 6.4).
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

const HALF: u32 = u64::BITS / 2;

/// Nodes, open collections, and keys of open mappings for which there is room from the begin: more than most documents have.
const NODES: usize = 64;
const LEVELS: usize = 16;
const KEYS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mapping,
    Sequence,
    /// In the column of its key.
    IndentlessSequence,
}

/// An open block collection.
#[derive(Debug)]
struct Level {
    kind: Kind,
    /// Column of its keys or dashes.
    indent: usize,
    node: NodeId,
    /// Where its entries or items begin among those of all open collections, and where its keys do.
    first: usize,
    first_key: usize,
    /// The key whose value follows; unused in sequences.
    key: NodeId,
    /// The [bits](Key::bit) of its keys.
    key_bits: u64,
    /// Where the value would be if it is null; `None` if nothing is missing.
    missing: Option<Position>,
    /// Whether the collection is needed.
    is_kept: bool,
}

/// An open list in brackets.
#[derive(Debug)]
pub(super) struct FlowSequence {
    node: NodeId,
    /// Where its items begin among those of all open collections.
    first: usize,
}

/// A key of an open mapping.
#[derive(Debug, Clone, Copy)]
struct Key<'t> {
    /// Of its first and last bytes and of its length: keys whose hashes differ are not the same.
    hash: u64,
    text: &'t str,
}

impl<'t> Key<'t> {
    fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        // Both ends, which overlap in a short key.
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (bytes.first_chunk(), bytes.last_chunk()) {
                (Some(first), Some(last)) => {
                    (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
                }
                _ => (bytes.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte)), 0),
            },
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mixed =
            (first ^ last.rotate_left(HALF) ^ length.rotate_right(u8::BITS)).wrapping_mul(GOLDEN_RATIO);
        Self { hash: mixed, text }
    }

    /// One bit of all keys that are like this one: a mapping has no key whose bit none of its keys has.
    fn bit(self) -> u64 {
        1 << (self.hash >> (u64::BITS - u64::BITS.trailing_zeros()))
    }

    fn is(self, other: Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

#[derive(Debug)]
pub(super) struct Tree<'t> {
    nodes: Vec<RawNode<'t>>,
    levels: Vec<Level>,
    entries: Vec<Entry>,
    items: Vec<NodeId>,
    /// Those of all open mappings.
    keys: Vec<Key<'t>>,
    max_depth: usize,
    need: Need,
    /// Whether the value that is read next is needed. Of others, nodes are counted only.
    is_kept: bool,
    count: usize,
}

impl<'t> Tree<'t> {
    pub(super) fn new(max_depth: usize, need: Need) -> Self {
        let is_kept = !matches!(need, Need::Nothing);
        Self {
            nodes: if is_kept { Vec::with_capacity(NODES) } else { Vec::new() },
            levels: Vec::with_capacity(LEVELS),
            entries: Vec::new(),
            items: Vec::new(),
            keys: Vec::with_capacity(KEYS),
            max_depth,
            need,
            is_kept,
            count: 0,
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Number of nodes.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.count).unwrap_or(u64::MAX)
    }

    /// Ends the document.
    pub(super) fn close_all(&mut self) -> Option<()> {
        while !self.levels.is_empty() {
            self.close()?;
        }
        Some(())
    }

    /// The document, if anything was in it.
    pub(super) fn finish(self) -> Option<Document<'t>> {
        let is_empty = self.nodes.is_empty();
        (!is_empty).then_some(Document {
            nodes: self.nodes,
            root: 0,
            overwritten: Vec::new(),
            merge_tags: BTreeMap::new(),
        })
    }

    /// Column of the innermost collection.
    pub(super) fn indent(&self) -> usize {
        self.levels.last().map_or(0, |level| level.indent)
    }

    /// A key that begins in a place, in a column. The reader is at the colon behind it.
    #[inline]
    pub(super) fn open_key(
        &mut self,
        column: usize,
        start: usize,
        key: &'t str,
        lexer: &Lexer<'t, '_>,
    ) -> Option<()> {
        self.close_deeper(column)?;
        if self
            .levels
            .last()
            .is_some_and(|level| level.kind == Kind::IndentlessSequence && level.indent == column)
        {
            self.close()?;
        }
        match self.levels.last() {
            Some(level) if level.indent == column => {
                if level.kind != Kind::Mapping {
                    return None;
                }
                self.complete()?;
            }
            _ => self.open(Kind::Mapping, column, || lexer.position_of(start))?,
        }
        let level = self.levels.last_mut()?;
        let known = Key::new(key);
        let keys = self.keys.get(level.first_key..)?;
        let may_repeat = level.key_bits & known.bit() != 0;
        if keys.len() == MAX_KEYS || may_repeat && keys.iter().any(|other| other.is(known)) {
            return None;
        }
        level.key_bits |= known.bit();
        self.keys.push(known);
        self.count += 1;
        self.is_kept = level.is_kept
            && match self.need {
                Need::Keys(keys) => (keys.is_needed)(key),
                Need::Nothing | Need::Everything => true,
            };
        level.missing = Some(UNNEEDED);
        if self.is_kept {
            level.missing = Some(lexer.position());
            level.key = self.nodes.len();
            let content = Content::Scalar(Cow::Borrowed(key), Scalar::String);
            self.nodes.push(RawNode { at: lexer.position_of(start), content });
        }
        Some(())
    }

    /// A dash in a column, where the reader is.
    #[inline]
    pub(super) fn open_item(&mut self, column: usize, lexer: &Lexer<'t, '_>) -> Option<()> {
        self.close_deeper(column)?;
        match self.levels.last() {
            Some(level) if level.indent == column && level.kind != Kind::Mapping => self.complete()?,
            Some(level) if level.indent == column => {
                level.missing?;
                self.open(Kind::IndentlessSequence, column, || lexer.position())?;
            }
            _ => self.open(Kind::Sequence, column, || lexer.position())?,
        }
        let level = self.levels.last_mut()?;
        self.is_kept = level.is_kept;
        level.missing = Some(if self.is_kept { lexer.position() } else { UNNEEDED });
        Some(())
    }

    /// Adds the value that is missing.
    pub(super) fn scalar(&mut self, at: Position, text: Cow<'t, str>, scalar: Scalar) -> Option<()> {
        if !self.is_kept {
            return self.unneeded_scalar();
        }
        let node = self.push(at, || Content::Scalar(text, scalar));
        self.attach(node)
    }

    /// A scalar that is not needed takes the place of the value that is missing.
    #[inline]
    pub(super) fn unneeded_scalar(&mut self) -> Option<()> {
        self.count += 1;
        self.levels.last_mut()?.missing.take().map(drop)
    }

    /// A scalar without quotes. Numbers that JSON does not know are left to the exact reader.
    pub(super) fn plain(&mut self, at: Position, text: &'t str) -> Option<()> {
        let (text, scalar) = resolve(text)?;
        self.scalar(at, text, scalar)
    }

    /// An empty mapping.
    pub(super) fn empty_mapping(&mut self, at: Position) -> Option<()> {
        self.check_depth(self.levels.len() + 1)?;
        let node = self.push(at, || Content::Mapping(Vec::new()));
        self.attach(node)
    }

    /// Begins a list in brackets, which holds scalars.
    pub(super) fn open_flow_sequence(&mut self, at: Position) -> Option<FlowSequence> {
        self.check_depth(self.levels.len() + 1)?;
        let node = self.push(at, || Content::Sequence(Vec::new()));
        Some(FlowSequence { node, first: self.items.len() })
    }

    /// An item of the list in brackets that is open.
    pub(super) fn flow_item(&mut self, at: Position, text: &'t str, is_plain: bool) -> Option<()> {
        let (text, scalar) = if is_plain { resolve(text)? } else { (text.into(), Scalar::String) };
        let item = self.push(at, || Content::Scalar(text, scalar));
        if self.is_kept {
            self.items.push(item);
        }
        Some(())
    }

    /// Ends a list in brackets.
    pub(super) fn close_flow_sequence(&mut self, FlowSequence { node, first }: FlowSequence) -> Option<()> {
        if self.is_kept {
            let items = self.items.drain(first..).collect();
            self.fill(node, Content::Sequence(items));
        }
        self.attach(node)
    }

    fn check_depth(&self, depth: usize) -> Option<()> {
        (depth <= self.max_depth).then_some(())
    }

    fn push(&mut self, at: Position, content: impl FnOnce() -> Content<'t>) -> NodeId {
        self.count += 1;
        let node = self.nodes.len();
        if self.is_kept {
            self.nodes.push(RawNode { at, content: content() });
        }
        node
    }

    /// Begins a collection where a value is missing, or at the root.
    fn open(&mut self, kind: Kind, indent: usize, at: impl FnOnce() -> Position) -> Option<()> {
        self.check_depth(self.levels.len() + 1)?;
        match self.levels.last() {
            // What follows the root at its margin or before it is no part of it.
            None if self.count > 0 => return None,
            Some(level) if level.missing.is_none() => return None,
            _ => {}
        }
        self.count += 1;
        let (node, is_kept, first_key) = (self.nodes.len(), self.is_kept, self.keys.len());
        let mut first = 0;
        if is_kept {
            let (content, others) = match kind {
                Kind::Mapping => (Content::Mapping(Vec::new()), self.entries.len()),
                Kind::Sequence | Kind::IndentlessSequence => {
                    (Content::Sequence(Vec::new()), self.items.len())
                }
            };
            self.nodes.push(RawNode { at: at(), content });
            first = others;
        }
        let missing = None;
        self.levels.push(Level {
            kind,
            indent,
            node,
            first,
            first_key,
            key: node,
            key_bits: 0,
            missing,
            is_kept,
        });
        Some(())
    }

    /// Ends the collections that are deeper than a column.
    #[inline]
    fn close_deeper(&mut self, column: usize) -> Option<()> {
        while self.levels.last().is_some_and(|level| level.indent > column) {
            self.close()?;
        }
        Some(())
    }

    /// Ends the innermost collection.
    fn close(&mut self) -> Option<()> {
        self.complete()?;
        let Level { kind, node, first, first_key, is_kept, .. } = self.levels.pop()?;
        self.keys.truncate(first_key);
        self.is_kept = is_kept;
        if !is_kept {
            return self.levels.last_mut().map_or(Some(()), |level| level.missing.take().map(drop));
        }
        let content = match kind {
            Kind::Mapping => Content::Mapping(self.entries.drain(first..).collect()),
            Kind::Sequence | Kind::IndentlessSequence => {
                Content::Sequence(self.items.drain(first..).collect())
            }
        };
        self.fill(node, content);
        if self.levels.is_empty() { Some(()) } else { self.attach(node) }
    }

    fn fill(&mut self, node: NodeId, content: Content<'t>) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.content = content;
        }
    }

    /// Makes the missing value null.
    fn complete(&mut self) -> Option<()> {
        match self.levels.last()?.missing {
            Some(at) => self.scalar(at, Cow::Borrowed(""), Scalar::Null),
            None => Some(()),
        }
    }

    fn attach(&mut self, value: NodeId) -> Option<()> {
        let level = self.levels.last_mut()?;
        level.missing.take()?;
        match level.kind {
            _ if !self.is_kept => {}
            Kind::Mapping => self.entries.push(Entry { key: level.key, value, flaw: None }),
            Kind::Sequence | Kind::IndentlessSequence => self.items.push(value),
        }
        Some(())
    }
}

fn resolve(text: &str) -> Option<(Cow<'_, str>, Scalar)> {
    if scalar::is_surely_text(text) {
        return Some((text.into(), Scalar::String));
    }
    let resolved = scalar::resolve(text.into(), true, None).ok()?;
    (!matches!(resolved.1, Scalar::Float(value) if !value.is_finite())).then_some(resolved)
}
