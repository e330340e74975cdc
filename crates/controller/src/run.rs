//! Puts the rooms together and runs their tasks.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube_runtime::watcher;
use parking_lot::Mutex;
use tagwatch_client::{RequestCounter, ServerClock, connect};
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_index::Index;
use tokio::sync::mpsc;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::error::RunError;
use crate::judge::Judge;
use crate::observe::{
    Observer, PolicyObserver, ProvenTags, RegistryTask, ReportObserver, built_in, custom, day, namespaces,
    nodes,
};
use crate::options::RunOptions;
use crate::publish::{
    ClusterWriter, EventPublisher, PendingEvent, PolicyStatusWriter, ReportApi, ReportWriter,
    ResultPublisher, events, proofs,
};
use crate::reconcile::{GoneWorkloads, Reconciler};
use crate::serve::access::AccessGate;
use crate::serve::admin::AdminEndpoint;
use crate::serve::console::{self, ConsoleSource, ConsoleState};
use crate::serve::metrics::MetricsPage;
use crate::serve::{EndpointAccess, EndpointKind, ServerListener};
use crate::state::metrics::{ControllerMetrics, Metrics};
use crate::state::{
    ActivePolicy, CustomWatches, EngineHandle, Queue, Readiness, ReportIndex, Requests, StatusTracker,
    Stores, WorkloadStates,
};
use crate::tasks::Tasks;

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
    let (parts, requests) = Parts::new(client, clock, &mut metrics)?;
    let (reconciler, pending_events) = parts.reconciler(&options);
    let mut tasks = Tasks::default();
    parts.spawn_servers(&mut tasks, listeners, metrics, &options, &stop)?;
    parts.spawn_watches(&mut tasks, &options);
    parts.spawn_policy(&mut tasks, &options);
    let proven = parts.spawn_drift(&mut tasks, &options);
    if let Some(pending) = pending_events {
        let publishing = events::publish(parts.client.clone(), pending, Arc::clone(&parts.writer));
        tasks.spawn("events", publishing);
    }
    tasks.spawn("measurements", measure(Arc::clone(&parts.observer.queue)));
    parts.readiness.complete();
    let readiness = parts.readiness.clone();
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

/// The shared state, from which each task gets what it needs.
pub(crate) struct Parts {
    client: Client,
    pub(crate) observer: Observer,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    policy: Arc<Mutex<ActivePolicy>>,
    custom: Arc<CustomWatches>,
    pub(crate) writer: Arc<ClusterWriter>,
    readiness: Readiness,
}

impl Parts {
    /// Empty state, and the other end of its queue.
    pub(crate) fn new(
        client: Client,
        clock: ServerClock,
        metrics: &mut Metrics,
    ) -> Result<(Self, Requests), RunError> {
        let metrics = ControllerMetrics::register(metrics)?;
        let readiness = Readiness::default();
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let index = Arc::new(Mutex::new(Index::default()));
        let (queue, requests) = Queue::new(Arc::clone(&index), Arc::clone(&states), metrics.clone());
        let status = Arc::new(StatusTracker::default());
        let custom = CustomWatches::new(
            readiness.expect("custom kinds"),
            metrics.custom_kinds.clone(),
            Arc::clone(&status),
        );
        let today = day::day_of(clock.now());
        let parts = Self {
            client,
            engine: Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), today)),
            states,
            reports: Arc::default(),
            policy: Arc::new(Mutex::new(ActivePolicy::recommended())),
            custom: Arc::new(custom),
            writer: Arc::new(ClusterWriter::new(metrics.clone())),
            readiness,
            observer: Observer {
                index,
                stores: Arc::new(Stores::default()),
                queue: Arc::new(queue),
                status,
                clock,
                metrics,
            },
        };
        Ok((parts, requests))
    }

    /// The reconcile loop, with the queue of events where they are on.
    pub(crate) fn reconciler(
        &self,
        options: &RunOptions,
    ) -> (Reconciler, Option<mpsc::Receiver<PendingEvent>>) {
        let Observer { index, stores, queue, status, clock, metrics } = self.observer.clone();
        let (events, pending) = options.events.then(|| EventPublisher::new(metrics.clone())).unzip();
        let states = &self.states;
        let reconciler = Reconciler {
            judge: Judge {
                index,
                stores,
                engine: Arc::clone(&self.engine),
                states: Arc::clone(states),
                reports: Arc::clone(&self.reports),
            },
            writer: ReportWriter {
                api: ReportApi::new(self.client.clone(), Arc::clone(&self.writer)),
                reports: Arc::clone(&self.reports),
                states: Arc::clone(states),
                queue: Arc::clone(&queue),
            },
            publisher: ResultPublisher {
                states: Arc::clone(states),
                events,
                has_console: options.console.is_some(),
            },
            queue,
            status,
            readiness: self.readiness.clone(),
            clock,
            metrics,
            gone: GoneWorkloads::default(),
        };
        (reconciler, pending)
    }

    fn spawn_servers(
        &self,
        tasks: &mut Tasks,
        listeners: Listeners,
        metrics: Metrics,
        options: &RunOptions,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let metrics = MetricsPage::new(metrics, &self.states, &self.engine, options.workload_series_cap)?;
        let Listeners { admin, console } = listeners;
        let is_gated = matches!(options.metrics_access, EndpointAccess::Token { .. });
        let gate = is_gated.then(|| Arc::new(AccessGate::new(self.client.clone())));
        let endpoint = AdminEndpoint { metrics, readiness: self.readiness.clone(), gate };
        tasks.spawn_server("admin endpoint", admin.serve(endpoint.routes(), stop.clone()));
        if let Some((listener, console)) = console.zip(options.console.as_ref()) {
            let source = ConsoleSource::new(ConsoleState {
                states: Arc::clone(&self.states),
                engine: Arc::clone(&self.engine),
                policy: Arc::clone(&self.policy),
                status: Arc::clone(&self.observer.status),
                last_full_evaluation: self.observer.metrics.last_full_evaluation.clone(),
                clock: self.observer.clock.clone(),
                cluster: options.cluster_name.clone(),
            });
            let routes = console::routes(source, &console.access, &self.client);
            tasks.spawn_server("console", listener.serve(routes, stop.clone()));
        }
        Ok(())
    }

    /// Watches workloads, pods, namespaces and our reports.
    fn spawn_watches(&self, tasks: &mut Tasks, options: &RunOptions) {
        let (client, observer) = (&self.client, &self.observer);
        let scopes = options.namespaces.scopes();
        let field_selector = options.namespaces.field_selector();
        let config = watcher::Config { field_selector, ..watcher::Config::default() };
        for scope in &scopes {
            for (name, watch) in
                built_in::watches(observer, &self.readiness, client, &config, scope.as_deref())
            {
                tasks.spawn(name, watch);
            }
        }
        let custom =
            custom::run(observer.clone(), Arc::clone(&self.custom), client.clone(), config, scopes.clone());
        tasks.spawn("custom kinds", custom);
        let ready = self.readiness.expect(namespaces::NAMESPACES);
        tasks.spawn(namespaces::NAMESPACES, namespaces::follow(client.clone(), observer.clone(), ready));
        for scope in scopes {
            let name = scope
                .as_ref()
                .map_or_else(|| "our reports".to_owned(), |namespace| format!("our reports in {namespace}"));
            let reports = ReportObserver {
                client: client.clone(),
                scope,
                reports: Arc::clone(&self.reports),
                queue: Arc::clone(&observer.queue),
                status: Arc::clone(&observer.status),
                ready: self.readiness.expect(name),
                metrics: observer.metrics.clone(),
            };
            tasks.spawn("reports", reports.follow());
        }
    }

    /// Watches the policy and the day on which its exemptions depend, and writes its status.
    fn spawn_policy(&self, tasks: &mut Tasks, options: &RunOptions) {
        let Observer { index, queue, status, clock, metrics, .. } = self.observer.clone();
        let policy = PolicyObserver {
            policy: Arc::clone(&self.policy),
            engine: Arc::clone(&self.engine),
            custom: Arc::clone(&self.custom),
            queue: Arc::clone(&queue),
            status: Arc::clone(&status),
            metrics: metrics.clone(),
        };
        let ready = self.readiness.expect(format!("the TagPolicy {}", options.policy));
        tasks.spawn("policy", policy.follow(self.client.clone(), options.policy.clone(), ready));
        let day = day::follow(clock.clone(), Arc::clone(&self.engine), queue, Arc::clone(&status));
        tasks.spawn("day", day);
        let writer = PolicyStatusWriter {
            writer: Arc::clone(&self.writer),
            tracker: status,
            policy: Arc::clone(&self.policy),
            engine: Arc::clone(&self.engine),
            states: Arc::clone(&self.states),
            index,
            reports: Arc::clone(&self.reports),
            custom: Arc::clone(&self.custom),
            clock,
            metrics,
        };
        tasks.spawn("policy status", writer.run(self.client.clone(), self.readiness.clone()));
    }

    /// Watches nodes, keeps proofs that tags moved, and asks registries.
    fn spawn_drift(&self, tasks: &mut Tasks, options: &RunOptions) -> ProvenTags {
        let Observer { index, queue, clock, metrics, .. } = self.observer.clone();
        let ready = self.readiness.expect(nodes::NODES);
        let engine = Arc::clone(&self.engine);
        tasks.spawn(nodes::NODES, nodes::follow(self.client.clone(), self.observer.clone(), engine, ready));
        let task = RegistryTask {
            index: Arc::clone(&index),
            queue: Arc::clone(&queue),
            engine: Arc::clone(&self.engine),
            clock: clock.clone(),
            metrics: metrics.drift.clone(),
            readiness: self.readiness.clone(),
        };
        let networks: Arc<[_]> = options.registry_networks.as_slice().into();
        for registry in &options.registries {
            let (networks, user_agent) = (Arc::clone(&networks), options.user_agent.clone());
            tasks.spawn("registry", task.clone().run(registry.clone(), networks, user_agent));
        }
        let engine = Arc::clone(&self.engine);
        let proven = ProvenTags { index, engine, queue, clock, metrics: metrics.drift };
        let ready = self.readiness.expect("proofs that tags moved");
        let keeping = proofs::keep(
            self.client.clone(),
            options.own_namespace.clone(),
            proven.clone(),
            Arc::clone(&self.writer),
            ready,
        );
        tasks.spawn("proofs", keeping);
        tasks.spawn("drift", proven.clone().follow(self.readiness.clone()));
        proven
    }
}

async fn measure(queue: Arc<Queue>) {
    let mut every = interval(MEASURE_INTERVAL);
    loop {
        every.tick().await;
        queue.measure();
    }
}
