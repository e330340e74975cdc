//! The command `tagwatch run`: starts the controller and ends with it.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use tagwatch_controller::{
    CertificateFiles, ConsoleOptions, EndpointAccess, InProcessEndpoints, RunError, RunOptions, Runtimes,
    WatchedNamespaces,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::args::{Auth, ConsoleArgs, MetricsArgs, RunArgs};
use crate::logging;
use crate::status::Failure;

/// How long the controller may take to end after a signal; Kubernetes kills a process after 30 s.
const END_LIMIT: Duration = Duration::from_secs(4);

pub(crate) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let RunArgs {
        namespaces,
        exclude_namespaces,
        policy,
        instance,
        health_address,
        health_address_file,
        token_audience,
        own_namespace,
        lease,
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
        WatchedNamespaces::AllExcept(exclude_namespaces)
    } else {
        WatchedNamespaces::Only(namespaces)
    };
    let cluster_name = console.cluster_name.clone();
    let console = console_options(console, &metrics)?;
    let lease = lease.options(&instance, own_namespace.as_deref()).map_err(Failure::Usage)?;
    let options = RunOptions {
        namespaces,
        instance,
        health_address,
        health_address_file,
        token_audience,
        metrics_address,
        workload_series_cap: metrics.workload_series_cap,
        cluster_name,
        metrics_access: metrics_access(&metrics, console.as_ref())?,
        console,
        address_file,
        own_namespace,
        registries,
        registry_networks,
        events,
        policy,
        user_agent: lease.as_ref().map_or_else(user_agent, |lease| user_agent_of(&lease.identity)),
        lease,
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "tagwatch is starting");
    // Two threads for the work: one decodes a large list while the other evaluates. This one answers the kubelet
    // and signals, and nothing else.
    let work = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let main = Builder::new_current_thread().enable_all().build()?;
    let metrics = thread_of("metrics")?;
    // A page of thousands of issues takes a while to put together.
    let pages = options.console.as_ref().map(|_| thread_of("console")).transpose()?;
    let console = pages.as_ref().unwrap_or(&work).handle().clone();
    let ended = main.block_on(supervise(&work, options, metrics.handle().clone(), console));
    // What still computes is not waited for: the process ends.
    work.shutdown_background();
    metrics.shutdown_background();
    if let Some(pages) = pages {
        pages.shutdown_background();
    }
    ended.map(|()| ExitCode::SUCCESS)
}

/// One thread for one endpoint: neither the kubelet nor evaluations wait for what its clients ask.
fn thread_of(endpoint: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name(endpoint).enable_all().build()
}

/// Runs the controller until it ends, or a signal asks for its end and the time for that is over, whatever it does then.
async fn supervise(
    work: &Runtime,
    options: RunOptions,
    admin: Handle,
    console: Handle,
) -> Result<(), Failure> {
    let stop = stop_on_signals()?;
    let in_process = InProcessEndpoints::default();
    let runtimes = Runtimes { health: Handle::current(), admin, console, in_process };
    let running = work.spawn(tagwatch_controller::run(options, stop.clone(), runtimes));
    let overdue = async {
        stop.cancelled().await;
        sleep(END_LIMIT).await;
    };
    tokio::select! {
        ended = running => match ended {
            Ok(ended) => ended.map_err(|error| failure(&error)),
            Err(error) => Err(Failure::Other(anyhow!("the controller failed: {error}"))),
        },
        () = overdue => {
            tracing::warn!("work is still under way; ending anyway");
            Ok(())
        }
    }
}

/// Certificate files that neither the metrics nor the console would use are a mistake.
fn metrics_access(args: &MetricsArgs, console: Option<&ConsoleOptions>) -> Result<EndpointAccess, Failure> {
    let console_has_tls =
        console.is_some_and(|console| matches!(console.access, EndpointAccess::Token { .. }));
    match (args.metrics_auth, certificate(args)) {
        (Auth::None, Some(_)) if !console_has_tls => Err(Failure::Usage(anyhow!(
            "--metrics-auth=none speaks no TLS, and there is no console that does: leave --metrics-tls-cert out"
        ))),
        (Auth::None, _) => Ok(EndpointAccess::Anonymous),
        (Auth::Token, certificate) => Ok(EndpointAccess::Token { certificate }),
    }
}

fn certificate(args: &MetricsArgs) -> Option<CertificateFiles> {
    let (certificate, key) = args.metrics_tls_cert.clone().zip(args.metrics_tls_key.clone())?;
    Some(CertificateFiles { certificate, key })
}

/// Without tokens, the console shows everything to everyone who reaches it: only loopback addresses are permitted.
fn console_options(args: ConsoleArgs, metrics: &MetricsArgs) -> Result<Option<ConsoleOptions>, Failure> {
    let ConsoleArgs { console_address, console_address_file, console_auth, cluster_name: _ } = args;
    let Some(address) = console_address else { return Ok(None) };
    let access = match console_auth {
        Auth::Token => EndpointAccess::Token { certificate: certificate(metrics) },
        Auth::None if address.ip().is_loopback() => EndpointAccess::Anonymous,
        Auth::None => {
            return Err(Failure::Usage(anyhow!(
                "--console-auth=none is for loopback addresses: {address} could be reached from elsewhere; use 127.0.0.1"
            )));
        }
    };
    Ok(Some(ConsoleOptions { address, address_file: console_address_file, access }))
}

/// `User-Agent` of every request.
pub(crate) fn user_agent() -> String {
    format!("tagwatch/{}", env!("CARGO_PKG_VERSION"))
}

/// The same of one of several replicas, so that audit logs tell which of them sent a request.
fn user_agent_of(identity: &str) -> String {
    format!("{} ({identity})", user_agent())
}

fn failure(error: &RunError) -> Failure {
    // Its text contains the causes, which a chain would repeat.
    let failed = anyhow!("{error}");
    match error {
        RunError::Client(_) => Failure::Api(failed),
        RunError::Listen(_) => Failure::Usage(failed),
        RunError::Metrics(_) | RunError::TaskEnded(_) | RunError::TaskPanicked { .. } => {
            Failure::Other(failed)
        }
    }
}

/// A token that SIGTERM (from Kubernetes) and SIGINT cancel.
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
