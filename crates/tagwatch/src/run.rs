//! `tagwatch run`.

use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_controller::{Namespaces, RunError, RunOptions};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::RunArgs;
use crate::logging;
use crate::status::Failure;

pub(crate) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let RunArgs {
        namespaces,
        exclude_namespaces,
        policy,
        metrics_address,
        address_file,
        log_format,
        log_level,
    } = args;
    logging::install(log_format, &log_level)?;
    let namespaces = if namespaces.is_empty() {
        Namespaces::AllBut(exclude_namespaces)
    } else {
        Namespaces::Only(namespaces)
    };
    let options = RunOptions { namespaces, metrics_address, address_file, policy, user_agent: user_agent() };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "tagwatch is starting");
    // Two threads: one decodes a large list while the other answers probes.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let stop = stop_on_signals()?;
        tagwatch_controller::run(options, stop).await.map_err(|error| failure(&error))
    });
    ended.map(|()| ExitCode::SUCCESS)
}

/// `User-Agent` of everything that this program sends.
pub(crate) fn user_agent() -> String {
    format!("tagwatch/{}", env!("CARGO_PKG_VERSION"))
}

fn failure(error: &RunError) -> Failure {
    // Its text tells the causes, which would be printed again as a chain.
    let told = anyhow!("{error}");
    match error {
        RunError::Client(_) => Failure::Api(told),
        RunError::Listen { .. } | RunError::AddressFile { .. } => Failure::Usage(told),
        RunError::Metrics(_) | RunError::TaskEnded(_) | RunError::TaskFailed(_) => Failure::Other(told),
    }
}

/// Cancelled by SIGTERM, as Kubernetes sends it, and by SIGINT.
fn stop_on_signals() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            if signals.recv().await.is_some() {
                stop.cancel();
            }
        });
    }
    Ok(stop)
}
