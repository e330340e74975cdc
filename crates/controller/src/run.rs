//! Puts the controller together and runs it until it is told to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use kube::Client;
use kube_runtime::watcher;
use parking_lot::Mutex;
use tagwatch_core::kinds::CustomKinds;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_k8s::kind::WatchedKind;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::access::Gate;
use crate::api::{RequestCounter, ServerClock, connect};
use crate::console;
use crate::controller::{Controller, ScopedReportEvents, reports_in};
use crate::custom::{self, CUSTOM_KINDS, CustomWatches};
use crate::day::{self, day_of};
use crate::drift;
use crate::engine::EngineHandle;
use crate::error::RunError;
use crate::events::{self, EventPublisher, PendingEvent};
use crate::health::Health;
use crate::http::{self, Admin};
use crate::index::Index;
use crate::metrics::{
    ControllerMetrics, FindingsCollector, Metrics, MixedCollector, PolicyCollector, WorkloadSeries,
};
use crate::options::{Access, RunOptions};
use crate::policy::{self, ActivePolicy, policy_name};
use crate::queue::{Queue, Requests};
use crate::reconcile;
use crate::registry;
use crate::report::{ReportApi, ReportIndex, follow};
use crate::serve::{self, Entrance, bound};
use crate::stores::Stores;
use crate::tls::Of;
use crate::watch::namespaces::{self, NAMESPACES};
use crate::watch::{Feed, feeds, watch_name};
use crate::workload_states::WorkloadStates;
use crate::writer::ClusterWriter;

/// How long open connections have to end after the signal to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// How often the gauges of the queue are brought up to date.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the controller until `stop` is cancelled, or a part of it fails.
///
/// # Errors
/// When it cannot start, or when a task ends that should not: the process ends then, and whoever runs it starts
/// it anew.
pub async fn run(options: RunOptions, stop: CancellationToken) -> Result<(), RunError> {
    let (requests, clock) = (RequestCounter::new()?, ServerClock::default());
    let client = connect(None, &options.user_agent, requests.clone(), clock.clone()).await?;
    let listener = serve::listen(options.metrics_address, options.address_file.as_deref()).await?;
    tracing::info!(address = %bound(&listener), "serving /metrics, /livez and /readyz");
    let mut metrics = Metrics::default();
    metrics.add(requests.collector())?;
    let parts = Parts::new(client.clone(), clock, &options, &mut metrics)?;
    let is_gated = matches!(options.metrics_access, Access::Token { .. });
    let gate = is_gated.then(|| Arc::new(Gate::new(client.clone())));
    let entrance = Entrance::new(listener, options.metrics_access.clone(), Of::Metrics)?;
    let admin = Admin { metrics, health: Arc::clone(&parts.controller.health), gate };

    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let admin_stop = stop.clone();
    tasks.spawn(async move {
        if let Err(error) = http::serve(entrance, admin, admin_stop).await {
            tracing::error!(%error, "the admin endpoint failed");
        }
        "admin endpoint"
    });
    if let Some(console) = &options.console {
        let served = console::serve(console, &options, &parts.controller, &client, stop.clone()).await?;
        tasks.spawn(served);
    }
    parts.spawn(&mut tasks, &client, &options);

    tokio::select! {
        // In this order: the admin endpoint ends by the same token, and would look like a task that failed.
        biased;
        () = stop.cancelled() => {
            tracing::info!("stopping");
            shut_down(tasks).await;
            Ok(())
        }
        ended = tasks.join_next() => match ended {
            Some(Ok(task)) => Err(RunError::TaskEnded(task)),
            Some(Err(error)) => Err(error.into()),
            None => Err(RunError::TaskEnded("all")),
        },
    }
}

/// Gives the admin endpoint a moment to end its answers; everything else has nothing to finish.
async fn shut_down(mut tasks: JoinSet<&'static str>) {
    let ended = timeout(SHUTDOWN_LIMIT, async {
        while let Some(task) = tasks.join_next().await {
            if matches!(task, Ok("admin endpoint")) {
                break;
            }
        }
    });
    if ended.await.is_err() {
        tracing::warn!("connections were still open at the end");
    }
    tasks.shutdown().await;
}

/// The controller with the ends that only its tasks hold.
struct Parts {
    controller: Arc<Controller>,
    requests: Requests,
    watches: Vec<Box<dyn Feed>>,
    events: Option<mpsc::Receiver<PendingEvent>>,
}

impl Parts {
    fn new(
        client: Client,
        clock: ServerClock,
        options: &RunOptions,
        metrics: &mut Metrics,
    ) -> Result<Self, RunError> {
        let namespaces = &options.namespaces;
        let controller_metrics = ControllerMetrics::register(metrics)?;
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let engine = EngineHandle::new(Policy::of(Profile::Recommended), day_of(clock.now()));
        let engine = Arc::new(engine);
        metrics.add(FindingsCollector::new(Arc::clone(&states), Arc::clone(&engine))?)?;
        let workloads =
            WorkloadSeries::new(Arc::clone(&states), Arc::clone(&engine), options.workload_series_cap);
        metrics.add_workloads(workloads);
        metrics.add(PolicyCollector::new(Arc::clone(&states), Arc::clone(&engine))?)?;
        metrics.add(MixedCollector::new(Arc::clone(&states))?)?;
        let (queue, requests) = Queue::new(controller_metrics.clone());
        let mut stores = Stores::default();
        let mut watches = Vec::new();
        for scope in namespaces.scopes() {
            watches.extend(feeds(scope.as_deref(), &mut stores));
        }
        let health = Arc::new(Health::new(watch_names(options)));
        let gauge = controller_metrics.custom_kinds.clone();
        let (events, pending) =
            options.events.then(|| EventPublisher::new(controller_metrics.clone())).unzip();
        let writer = Arc::new(ClusterWriter::new(controller_metrics.clone()));
        let custom = CustomWatches::new(CustomKinds::default(), Arc::clone(&health), gauge);
        let controller = Arc::new(Controller {
            engine,
            clock,
            custom,
            index: Mutex::new(Index::default()),
            stores,
            states,
            reports: Mutex::new(ReportIndex::default()),
            report_api: ReportApi::new(client, Arc::clone(&writer)),
            writer,
            queue,
            health,
            metrics: controller_metrics,
            has_console: options.console.is_some(),
            events,
            gone: Mutex::new(HashMap::new()),
            policy: Mutex::new(ActivePolicy::recommended()),
            policy_version: AtomicU64::new(0),
            policy_changed: Notify::new(),
            namespaces_readable: AtomicBool::new(true),
        });
        Ok(Self { controller, requests, watches, events: pending })
    }

    fn spawn(self, tasks: &mut JoinSet<&'static str>, client: &Client, options: &RunOptions) {
        let namespaces = &options.namespaces;
        let Self { controller, requests, watches, events } = self;
        let config =
            watcher::Config { field_selector: namespaces.field_selector(), ..watcher::Config::default() };
        for feed in watches {
            feed.spawn(tasks, &controller, client, config.clone());
        }
        let custom_kinds = custom::run(Arc::clone(&controller), client.clone(), config, namespaces.scopes());
        tasks.spawn(custom_kinds);
        for scope in namespaces.scopes() {
            let events = ScopedReportEvents { controller: Arc::clone(&controller), scope: scope.clone() };
            let following = follow(client.clone(), scope, Arc::new(events), controller.metrics.clone());
            tasks.spawn(async move {
                following.await;
                "reports"
            });
        }
        namespaces::spawn(tasks, &controller, client);
        spawn_policy(tasks, &controller, client, options.policy.clone());
        if let Some(pending) = events {
            let publishing = events::publish(client.clone(), pending, Arc::clone(&controller.writer));
            tasks.spawn(async move {
                publishing.await;
                "events"
            });
        }
        registry::spawn(tasks, &controller, options);
        drift::spawn(tasks, &controller, client, options.own_namespace.clone());
        tasks.spawn(measure(Arc::clone(&controller)));
        tasks.spawn(async move {
            controller.health.synced().await;
            tracing::info!("the initial state of the cluster is known");
            drift::settle(&controller);
            reconcile::run(controller, requests).await;
            "reconcile"
        });
    }
}

/// Who follows the policy, the day on which its exemptions depend, and what its status says.
fn spawn_policy(
    tasks: &mut JoinSet<&'static str>,
    controller: &Arc<Controller>,
    client: &Client,
    name: String,
) {
    let following = policy::follow(client.clone(), name, Arc::clone(controller));
    tasks.spawn(async move {
        following.await;
        "policy"
    });
    let days = day::follow(Arc::clone(controller));
    tasks.spawn(async move {
        days.await;
        "day"
    });
    let keeping = policy::keep_status(client.clone(), Arc::clone(controller));
    tasks.spawn(async move {
        keeping.await;
        "policy status"
    });
}

async fn measure(controller: Arc<Controller>) -> &'static str {
    let mut every = interval(MEASURE_INTERVAL);
    loop {
        every.tick().await;
        controller.queue.measure();
    }
}

/// Everything that must have been listed before the first evaluation.
fn watch_names(options: &RunOptions) -> Vec<String> {
    let scopes = options.namespaces.scopes();
    let watches = scopes
        .iter()
        .flat_map(|scope| WatchedKind::ALL.into_iter().map(|kind| watch_name(kind, scope.as_deref())));
    let reports = scopes.iter().map(|scope| reports_in(scope.as_deref()));
    let policy = [NAMESPACES.to_owned(), policy_name(&options.policy), CUSTOM_KINDS.to_owned()];
    watches.chain(reports).chain(policy).chain(drift::wait_names()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::options::Namespaces;

    /// A controller as it is before anything is known; none of its tasks runs.
    pub(crate) fn controller(client: Client) -> Arc<Controller> {
        let options = RunOptions {
            namespaces: Namespaces::AllBut(Vec::new()),
            metrics_address: ([127, 0, 0, 1], 0).into(),
            metrics_access: Access::Everybody,
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
