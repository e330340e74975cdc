//! YAML and JSON text as trees in which every node has its position in the file.
//!
//! The trees are what kubectl reads, with its decoder of streams and go-yaml below it: what it takes is taken, with the same
//! values, and what it refuses is an error. Deserialization into types would lose the positions of merged and aliased values,
//! and could not report duplicate keys. An alias is an edge, not a copy, so a small file cannot grow into a large tree; its
//! expanded size is counted and limited.

mod base64;
mod block;
mod builder;
mod dialect;
#[cfg(test)]
mod differential;
mod error;
mod json;
mod json_text;
mod need;
mod scalar;
mod source;
mod stream;
mod syntax;
mod tree;

pub(crate) use base64::decode as decode_base64;
pub(crate) use dialect::{Dialect, MergeTag};
pub(crate) use error::{Located, Overwritten, YamlError};
pub(crate) use json::to_json;
pub(crate) use need::{Keys, Need, Words};
pub(crate) use source::{ReplacedByte, Source};
pub(crate) use stream::{Documents, Extent, Limits};
pub(crate) use tree::{Document, Node, Position, Value};
