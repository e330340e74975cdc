//! YAML and JSON text as trees whose every node knows its place in the file.
//!
//! The trees are built from the events of `granit-parser`, the parser below serde-saphyr: deserializing into
//! types would lose where merged and aliased values were written, and could not name a second key of the same
//! name. An alias is an edge, never a copy, so a small file cannot grow into a large tree; the size that it
//! stands for is counted all the same, and limited.

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
