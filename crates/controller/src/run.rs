//! Starts the tasks of all rooms.

use std::sync::Arc;
use std::time::Duration;

use kube_runtime::watcher;
use tagwatch_client::{ClusterChoice, Connection, RequestCounter, ServerClock, connect};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::error::RunError;
use crate::observe::{built_in, custom, day, namespaces, nodes};
use crate::options::RunOptions;
use crate::parts::SharedParts;
use crate::publish::{events, proofs};
use crate::serve::access::AccessGate;
use crate::serve::admin::AdminEndpoint;
use crate::serve::console;
use crate::serve::metrics::MetricsPage;
use crate::serve::{EndpointAccess, EndpointKind, ServerListener};
use crate::state::Queue;
use crate::state::metrics::Metrics;
use crate::tasks::Tasks;

/// How often the gauges of the queue are updated.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the controller until `stop` is cancelled, or a part of it fails.
///
/// # Errors
/// When it cannot start, or when a task ends that should run forever: Kubernetes restarts the process then.
pub async fn run(options: RunOptions, stop: CancellationToken) -> Result<(), RunError> {
    let (requests, clock) = (RequestCounter::new()?, ServerClock::default());
    let choice = ClusterChoice::default();
    let Connection { client, .. } =
        connect(&choice, &options.user_agent, requests.clone(), clock.clone()).await?;
    let listeners = Listeners::bind(&options).await?;
    let mut metrics = Metrics::default();
    metrics.add(requests.collector())?;
    let (parts, requests) = SharedParts::new(client, clock, &mut metrics)?;
    let (reconciler, pending_events) = parts.reconciler(&options);
    let mut tasks = Tasks::default();
    spawn_servers(&mut tasks, &parts, listeners, metrics, &options, &stop)?;
    spawn_watches(&mut tasks, &parts, &options);
    spawn_policy(&mut tasks, &parts, &options);
    spawn_drift(&mut tasks, &parts, &options);
    if let Some(pending) = pending_events {
        let publishing = events::publish(parts.client.clone(), pending, Arc::clone(&parts.writer));
        tasks.spawn("events", publishing);
    }
    tasks.spawn("measurements", measure(Arc::clone(&parts.observer.queue)));
    parts.readiness.complete();
    let (readiness, proven) = (parts.readiness.clone(), parts.proven_tags());
    tasks.spawn("reconcile", async move {
        readiness.synced().await;
        tracing::info!("the initial state of the cluster is known");
        proven.refresh();
        Arc::new(reconciler).run(requests).await;
    });
    tasks.run_until(&stop).await
}

/// The addresses that the controller serves.
struct Listeners {
    admin: ServerListener,
    console: Option<ServerListener>,
}

impl Listeners {
    async fn bind(options: &RunOptions) -> Result<Self, RunError> {
        let RunOptions { metrics_address, address_file, metrics_access, .. } = options;
        let (file, access) = (address_file.as_deref(), metrics_access.clone());
        let admin = ServerListener::bind(*metrics_address, file, access, EndpointKind::Metrics).await?;
        tracing::info!(address = %admin.address(), "serving /metrics, /livez and /readyz");
        let console = match &options.console {
            Some(console) => {
                let (file, access) = (console.address_file.as_deref(), console.access.clone());
                let listener =
                    ServerListener::bind(console.address, file, access, EndpointKind::Console).await?;
                tracing::info!(address = %listener.address(), "serving the console");
                Some(listener)
            }
            None => None,
        };
        Ok(Self { admin, console })
    }
}

fn spawn_servers(
    tasks: &mut Tasks,
    parts: &SharedParts,
    listeners: Listeners,
    metrics: Metrics,
    options: &RunOptions,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let metrics = MetricsPage::new(metrics, &parts.states, &parts.engine, options.workload_series_cap)?;
    let Listeners { admin, console } = listeners;
    let is_gated = matches!(options.metrics_access, EndpointAccess::Token { .. });
    let gate = is_gated.then(|| Arc::new(AccessGate::new(parts.client.clone())));
    let endpoint = AdminEndpoint { metrics, readiness: parts.readiness.clone(), gate };
    tasks.spawn_server("admin endpoint", admin.serve(endpoint.routes(), stop.clone()));
    if let Some((listener, console)) = console.zip(options.console.as_ref()) {
        let routes = console::routes(parts.console_source(options), &console.access, &parts.client);
        tasks.spawn_server("console", listener.serve(routes, stop.clone()));
    }
    Ok(())
}

/// Watches workloads, pods, namespaces and our reports.
fn spawn_watches(tasks: &mut Tasks, parts: &SharedParts, options: &RunOptions) {
    let SharedParts { client, observer, readiness, custom, .. } = parts;
    let scopes = options.namespaces.scopes();
    let field_selector = options.namespaces.field_selector();
    let config = watcher::Config { field_selector, ..watcher::Config::default() };
    for scope in &scopes {
        for (name, watch) in built_in::watches(observer, readiness, client, &config, scope.as_deref()) {
            tasks.spawn(name, watch);
        }
    }
    let custom = custom::run(observer.clone(), Arc::clone(custom), client.clone(), config, scopes.clone());
    tasks.spawn("custom kinds", custom);
    let ready = readiness.expect(namespaces::NAMESPACES);
    tasks.spawn(namespaces::NAMESPACES, namespaces::follow(client.clone(), observer.clone(), ready));
    for scope in scopes {
        tasks.spawn("reports", parts.report_observer(scope).follow());
    }
}

/// Watches the policy and the day on which its exemptions depend, and writes its status.
fn spawn_policy(tasks: &mut Tasks, parts: &SharedParts, options: &RunOptions) {
    let SharedParts { client, observer, readiness, engine, .. } = parts;
    let ready = readiness.expect(format!("the TagPolicy {}", options.policy));
    let policy = parts.policy_observer();
    tasks.spawn("policy", policy.follow(client.clone(), options.policy.clone(), ready));
    let day = day::follow(
        observer.clock.clone(),
        Arc::clone(engine),
        Arc::clone(&observer.queue),
        Arc::clone(&observer.status),
    );
    tasks.spawn("day", day);
    tasks.spawn("policy status", parts.policy_status().run(client.clone(), readiness.clone()));
}

/// Watches nodes, keeps proofs that tags moved, and asks registries.
fn spawn_drift(tasks: &mut Tasks, parts: &SharedParts, options: &RunOptions) {
    let SharedParts { client, observer, readiness, engine, writer, .. } = parts;
    let ready = readiness.expect(nodes::NODES);
    let nodes = nodes::follow(client.clone(), observer.clone(), Arc::clone(engine), ready);
    tasks.spawn(nodes::NODES, nodes);
    let networks: Arc<[_]> = options.registry_networks.as_slice().into();
    for registry in &options.registries {
        let (networks, user_agent) = (Arc::clone(&networks), options.user_agent.clone());
        tasks.spawn("registry", parts.registry_task().run(registry.clone(), networks, user_agent));
    }
    let ready = readiness.expect("proofs that tags moved");
    let namespace = options.own_namespace.clone();
    let keeping = proofs::keep(client.clone(), namespace, parts.proven_tags(), Arc::clone(writer), ready);
    tasks.spawn("proofs", keeping);
    tasks.spawn("drift", parts.proven_tags().follow(readiness.clone()));
}

async fn measure(queue: Arc<Queue>) {
    let mut every = interval(MEASURE_INTERVAL);
    loop {
        every.tick().await;
        queue.measure();
    }
}
