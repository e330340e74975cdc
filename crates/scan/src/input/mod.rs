//! The files to scan: which they are, and their text.

mod discover;
mod helm;
mod read;

pub(crate) use discover::{Input, discover};
pub(crate) use helm::is_chart_template;
pub(crate) use read::{ReadError, read};

/// Name of standard input in positions; no path that a folder yields begins like this.
pub(crate) const STDIN_NAME: &str = "<stdin>";
