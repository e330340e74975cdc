//! YAML 1.1 as go-yaml v2 reads it, for one document after another.
//!
//! Other parsers follow YAML 1.2 and differ in tabs, tags, line breaks, comments and indentation. The rules here are those
//! of go.yaml.in/yaml/v2 (`scannerc.go`, `parserc.go`), on which sigs.k8s.io/yaml, and so kubectl, is based. The
//! differential test compares both.

mod cursor;
mod parser;
mod properties;
mod scalars;
mod scanner;
mod token;

pub(super) use cursor::{Cursor, Mark};
pub(super) use parser::Parser;
