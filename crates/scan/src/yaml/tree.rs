//! A document as a tree, and a cursor on it that follows aliases and merge keys.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::scalar::ScalarType;

/// A position in a file; line and column count from 1. Columns count Unicode scalar values, not bytes or UTF-16 units; a
/// tab is one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Position {
    /// For notes on a whole file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The parser counts lines from 1, and columns from 0 in characters.
    pub(super) fn from_marker(marker: &granit_parser::Marker) -> Self {
        let from_usize = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: from_usize(marker.line()), column: from_usize(marker.col()).saturating_add(1) }
    }
}

pub(super) type NodeId = usize;

/// One document of a stream. Its nodes are in one vector, so dropping it needs no recursion.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(super) nodes: Vec<RawNode<'t>>,
    pub(super) root: NodeId,
}

#[derive(Debug)]
pub(super) struct RawNode<'t> {
    pub(super) at: Position,
    pub(super) content: Content<'t>,
}

#[derive(Debug)]
pub(super) enum Content<'t> {
    Scalar(Cow<'t, str>, ScalarType),
    Sequence(Vec<NodeId>),
    Mapping(Vec<Entry>),
    /// Another node of the same document. It was complete before this one began, so there are no cycles.
    Alias(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// Whether the key is a plain `<<`: the value's entries are added to this mapping unless it has the same keys.
    pub(super) merge: bool,
}

impl<'t> Document<'t> {
    pub(crate) fn root(&self) -> Node<'_, 't> {
        Node::new(self, self.root)
    }
}

/// A node at one position of a document; for an alias, the position of the alias and the content of its target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'d, 't> {
    document: &'d Document<'t>,
    id: NodeId,
    at: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'d> {
    Null,
    /// A boolean or a number, as written.
    Other(&'static str, &'d str),
    String(&'d str),
    Sequence,
    Mapping,
}

impl Value<'_> {
    /// The type in words, for messages.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Other(name, _) => name,
            Self::String(_) => "string",
            Self::Sequence => "list",
            Self::Mapping => "mapping",
        }
    }
}

impl<'d, 't> Node<'d, 't> {
    fn new(document: &'d Document<'t>, id: NodeId) -> Self {
        let node = &document.nodes[id];
        let id = match node.content {
            Content::Alias(target) => target,
            _ => id,
        };
        Self { document, id, at: node.at }
    }

    fn content(self) -> &'d Content<'t> {
        &self.document.nodes[self.id].content
    }

    /// Position of the first character of the value or of its alias.
    pub(crate) fn position(self) -> Position {
        self.at
    }

    pub(crate) fn value(self) -> Value<'d> {
        match self.content() {
            Content::Scalar(_, ScalarType::Null) => Value::Null,
            Content::Scalar(text, ScalarType::Bool) => Value::Other("boolean", text),
            Content::Scalar(text, ScalarType::Number) => Value::Other("number", text),
            Content::Scalar(text, ScalarType::String) => Value::String(text),
            Content::Sequence(_) => Value::Sequence,
            Content::Mapping(_) | Content::Alias(_) => Value::Mapping,
        }
    }

    /// The text of a scalar of any type, as written.
    pub(crate) fn text(self) -> Option<&'d str> {
        match self.content() {
            Content::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence; empty for other values.
    pub(crate) fn items(self) -> impl ExactSizeIterator<Item = Node<'d, 't>> {
        let items = match self.content() {
            Content::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(move |&id| Node::new(self.document, id))
    }

    pub(crate) fn item(self, index: usize) -> Option<Node<'d, 't>> {
        match self.content() {
            Content::Sequence(items) => items.get(index).map(|&id| Node::new(self.document, id)),
            _ => None,
        }
    }

    fn raw_entries(self) -> &'d [Entry] {
        match self.content() {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entries of a mapping as written, with merge keys; empty for other values.
    pub(crate) fn entries(self) -> impl ExactSizeIterator<Item = (Node<'d, 't>, Node<'d, 't>)> {
        self.raw_entries()
            .iter()
            .map(move |entry| (Node::new(self.document, entry.key), Node::new(self.document, entry.value)))
    }

    /// The entries of a mapping with scalar keys, including merged ones, as [`Self::get`] reads them.
    pub(crate) fn merged_entries(self) -> Vec<(&'d str, Node<'d, 't>)> {
        let mut entries = Vec::new();
        self.collect_entries(&mut entries);
        let mut seen = BTreeSet::new();
        entries.retain(|(key, _)| seen.insert(*key));
        entries
    }

    /// Own entries first, then those of merged mappings in order. The first entry of each key applies.
    fn collect_entries(self, entries: &mut Vec<(&'d str, Node<'d, 't>)>) {
        let all = || self.entries().zip(self.raw_entries());
        let own = all().filter(|(_, raw)| !raw.merge);
        entries.extend(own.filter_map(|((key, value), _)| Some((key.text()?, value))));
        for ((_, merged), _) in all().filter(|(_, raw)| raw.merge) {
            match merged.value() {
                Value::Sequence => merged.items().for_each(|item| item.collect_entries(entries)),
                _ => merged.collect_entries(entries),
            }
        }
    }

    /// Key and value of an entry of a mapping. Its own entries take precedence over merged ones, and earlier merged mappings
    /// over later ones (<https://yaml.org/type/merge.html>).
    pub(crate) fn entry(self, name: &str) -> Option<(Node<'d, 't>, Node<'d, 't>)> {
        let own = self
            .entries()
            .zip(self.raw_entries())
            .find(|((key, _), raw)| !raw.merge && key.text() == Some(name));
        if let Some((entry, _)) = own {
            return Some(entry);
        }
        let merges = self.raw_entries().iter().filter(|entry| entry.merge);
        merges.map(|entry| Node::new(self.document, entry.value)).find_map(|merged| match merged.value() {
            Value::Sequence => merged.items().find_map(|item| item.entry(name)),
            _ => merged.entry(name),
        })
    }

    /// The value of [`Self::entry`].
    pub(crate) fn get(self, name: &str) -> Option<Node<'d, 't>> {
        self.entry(name).map(|(_, value)| value)
    }
}
