//! Logs of the controller, to standard error.

use std::io;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::status::Failure;

/// kube-runtime warns of each failed try of a watch. The controller says the same once for each outage, with its reason.
const QUIET: &str = "kube_runtime";

/// The filter with [`QUIET`] at level `error`, unless the filter names it.
fn directives(filter: &str) -> String {
    let is_named = filter.split(',').any(|directive| directive.trim_start().starts_with(QUIET));
    if is_named { filter.to_owned() } else { format!("{filter},{QUIET}=error") }
}

/// Installs the subscriber.
///
/// # Errors
/// When the filter does not parse.
pub(crate) fn install(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(directives(filter))
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str) -> String {
        let written = Written::default();
        let writer = written.clone();
        let logs = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_new(directives(filter)).unwrap())
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(logs, || {
            tracing::warn!(target: "kube_runtime::watcher", "watch list error with 403");
            tracing::error!(target: "kube_runtime::watcher", "something worse");
            tracing::warn!("watch failed; trying again");
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_watcher_does_not_warn_of_what_we_say_unless_it_is_asked_to() {
        for filter in ["info", "debug", "warn,hyper=error", ""] {
            let logged = logged(filter);
            assert!(!logged.contains("watch list error"), "{filter}: {logged}");
            assert!(logged.contains("something worse"), "{filter}: {logged}");
            assert_eq!(logged.contains("trying again"), !filter.is_empty(), "{filter}: {logged}");
        }
        assert!(logged("info,kube_runtime=warn").contains("watch list error"));
    }
}
