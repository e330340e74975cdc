//! Starts the tasks of all rooms.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::Resource as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube_runtime::watcher;
use tagwatch_client::{ClusterChoice, Connection, OnThrottling, RequestCounter, ServerClock, connect};
use tokio::runtime::Handle;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::error::RunError;
use crate::lease::Elector;
use crate::observe::{ScopeRights, built_in, custom, day, namespaces, nodes};
use crate::options::RunOptions;
use crate::parts::SharedParts;
use crate::publish::{ProofKeeper, events};
use crate::serve::access::AccessGate;
use crate::serve::admin::AdminEndpoint;
use crate::serve::console;
use crate::serve::metrics::MetricsPage;
use crate::serve::{EndpointAccess, EndpointKind, InProcessEndpoints, ListenError, ServerListener};
use crate::state::metrics::Metrics;
use crate::state::{Heartbeat, Leadership, Queue, ReadyToken, WatchRegistry};
use crate::tasks::Tasks;

const ADMIN_ENDPOINT: &str = "admin endpoint";
const HEALTH_ENDPOINT: &str = "health endpoint";
const CONSOLE: &str = "console";
/// How often the gauges of the queue are updated, and the states of the watches looked at.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// Where the endpoints are served. Each runtime is to have a thread of its own: what is computed on one delays no other.
#[derive(Debug, Clone)]
pub struct Runtimes {
    /// Of the health endpoint, and of nothing that clients of another endpoint can keep busy: the kubelet restarts what
    /// does not answer.
    pub health: Handle,
    /// Of the admin endpoint: the metrics, and the probes for everyone.
    pub admin: Handle,
    /// Of the console: how large a page is, its reader decides.
    pub console: Handle,
    /// Gets the endpoints, too.
    pub in_process: InProcessEndpoints,
}

/// Runs the controller until `stop` is cancelled, or a part of it fails.
///
/// # Errors
/// When it cannot start, or when a task ends that should run forever: Kubernetes restarts the process then.
pub async fn run(options: RunOptions, stop: CancellationToken, runtimes: Runtimes) -> Result<(), RunError> {
    let clients = Clients::connect(&options).await?;
    run_with(options, clients, stop, runtimes).await
}

/// The same with clients that exist already, such as those of an API server inside this process.
///
/// # Errors
/// As those of [`run`].
pub async fn run_with(
    options: RunOptions,
    clients: Clients,
    stop: CancellationToken,
    runtimes: Runtimes,
) -> Result<(), RunError> {
    let listeners = Listeners::bind(&options, &runtimes).await?;
    let leadership = if options.lease.is_some() { Leadership::standby() } else { Leadership::default() };
    let mut metrics = Metrics::new(leadership);
    metrics.add(clients.requests.collector())?;
    let (client, clock) = (clients.cluster.clone(), clients.clock.clone());
    let parts = SharedParts::new(client, clock, &options.instance, &mut metrics)?;
    let (reconciler, pending_events) = parts.reconciler(&options);
    let mut tasks = Tasks::default();
    let heartbeat = Heartbeat::default();
    let last_writes = CancellationToken::new();
    if let Some((client, lease)) = clients.lease.clone().zip(options.lease.clone()) {
        let elector = Elector::new(client, lease, parts.leadership.clone(), Arc::clone(&parts.writer));
        let running = elector.run(parts.observer.clone(), stop.clone(), last_writes.clone());
        tasks.spawn_until_stop("lease", running, &Handle::current());
    }
    let servers = Servers { clients, listeners, metrics, heartbeat: heartbeat.clone(), runtimes };
    servers.spawn(&mut tasks, &parts, &options, &stop)?;
    let proofs = parts.readiness.expect("proofs that tags moved");
    spawn_watches(&mut tasks, &parts, &options, &proofs);
    spawn_policy(&mut tasks, &parts, &options);
    spawn_drift(&mut tasks, &parts, &options);
    spawn_proofs(&mut tasks, &parts, &options, proofs, (&stop, last_writes));
    if let Some(pending) = pending_events {
        let publishing = events::publish(parts.client.clone(), pending, Arc::clone(&parts.writer));
        tasks.spawn("events", publishing);
    }
    let measuring = measure(Arc::clone(&parts.observer.queue), parts.observer.watches.clone(), heartbeat);
    tasks.spawn("measurements", measuring);
    parts.readiness.complete();
    let (readiness, proven) = (parts.readiness.clone(), parts.proven_tags());
    tasks.spawn("reconcile", async move {
        readiness.synced().await;
        tracing::info!("the initial state of the cluster is known");
        proven.refresh();
        Arc::new(reconciler).run().await;
    });
    tasks.run_until(&stop).await
}

/// Clients of the API server. Access reviews have connections of their own, so that neither they nor the controller's
/// requests wait for each other.
#[derive(Clone)]
pub struct Clients {
    /// For everything else.
    pub cluster: Client,
    /// A renewal waits behind nothing else. `None` for a single replica.
    pub lease: Option<Client>,
    /// For the readers of `/metrics`.
    pub metrics_reviews: Client,
    /// For the readers of the console.
    pub console_reviews: Client,
    /// Counts the requests of all of them.
    pub requests: RequestCounter,
    /// The clock of the API server.
    pub clock: ServerClock,
}

impl Clients {
    /// Clients of the cluster that the environment names. Sends nothing yet.
    ///
    /// # Errors
    /// When there is no such cluster, or its configuration is of no use.
    pub async fn connect(options: &RunOptions) -> Result<Self, RunError> {
        let (requests, clock) = (RequestCounter::new()?, ServerClock::default());
        let choice = ClusterChoice::default();
        let connection = || {
            let (requests, clock) = (requests.clone(), clock.clone());
            connect(&choice, &options.user_agent, requests, clock, OnThrottling::Fail)
        };
        let Connection { client: cluster, server } = connection().await?;
        tracing::info!(%server, "the cluster to watch");
        Ok(Self {
            cluster,
            lease: match options.lease {
                Some(_) => Some(connection().await?.client),
                None => None,
            },
            metrics_reviews: connection().await?.client,
            console_reviews: connection().await?.client,
            requests,
            clock,
        })
    }
}

/// The addresses that the controller serves.
struct Listeners {
    admin: ServerListener,
    health: Option<ServerListener>,
    console: Option<ServerListener>,
}

impl Listeners {
    async fn bind(options: &RunOptions, runtimes: &Runtimes) -> Result<Self, RunError> {
        let RunOptions { metrics_address: address, address_file, metrics_access, .. } = options.clone();
        let admin = bind_on(&runtimes.admin, ADMIN_ENDPOINT, async move {
            let file = address_file.as_deref();
            ServerListener::bind(address, file, metrics_access, EndpointKind::Metrics).await
        });
        let admin = admin.await?;
        tracing::info!(address = %admin.address(), "serving /metrics, /livez and /readyz");
        let health = match options.health_address {
            Some(address) => {
                let file = options.health_address_file.clone();
                let health = bind_on(&runtimes.health, HEALTH_ENDPOINT, async move {
                    let access = EndpointAccess::Anonymous;
                    ServerListener::bind(address, file.as_deref(), access, EndpointKind::Health).await
                });
                let listener = health.await?;
                tracing::info!(address = %listener.address(), "serving /livez and /readyz for probes");
                Some(listener)
            }
            None => None,
        };
        let console = match &options.console {
            Some(console) => {
                let (address, access) = (console.address, console.access.clone());
                let file = console.address_file.clone();
                let listener = bind_on(&runtimes.console, CONSOLE, async move {
                    ServerListener::bind(address, file.as_deref(), access, EndpointKind::Console).await
                });
                let listener = listener.await?;
                tracing::info!(address = %listener.address(), "serving the console");
                Some(listener)
            }
            None => None,
        };
        Ok(Self { admin, health, console })
    }
}

/// A socket belongs to the runtime on which it is bound.
async fn bind_on(
    runtime: &Handle,
    task: &'static str,
    binding: impl Future<Output = Result<ServerListener, ListenError>> + Send + 'static,
) -> Result<ServerListener, RunError> {
    let bound = runtime.spawn(binding).await;
    Ok(bound.map_err(|source| RunError::TaskPanicked { task, source })??)
}

/// What is served, and where.
struct Servers {
    clients: Clients,
    listeners: Listeners,
    metrics: Metrics,
    heartbeat: Heartbeat,
    runtimes: Runtimes,
}

impl Servers {
    fn spawn(
        self,
        tasks: &mut Tasks,
        parts: &SharedParts,
        options: &RunOptions,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let Self { clients, listeners, metrics, heartbeat, runtimes } = self;
        let Runtimes { health: health_runtime, admin: admin_runtime, console: pages, in_process } = runtimes;
        let metrics = MetricsPage::new(metrics, &parts.states, &parts.engine, options.workload_series_cap)?;
        let Clients { metrics_reviews, console_reviews, clock, .. } = clients;
        let Listeners { admin, health, console } = listeners;
        let audience = || options.token_audience.clone();
        let is_gated = matches!(options.metrics_access, EndpointAccess::Token { .. });
        let endpoint = AdminEndpoint {
            metrics,
            readiness: parts.readiness.clone(),
            watches: parts.observer.watches.clone(),
            gate: is_gated.then(|| Arc::new(AccessGate::new(metrics_reviews, audience(), clock.clone()))),
            heartbeat,
            worker: Handle::current(),
            encoding: Arc::default(),
        };
        let mut serve = |name, listener: ServerListener, routes, runtime: &Handle| {
            let serving = listener.serve(routes, parts.observer.metrics.connections.clone(), stop.clone());
            tasks.spawn_until_stop(name, serving, runtime);
        };
        if let Some(listener) = health {
            serve(HEALTH_ENDPOINT, listener, endpoint.clone().probes(), &health_runtime);
        }
        let routes = endpoint.routes();
        serve(ADMIN_ENDPOINT, admin, routes.clone(), &admin_runtime);
        let console = console.zip(options.console.as_ref()).map(|(listener, console)| {
            let source = parts.console_source(options);
            let routes = console::routes(source, &console.access, console_reviews, audience(), clock);
            serve(CONSOLE, listener, routes.clone(), &pages);
            routes
        });
        in_process.set(routes, console);
        Ok(())
    }
}

/// Watches workloads, pods, namespaces and our reports. Pods are read behind the proofs: where it is not known from which image
/// a container was started, what is stored decides whether its digest counts.
fn spawn_watches(tasks: &mut Tasks, parts: &SharedParts, options: &RunOptions, proofs: &ReadyToken) {
    let SharedParts { client, observer, readiness, custom, .. } = parts;
    let scopes = options.namespaces.scopes();
    let field_selector = options.namespaces.field_selector();
    let config = watcher::Config { field_selector, ..watcher::Config::default() };
    let is_divided = scopes.len() > 1;
    if is_divided {
        let any = readiness.expect("any of the watched namespaces");
        observer.watches.divide(scopes.iter().flatten().cloned(), any);
    }
    for scope in &scopes {
        let rights = ScopeRights::new(client.clone(), scope.clone(), is_divided);
        for (name, watch) in built_in::watches(observer, readiness, client, &config, &rights) {
            let proofs = (name == Pod::URL_PATH_SEGMENT).then(|| proofs.clone());
            tasks.spawn(name, async move {
                if let Some(proofs) = proofs {
                    proofs.marked().await;
                }
                watch.await;
            });
        }
        tasks.spawn("reports", parts.report_observer(rights).follow());
    }
    let custom = custom::run(observer.clone(), Arc::clone(custom), client.clone(), config, scopes);
    tasks.spawn("custom kinds", custom);
    let ready = readiness.expect(namespaces::NAMESPACES);
    tasks.spawn(namespaces::NAMESPACES, namespaces::follow(client.clone(), observer.clone(), ready));
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
    tasks.spawn("policy status", parts.policy_status(options).run(client.clone(), readiness.clone()));
}

/// Watches nodes, keeps proofs that tags moved, and asks registries.
fn spawn_drift(tasks: &mut Tasks, parts: &SharedParts, options: &RunOptions) {
    let SharedParts { client, observer, readiness, engine, .. } = parts;
    let ready = readiness.expect(nodes::NODES);
    let nodes = nodes::follow(client.clone(), observer.clone(), Arc::clone(engine), ready);
    tasks.spawn(nodes::NODES, nodes);
    let networks: Arc<[_]> = options.registry_networks.as_slice().into();
    for registry in &options.registries {
        let (networks, user_agent) = (Arc::clone(&networks), options.user_agent.clone());
        tasks.spawn("registry", parts.registry_task().run(registry.clone(), networks, user_agent));
    }
    tasks.spawn("drift", parts.proven_tags().follow(readiness.clone()));
}

/// Keeps proofs that tags moved. They are the last that is written: `last_writes` is cancelled behind them.
fn spawn_proofs(
    tasks: &mut Tasks,
    parts: &SharedParts,
    options: &RunOptions,
    ready: ReadyToken,
    (stop, last_writes): (&CancellationToken, CancellationToken),
) {
    let keeper = ProofKeeper {
        client: parts.client.clone(),
        namespace: options.own_namespace.clone(),
        instance: Arc::clone(&parts.instance),
        tags: parts.proven_tags(),
        writer: Arc::clone(&parts.writer),
        leadership: parts.leadership.clone(),
        ready,
        readiness: parts.readiness.clone(),
    };
    let keeping = keeper.run(stop.clone());
    let finished = async move {
        keeping.await;
        last_writes.cancel();
    };
    tasks.spawn_until_stop("proofs", finished, &Handle::current());
}

async fn measure(queue: Arc<Queue>, watches: WatchRegistry, heartbeat: Heartbeat) {
    let mut every = interval(MEASURE_INTERVAL);
    loop {
        every.tick().await;
        queue.measure();
        queue.request_namespaces(&watches.review());
        heartbeat.beat();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;

    use super::*;
    use crate::options::ConsoleOptions;
    use crate::testing::{ReportServer, TestEnv};

    fn thread() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    /// Clients of `/metrics` and of the console may keep their threads busy; the kubelet restarts what does not answer.
    #[test]
    fn the_kubelet_is_answered_while_the_threads_of_other_endpoints_compute() {
        let [health, busy] = [thread(), thread()];
        let local = ([127, 0, 0, 1], 0).into();
        let console =
            ConsoleOptions { address: local, address_file: None, access: EndpointAccess::Anonymous };
        let options =
            RunOptions { health_address: Some(local), console: Some(console), ..TestEnv::options(false) };
        let runtimes = Runtimes {
            health: health.handle().clone(),
            admin: busy.handle().clone(),
            console: busy.handle().clone(),
            in_process: InProcessEndpoints::default(),
        };
        let (begin, has_begun) = oneshot::channel();
        let (_end, ended) = mpsc::channel::<()>();
        let answer = health.block_on(async {
            let listeners = Listeners::bind(&options, &runtimes).await.unwrap();
            let address = listeners.health.as_ref().unwrap().address();
            let client = ReportServer::default().client();
            let clients = Clients {
                cluster: client.clone(),
                lease: None,
                metrics_reviews: client.clone(),
                console_reviews: client.clone(),
                requests: RequestCounter::new().unwrap(),
                clock: ServerClock::default(),
            };
            let (metrics, heartbeat) = (Metrics::default(), Heartbeat::default());
            let servers = Servers { clients, listeners, metrics, heartbeat, runtimes };
            let mut tasks = Tasks::default();
            let parts = TestEnv::new(client).parts;
            servers.spawn(&mut tasks, &parts, &options, &CancellationToken::new()).unwrap();
            busy.spawn(async move {
                begin.send(()).unwrap();
                // The thread waits here until the test is over.
                ended.recv().unwrap_err();
            });
            has_begun.await.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        busy.shutdown_background();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    }
}
