//! `tagwatch run`.

use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_controller::{Access, CertificateFiles, ConsoleOptions, Namespaces, RunError, RunOptions};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::{Auth, ConsoleArgs, MetricsArgs, RunArgs};
use crate::logging;
use crate::status::Failure;

pub(crate) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let RunArgs {
        namespaces,
        exclude_namespaces,
        policy,
        own_namespace,
        registries,
        registry_networks,
        metrics_address,
        metrics,
        address_file,
        console,
        events,
        log_format,
        log_level,
    } = args;
    logging::install(log_format, &log_level)?;
    let namespaces = if namespaces.is_empty() {
        Namespaces::AllBut(exclude_namespaces)
    } else {
        Namespaces::Only(namespaces)
    };
    let cluster_name = console.cluster_name.clone();
    let console = console_options(console, &metrics)?;
    let options = RunOptions {
        namespaces,
        metrics_address,
        workload_series_cap: metrics.workload_series_cap,
        cluster_name,
        metrics_access: access(&metrics, console.as_ref())?,
        console,
        address_file,
        own_namespace,
        registries,
        registry_networks,
        events,
        policy,
        user_agent: user_agent(),
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "tagwatch is starting");
    // Two threads: one decodes a large list while the other answers probes.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let stop = stop_on_signals()?;
        tagwatch_controller::run(options, stop).await.map_err(|error| failure(&error))
    });
    ended.map(|()| ExitCode::SUCCESS)
}

/// Who may read the metrics. Files of a certificate that nobody would be shown, by the console neither, are a mistake.
fn access(args: &MetricsArgs, console: Option<&ConsoleOptions>) -> Result<Access, Failure> {
    let console_speaks_tls = console.is_some_and(|console| matches!(console.access, Access::Token { .. }));
    match (args.metrics_auth, certificate(args)) {
        (Auth::None, Some(_)) if !console_speaks_tls => {
            let told = anyhow!(
                "--metrics-auth=none speaks no TLS, and there is no console that does: leave --metrics-tls-cert out"
            );
            Err(Failure::Usage(told))
        }
        (Auth::None, _) => Ok(Access::Everybody),
        (Auth::Token, certificate) => Ok(Access::Token { certificate }),
    }
}

fn certificate(args: &MetricsArgs) -> Option<CertificateFiles> {
    let (certificate, key) = args.metrics_tls_cert.clone().zip(args.metrics_tls_key.clone())?;
    Some(CertificateFiles { certificate, key })
}

/// Without tokens the console tells everybody who reaches it everything: that is for a machine of one's own.
fn console_options(args: ConsoleArgs, metrics: &MetricsArgs) -> Result<Option<ConsoleOptions>, Failure> {
    let ConsoleArgs { console_address, console_address_file, console_auth, cluster_name: _ } = args;
    let Some(address) = console_address else { return Ok(None) };
    let access = match console_auth {
        Auth::Token => Access::Token { certificate: certificate(metrics) },
        Auth::None if address.ip().is_loopback() => Access::Everybody,
        Auth::None => {
            let told = anyhow!(
                "--console-auth=none is for loopback addresses: {address} could be reached from elsewhere; use 127.0.0.1"
            );
            return Err(Failure::Usage(told));
        }
    };
    Ok(Some(ConsoleOptions { address, address_file: console_address_file, access }))
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
        RunError::Listen { .. } | RunError::Certificate(_) | RunError::AddressFile { .. } => {
            Failure::Usage(told)
        }
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
