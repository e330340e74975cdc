//! The tree of a document while its lines are read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::scalar::{self, Scalar};
use super::super::tree::{Content, Document, Entry, NodeId, Position, RawNode};

/// Most keys of a mapping that are compared with one another. A longer mapping is left to the exact reader.
const MAX_KEYS: usize = 128;

/// Bytes of a key that tell most keys apart.
const LEAD: usize = 7;

/// Bytes of a document for each of its nodes, at the least that is common: room is made for so many nodes at once.
const BYTES_PER_NODE: usize = 16;

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
    indent: u32,
    node: NodeId,
    /// Where its entries or items begin among those of all open collections, and where its keys do.
    first: usize,
    first_key: usize,
    /// The key whose value follows; unused in sequences.
    key: NodeId,
    /// Where the value would be if it is null; `None` if nothing is missing.
    missing: Option<Position>,
}

/// A key of an open mapping.
#[derive(Debug, Clone, Copy)]
struct Key<'t> {
    /// Its first bytes and, in the last byte, its length as far as that fits: keys that differ in it are not the same.
    lead: u64,
    text: &'t str,
}

impl<'t> Key<'t> {
    fn new(text: &'t str) -> Self {
        let (bytes, mut lead) = (text.as_bytes(), [0; LEAD + 1]);
        let known = bytes.len().min(LEAD);
        lead[..known].copy_from_slice(&bytes[..known]);
        lead[LEAD] = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        Self { lead: u64::from_le_bytes(lead), text }
    }

    fn is(self, other: Self) -> bool {
        self.lead == other.lead && self.text == other.text
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
    /// Whether nodes are kept, not only counted.
    is_kept: bool,
    count: usize,
}

impl<'t> Tree<'t> {
    pub(super) fn new(bytes: usize, max_depth: usize) -> Self {
        let nodes = Vec::with_capacity(bytes / BYTES_PER_NODE);
        Self { nodes, is_kept: true, ..Self::unkept(max_depth) }
    }

    /// A tree of which nothing is kept: what is no part of the subset is declined all the same.
    pub(super) fn unkept(max_depth: usize) -> Self {
        Self {
            nodes: Vec::new(),
            levels: Vec::new(),
            entries: Vec::new(),
            items: Vec::new(),
            keys: Vec::new(),
            max_depth,
            is_kept: false,
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
    pub(super) fn indent(&self) -> u32 {
        self.levels.last().map_or(0, |level| level.indent)
    }

    /// A key in a column, and the place of the colon behind it.
    pub(super) fn open_key(
        &mut self,
        column: u32,
        at: Position,
        key: &'t str,
        colon: Position,
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
            _ => self.open(Kind::Mapping, column, at)?,
        }
        let keys = self.keys.get(self.levels.last()?.first_key..)?;
        let known = Key::new(key);
        if keys.len() == MAX_KEYS || keys.iter().any(|other| other.is(known)) {
            return None;
        }
        self.keys.push(known);
        let node = self.push(at, Content::Scalar(Cow::Borrowed(key), Scalar::String));
        let level = self.levels.last_mut()?;
        level.key = node;
        level.missing = Some(colon);
        Some(())
    }

    /// A dash in a column.
    pub(super) fn open_item(&mut self, column: u32, at: Position) -> Option<()> {
        self.close_deeper(column)?;
        match self.levels.last() {
            Some(level) if level.indent == column && level.kind != Kind::Mapping => self.complete()?,
            Some(level) if level.indent == column => {
                level.missing?;
                self.open(Kind::IndentlessSequence, column, at)?;
            }
            _ => self.open(Kind::Sequence, column, at)?,
        }
        self.levels.last_mut()?.missing = Some(at);
        Some(())
    }

    /// Adds the value that is missing.
    pub(super) fn scalar(&mut self, at: Position, text: Cow<'t, str>, scalar: Scalar) -> Option<()> {
        let node = self.push(at, Content::Scalar(text, scalar));
        self.attach(node)
    }

    /// A scalar without quotes. Numbers that JSON does not know are left to the exact reader.
    pub(super) fn plain(&mut self, at: Position, text: &'t str) -> Option<()> {
        let (text, scalar) = resolve(text)?;
        self.scalar(at, text, scalar)
    }

    /// An empty mapping.
    pub(super) fn empty_mapping(&mut self, at: Position) -> Option<()> {
        self.check_depth(self.levels.len() + 1)?;
        let node = self.push(at, Content::Mapping(Vec::new()));
        self.attach(node)
    }

    /// A list of scalars in brackets: its items, each with its place and whether it is plain.
    pub(super) fn flow_sequence(&mut self, at: Position, items: &[(Position, &'t str, bool)]) -> Option<()> {
        self.check_depth(self.levels.len() + 1)?;
        let node = self.push(at, Content::Sequence(Vec::new()));
        let mut ids = Vec::with_capacity(items.len());
        for &(at, text, is_plain) in items {
            let (text, scalar) = if is_plain { resolve(text)? } else { (text.into(), Scalar::String) };
            ids.push(self.push(at, Content::Scalar(text, scalar)));
        }
        self.fill(node, Content::Sequence(ids));
        self.attach(node)
    }

    fn check_depth(&self, depth: usize) -> Option<()> {
        (depth <= self.max_depth).then_some(())
    }

    fn push(&mut self, at: Position, content: Content<'t>) -> NodeId {
        if self.is_kept {
            self.nodes.push(RawNode { at, content });
        }
        self.count += 1;
        self.count - 1
    }

    /// Begins a collection where a value is missing, or at the root.
    fn open(&mut self, kind: Kind, indent: u32, at: Position) -> Option<()> {
        self.check_depth(self.levels.len() + 1)?;
        match self.levels.last() {
            // What follows the root at its margin or before it is no part of it.
            None if self.count > 0 => return None,
            Some(level) if level.missing.is_none() => return None,
            _ => {}
        }
        let (content, first) = match kind {
            Kind::Mapping => (Content::Mapping(Vec::new()), self.entries.len()),
            Kind::Sequence | Kind::IndentlessSequence => (Content::Sequence(Vec::new()), self.items.len()),
        };
        let node = self.push(at, content);
        let first_key = self.keys.len();
        self.levels.push(Level { kind, indent, node, first, first_key, key: node, missing: None });
        Some(())
    }

    /// Ends the collections that are deeper than a column.
    fn close_deeper(&mut self, column: u32) -> Option<()> {
        while self.levels.last().is_some_and(|level| level.indent > column) {
            self.close()?;
        }
        Some(())
    }

    /// Ends the innermost collection.
    fn close(&mut self) -> Option<()> {
        self.complete()?;
        let Level { kind, node, first, first_key, .. } = self.levels.pop()?;
        self.keys.truncate(first_key);
        if self.is_kept {
            let content = match kind {
                Kind::Mapping => Content::Mapping(self.entries.drain(first..).collect()),
                Kind::Sequence | Kind::IndentlessSequence => {
                    Content::Sequence(self.items.drain(first..).collect())
                }
            };
            self.fill(node, content);
        }
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
