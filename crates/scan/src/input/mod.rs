//! The files to scan, and their text.

mod discover;
mod meant;
mod read;
mod walk;

pub(crate) use discover::{Input, discover, name_of};
pub(crate) use meant::is_meant_for_kubectl;
pub(crate) use read::{ReadError, decode, read, read_manifest};
pub use walk::{Exclude, InvalidGlob};

/// Name of standard input in positions. No path of a folder's file begins like this.
pub(crate) const STDIN_NAME: &str = "<stdin>";
