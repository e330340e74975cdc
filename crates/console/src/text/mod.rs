//! Text, numbers, times and documentation as pages show them.

mod counted;
mod figure;
mod html;
mod image;
mod markdown;
mod shell;
mod time;

pub(crate) use counted::counted;
pub(crate) use figure::grouped;
pub(crate) use html::HtmlText;
pub(crate) use image::ImageText;
pub(crate) use markdown::{Block, Piece, blocks, message, pieces};
pub(crate) use shell::quote;
pub(crate) use time::{DisplayInterval, DisplayTime, seconds, span};
