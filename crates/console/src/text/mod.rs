//! How text, times and documentation come onto a page.

mod age;
mod figure;
mod markdown;
mod shell;
mod shown;

pub(crate) use age::{Moment, seconds, span};
pub(crate) use figure::grouped;
pub(crate) use markdown::{Block, Piece, blocks, own_words, pieces};
pub(crate) use shell::quote;
pub(crate) use shown::Shown;
