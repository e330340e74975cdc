//! The console, served by the controller from its memory.

mod shown;
mod source;

pub(crate) use shown::shown;
pub(crate) use source::ConsoleSource;
