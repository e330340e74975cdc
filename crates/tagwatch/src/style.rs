//! How output looks on a stream.

use anstream::AutoStream;
use anstream::stream::RawStream;
use tagwatch_scan::output::Style;

/// Colours if the stream is a terminal that supports them and `NO_COLOR` is not set.
pub(crate) fn style(stream: &impl RawStream) -> Style {
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style {
        color: AutoStream::choice(stream) != anstream::ColorChoice::Never,
        width: width.filter(|_| stream.is_terminal()),
    }
}
