//! YAML and JSON text as trees in which every node has its position in the file.
//!
//! The trees are built from the events of `granit-parser`, the parser below serde-saphyr. Deserialization into types would
//! lose the positions of merged and aliased values, and could not report duplicate keys. An alias is an edge, not a copy,
//! so a small file cannot grow into a large tree; its expanded size is counted and limited.

mod builder;
mod error;
mod json;
mod scalar;
mod stream;
mod tree;

pub(crate) use error::{Located, YamlError};
pub(crate) use json::to_json;
pub(crate) use stream::{Documents, Limits};
pub(crate) use tree::{Document, Node, Position, Value};
