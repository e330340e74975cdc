//! Text, numbers, times and documentation as pages show them.

mod figure;
mod html;
mod markdown;
mod shell;
mod time;

pub(crate) use figure::grouped;
pub(crate) use html::HtmlText;
pub(crate) use markdown::{Block, Piece, blocks, message, pieces};
pub(crate) use shell::quote;
pub(crate) use time::{DisplayInterval, DisplayTime, seconds, span};
