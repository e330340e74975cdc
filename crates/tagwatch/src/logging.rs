//! Logs of the controller, to standard error.

use std::io;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::status::Failure;

/// Installs the subscriber.
///
/// # Errors
/// When the filter does not parse.
pub(crate) fn install(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| {
            format!("--log-level {filter:?}: expected a level (error, warn, info, debug, trace) or a filter")
        })
        .map_err(Failure::Usage)?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
            logs.with_ansi(color).init();
        }
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}
