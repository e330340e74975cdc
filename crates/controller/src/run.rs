//! Puts the controller together and runs it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use kube::Client;
use kube_runtime::watcher;
use parking_lot::Mutex;
use tagwatch_client::{RequestCounter, ServerClock, connect};
use tagwatch_core::kinds::Kinds;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_index::Index;
use tokio::sync::{Notify, mpsc};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::access::AccessGate;
use crate::admin::AdminEndpoint;
use crate::console::{self, ConsoleSource};
use crate::controller::{Controller, ScopedReportEvents};
use crate::custom::{self, CustomWatches};
use crate::day::{self, day_of};
use crate::drift;
use crate::engine::EngineHandle;
use crate::error::RunError;
use crate::events::{self, EventPublisher, PendingEvent};
use crate::listener::ServerListener;
use crate::metrics::{
    ControllerMetrics, FindingsCollector, Metrics, MixedCollector, PolicyCollector, WorkloadSeries,
};
use crate::options::{EndpointAccess, RunOptions};
use crate::policy::{self, ActivePolicy};
use crate::queue::{Queue, Requests};
use crate::readiness::Readiness;
use crate::reconcile;
use crate::registry::RegistryTask;
use crate::report::{ReportApi, ReportIndex, follow};
use crate::stores::Stores;
use crate::tasks::Tasks;
use crate::tls::EndpointKind;
use crate::watch::{self, namespaces};
use crate::workload_states::WorkloadStates;
use crate::writer::ClusterWriter;

/// How often the gauges of the queue are updated.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the controller until `stop` is cancelled, or a part of it fails.
///
/// # Errors
/// When it cannot start, or when a task ends that should run forever: Kubernetes restarts the process then.
pub async fn run(options: RunOptions, stop: CancellationToken) -> Result<(), RunError> {
    let (requests, clock) = (RequestCounter::new()?, ServerClock::default());
    let client = connect(None, &options.user_agent, requests.clone(), clock.clone()).await?;
    let listeners = Listeners::bind(&options).await?;
    let mut metrics = Metrics::default();
    metrics.add(requests.collector())?;
    let parts = Parts::new(client, clock, &options, &mut metrics)?;
    let mut tasks = Tasks::default();
    parts.spawn_servers(&mut tasks, listeners, metrics, &options, &stop);
    parts.spawn(&mut tasks, &options);
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

/// What is built before the first task runs.
struct Parts {
    client: Client,
    controller: Arc<Controller>,
    requests: Requests,
    pending_events: Option<mpsc::Receiver<PendingEvent>>,
}

impl Parts {
    fn new(
        client: Client,
        clock: ServerClock,
        options: &RunOptions,
        metrics: &mut Metrics,
    ) -> Result<Self, RunError> {
        let readiness = Readiness::default();
        let controller_metrics = ControllerMetrics::register(metrics)?;
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), day_of(clock.now())));
        register_findings(metrics, &states, &engine, options.workload_series_cap)?;
        let (queue, requests) = Queue::new(controller_metrics.clone());
        let (events, pending_events) =
            options.events.then(|| EventPublisher::new(controller_metrics.clone())).unzip();
        let writer = Arc::new(ClusterWriter::new(controller_metrics.clone()));
        let custom = CustomWatches::new(
            Kinds::default(),
            readiness.expect("custom kinds"),
            controller_metrics.custom_kinds.clone(),
        );
        let controller = Arc::new(Controller {
            engine,
            clock,
            custom,
            index: Arc::new(Mutex::new(Index::default())),
            stores: Stores::default(),
            states,
            reports: Mutex::new(ReportIndex::default()),
            report_api: ReportApi::new(client.clone(), Arc::clone(&writer)),
            writer,
            queue: Arc::new(queue),
            readiness,
            metrics: controller_metrics,
            has_console: options.console.is_some(),
            events,
            gone: Mutex::new(HashMap::new()),
            policy: Mutex::new(ActivePolicy::recommended()),
            policy_version: AtomicU64::new(0),
            policy_changed: Notify::new(),
            namespaces_readable: AtomicBool::new(true),
        });
        Ok(Self { client, controller, requests, pending_events })
    }

    fn spawn_servers(
        &self,
        tasks: &mut Tasks,
        listeners: Listeners,
        metrics: Metrics,
        options: &RunOptions,
        stop: &CancellationToken,
    ) {
        let Listeners { admin, console } = listeners;
        let is_gated = matches!(options.metrics_access, EndpointAccess::Token { .. });
        let gate = is_gated.then(|| Arc::new(AccessGate::new(self.client.clone())));
        let endpoint = AdminEndpoint { metrics, readiness: self.controller.readiness.clone(), gate };
        tasks.spawn_server("admin endpoint", admin.serve(endpoint.routes(), stop.clone()));
        if let Some((listener, console)) = console.zip(options.console.as_ref()) {
            let source = ConsoleSource::new(Arc::clone(&self.controller), options.cluster_name.clone());
            let routes = console::routes(source, &console.access, &self.client);
            tasks.spawn_server("console", listener.serve(routes, stop.clone()));
        }
    }

    fn spawn(self, tasks: &mut Tasks, options: &RunOptions) {
        let Self { client, controller, requests, pending_events } = self;
        spawn_watches(tasks, &controller, &client, options);
        spawn_policy(tasks, &controller, &client, &options.policy);
        drift::spawn(tasks, &controller, &client, options.own_namespace.clone());
        spawn_registries(tasks, &controller, options);
        if let Some(pending) = pending_events {
            tasks.spawn("events", events::publish(client, pending, Arc::clone(&controller.writer)));
        }
        tasks.spawn("measurements", measure(Arc::clone(&controller.queue)));
        controller.readiness.complete();
        tasks.spawn("reconcile", async move {
            controller.readiness.synced().await;
            tracing::info!("the initial state of the cluster is known");
            drift::settle(&controller);
            reconcile::run(controller, requests).await;
        });
    }
}

/// Registers what `/metrics` shows about findings.
fn register_findings(
    metrics: &mut Metrics,
    states: &Arc<Mutex<WorkloadStates>>,
    engine: &Arc<EngineHandle>,
    series_cap: usize,
) -> Result<(), RunError> {
    metrics.add(FindingsCollector::new(Arc::clone(states), Arc::clone(engine))?)?;
    metrics.add_workloads(WorkloadSeries::new(Arc::clone(states), Arc::clone(engine), series_cap));
    metrics.add(PolicyCollector::new(Arc::clone(states), Arc::clone(engine))?)?;
    metrics.add(MixedCollector::new(Arc::clone(states))?)?;
    Ok(())
}

/// Watches workloads, pods, namespaces and our reports.
fn spawn_watches(tasks: &mut Tasks, controller: &Arc<Controller>, client: &Client, options: &RunOptions) {
    let scopes = options.namespaces.scopes();
    let config =
        watcher::Config { field_selector: options.namespaces.field_selector(), ..watcher::Config::default() };
    for scope in &scopes {
        watch::spawn(tasks, controller, client, &config, scope.as_deref());
    }
    let custom_kinds = custom::run(Arc::clone(controller), client.clone(), config, scopes.clone());
    tasks.spawn("custom kinds", custom_kinds);
    namespaces::spawn(tasks, controller, client);
    for scope in scopes {
        let name = scope
            .as_ref()
            .map_or_else(|| "our reports".to_owned(), |namespace| format!("our reports in {namespace}"));
        let ready = controller.readiness.expect(name);
        let events = ScopedReportEvents { controller: Arc::clone(controller), scope: scope.clone(), ready };
        tasks.spawn("reports", follow(client.clone(), scope, Arc::new(events), controller.metrics.clone()));
    }
}

/// Watches the policy and the day on which its exemptions depend, and writes its status.
fn spawn_policy(tasks: &mut Tasks, controller: &Arc<Controller>, client: &Client, name: &str) {
    let ready = controller.readiness.expect(format!("the TagPolicy {name}"));
    let controller = || Arc::clone(controller);
    tasks.spawn("policy", policy::follow(client.clone(), name.to_owned(), controller(), ready));
    tasks.spawn("day", day::follow(controller()));
    tasks.spawn("policy status", policy::keep_status(client.clone(), controller()));
}

fn spawn_registries(tasks: &mut Tasks, controller: &Controller, options: &RunOptions) {
    let networks: Arc<[_]> = options.registry_networks.as_slice().into();
    let task = RegistryTask {
        index: Arc::clone(&controller.index),
        queue: Arc::clone(&controller.queue),
        engine: Arc::clone(&controller.engine),
        clock: controller.clock.clone(),
        metrics: controller.metrics.drift.clone(),
        readiness: controller.readiness.clone(),
    };
    for registry in &options.registries {
        let (networks, user_agent) = (Arc::clone(&networks), options.user_agent.clone());
        tasks.spawn("registry", task.clone().run(registry.clone(), networks, user_agent));
    }
}

async fn measure(queue: Arc<Queue>) {
    let mut every = interval(MEASURE_INTERVAL);
    loop {
        every.tick().await;
        queue.measure();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::options::WatchedNamespaces;

    /// A controller with empty state; none of its tasks runs.
    pub(crate) fn controller(client: Client) -> Arc<Controller> {
        let options = RunOptions {
            namespaces: WatchedNamespaces::AllExcept(Vec::new()),
            metrics_address: ([127, 0, 0, 1], 0).into(),
            metrics_access: EndpointAccess::Anonymous,
            console: None,
            cluster_name: None,
            workload_series_cap: 10,
            address_file: None,
            own_namespace: None,
            registries: Vec::new(),
            registry_networks: Vec::new(),
            events: false,
            policy: "default".to_owned(),
            user_agent: "tagwatch".to_owned(),
        };
        let parts = Parts::new(client, ServerClock::default(), &options, &mut Metrics::default());
        parts.unwrap().controller
    }
}
