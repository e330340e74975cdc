//! `make demo`: tagwatch at work on a real cluster, with something to see.
//!
//! Environment: `DEMO_ONCE=1` ends when everything has been shown, `DEMO_CONTEXT=name` uses the cluster of that
//! kubeconfig context instead of a control plane of its own.

mod drift;
mod existing;
mod install;
mod monitoring;
mod own;
mod screen;
mod settings;
mod tour;

use std::process::ExitCode;

use settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::from_env();
    let shown = match &settings.context {
        None => own::show(&settings).await,
        Some(context) => existing::show(context, &settings).await,
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen::failed(&failure);
            ExitCode::FAILURE
        }
    }
}
