//! The files to scan, and their text.

mod discover;
mod read;

pub(crate) use discover::{Input, discover, name_of};
pub(crate) use read::{ReadError, read};

/// Name of standard input in positions. No path of a folder's file begins like this.
pub(crate) const STDIN_NAME: &str = "<stdin>";
