//! A document as a tree, and a cursor on it that follows aliases and merge keys.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::dialect::MergeTag;
use super::error::{Located, Overwritten};
use super::scalar::Scalar;

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

    /// For objects of a cluster, which are written in no file.
    pub(crate) const OF_NO_FILE: Self = Self { line: 0, column: 0 };
}

pub(super) type NodeId = usize;

/// One document of a stream. Its nodes are in one vector, so dropping it needs no recursion.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(super) nodes: Vec<RawNode<'t>>,
    pub(super) root: NodeId,
    pub(super) overwritten: Vec<Located<Overwritten>>,
    pub(super) merge_tags: BTreeMap<NodeId, MergeTag>,
}

#[derive(Debug)]
pub(super) struct RawNode<'t> {
    pub(super) at: Position,
    pub(super) content: Content<'t>,
}

#[derive(Debug)]
pub(super) enum Content<'t> {
    Scalar(Cow<'t, str>, Scalar),
    Sequence(Vec<NodeId>),
    /// Each key once, with its last value, and with the entries of merged mappings.
    Mapping(Vec<Entry>),
    /// Another node of the same document. It was complete before this one began, so there are no cycles.
    Alias(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// A string, or an alias of one.
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// Why the key has no name in JSON.
    pub(super) flaw: Option<&'static str>,
}

impl<'t> Document<'t> {
    pub(crate) fn root(&self) -> Node<'_, 't> {
        Node::new(self, self.root)
    }

    /// Values that were written and do not apply, since the same key follows.
    pub(crate) fn overwritten(&self) -> &[Located<Overwritten>] {
        &self.overwritten
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
            Content::Scalar(_, Scalar::Null) => Value::Null,
            Content::Scalar(text, Scalar::Bool(_)) => Value::Other("boolean", text),
            Content::Scalar(text, Scalar::String) => Value::String(text),
            Content::Scalar(text, _) => Value::Other("number", text),
            Content::Sequence(_) => Value::Sequence,
            Content::Mapping(_) | Content::Alias(_) => Value::Mapping,
        }
    }

    /// The text of a scalar that is not null, as written.
    pub(crate) fn text(self) -> Option<&'d str> {
        match self.content() {
            Content::Scalar(_, Scalar::Null) => None,
            Content::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The tag by which Compose merges the value.
    pub(crate) fn merge_tag(self) -> Option<MergeTag> {
        self.document.merge_tags.get(&self.id).copied()
    }

    /// The value of a scalar; `None` for other values.
    pub(super) fn scalar(self) -> Option<Scalar> {
        match self.content() {
            Content::Scalar(_, scalar) => Some(*scalar),
            _ => None,
        }
    }

    /// How many scalars of the document are picked, keys among them. `None` for a part of a document, and where an alias makes
    /// one scalar stand for several.
    pub(crate) fn count_scalars(self, is_picked: impl Fn(&str) -> bool) -> Option<usize> {
        (self.id == self.document.root).then_some(())?;
        let mut count = 0;
        for node in &self.document.nodes {
            match &node.content {
                Content::Scalar(text, _) => count += usize::from(is_picked(text)),
                Content::Alias(_) => return None,
                Content::Sequence(_) | Content::Mapping(_) => {}
            }
        }
        Some(count)
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

    /// Keys and values of a mapping as kubectl reads it: the entries of merged mappings are among them, and of a key that is
    /// written twice the last value. Keys are strings. Empty for other values.
    pub(crate) fn entries(self) -> impl ExactSizeIterator<Item = (Node<'d, 't>, Node<'d, 't>)> {
        let entries = match self.content() {
            Content::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .map(move |entry| (Node::new(self.document, entry.key), Node::new(self.document, entry.value)))
    }

    /// As [`Self::entries`], with the texts of the keys.
    pub(crate) fn merged_entries(self) -> Vec<(&'d str, Node<'d, 't>)> {
        self.entries().filter_map(|(key, value)| Some((key.text()?, value))).collect()
    }

    /// Key and value of an entry of a mapping.
    pub(crate) fn entry(self, name: &str) -> Option<(Node<'d, 't>, Node<'d, 't>)> {
        self.entries().find(|(key, _)| key.text() == Some(name))
    }

    /// The value of [`Self::entry`].
    pub(crate) fn get(self, name: &str) -> Option<Node<'d, 't>> {
        self.entry(name).map(|(_, value)| value)
    }
}
