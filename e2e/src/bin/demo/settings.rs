//! What the environment asks for.

use std::env;

use tokio::signal::unix::{SignalKind, signal};

/// Empty variables count as unset: make exports them whether they are given or not.
pub(crate) struct Settings {
    /// Ends when everything has been shown.
    pub(crate) once: bool,
    /// A kubeconfig context to use instead of a control plane of its own.
    pub(crate) context: Option<String>,
}

impl Settings {
    pub(crate) fn from_env() -> Self {
        let given = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self { once: given("DEMO_ONCE").is_some_and(|value| value != "0"), context: given("DEMO_CONTEXT") }
    }
}

/// Ctrl-C, or a request to end.
pub(crate) async fn interrupted() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
