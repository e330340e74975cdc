//! How output looks on a stream.

use std::env;

use anstream::AutoStream;
use anstream::stream::RawStream;
use tagwatch_scan::output::Style;

/// Colours as `--color` says: by default if the stream is a terminal that supports them and `NO_COLOR` is not set. The
/// width is that of the terminal; without one it is `COLUMNS`, as for `ls`.
pub(crate) fn style(stream: &impl RawStream) -> Style {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let columns = || env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    Style {
        color: AutoStream::choice(stream) != anstream::ColorChoice::Never,
        width: terminal.filter(|_| stream.is_terminal()).or_else(columns),
    }
}
