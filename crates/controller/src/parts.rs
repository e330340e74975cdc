//! The state that the rooms share, and what each room takes of it.

use std::sync::Arc;

use kube::Client;
use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::reference::Reference;
use tagwatch_index::Index;
use tokio::sync::mpsc;

use crate::error::RunError;
use crate::judge::Assembler;
use crate::observe::{Observer, PolicyObserver, ProvenTags, RegistryTask, ReportObserver, ScopeRights};
use crate::options::RunOptions;
use crate::publish::{
    ClusterWriter, EventPublisher, PendingEvent, PolicyStatusWriter, ReportWriter, ResultPublisher,
};
use crate::reconcile::{GoneWorkloads, Reconciler, WorkPool};
use crate::serve::console::{ConsoleSource, ConsoleState};
use crate::state::metrics::{ControllerMetrics, Metrics};
use crate::state::{
    ActivePolicy, CustomWatches, DepartureLog, EngineHandle, Leadership, Queue, Readiness, ReportIndex,
    StatusTracker, Stores, UnwrittenReports, WatchCollector, WatchRegistry, WatchedNamespaces,
    WorkloadStates,
};

/// The shared state, from which each task gets what it needs.
pub(crate) struct SharedParts {
    pub(crate) client: Client,
    pub(crate) observer: Observer,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    departures: Arc<Mutex<DepartureLog>>,
    /// The references that were proven to have moved when that was looked at last.
    proven: Arc<Mutex<Vec<Reference>>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    unwritten: Arc<Mutex<UnwrittenReports>>,
    pub(crate) policy: Arc<Mutex<ActivePolicy>>,
    pub(crate) custom: Arc<CustomWatches>,
    pub(crate) writer: Arc<ClusterWriter>,
    pub(crate) readiness: Readiness,
    pub(crate) leadership: Leadership,
    /// This installation, as its reports name it.
    pub(crate) instance: Arc<str>,
}

impl SharedParts {
    /// Registers its metrics; nothing is known of the cluster yet.
    pub(crate) fn new(
        client: Client,
        clock: ServerClock,
        instance: &str,
        metrics: &mut Metrics,
    ) -> Result<Self, RunError> {
        let leadership = metrics.leadership().clone();
        let tracker = Arc::new(StatusTracker::default());
        let watches = WatchRegistry::new(Arc::clone(&tracker));
        metrics.add(WatchCollector::new(watches.clone())?)?;
        let metrics = ControllerMetrics::register(metrics)?;
        let readiness = Readiness::default();
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let index = Arc::new(Mutex::new(Index::default()));
        let queue = Queue::new(Arc::clone(&index), Arc::clone(&states), metrics.clone());
        let custom = CustomWatches::new(
            readiness.expect("custom kinds"),
            metrics.custom_kinds.clone(),
            Arc::clone(&tracker),
        );
        let today = clock.today();
        let parts = Self {
            client,
            engine: Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), today)),
            states,
            departures: Arc::default(),
            proven: Arc::default(),
            reports: Arc::default(),
            unwritten: Arc::default(),
            policy: Arc::new(Mutex::new(ActivePolicy::recommended(instance))),
            custom: Arc::new(custom),
            writer: Arc::new(ClusterWriter::new(leadership.clone(), metrics.clone())),
            leadership,
            readiness,
            instance: instance.into(),
            observer: Observer {
                index,
                stores: Arc::new(Stores::default()),
                queue: Arc::new(queue),
                status: tracker,
                clock,
                metrics,
                watches,
            },
        };
        Ok(parts)
    }

    /// The reconcile loop, with the queue of events where they are on.
    pub(crate) fn reconciler(
        &self,
        options: &RunOptions,
    ) -> (Reconciler, Option<mpsc::Receiver<PendingEvent>>) {
        let Observer { index, stores, queue, status, clock, metrics, watches } = self.observer.clone();
        let (events, pending) = options.events.then(|| EventPublisher::new(metrics.clone())).unzip();
        let states = &self.states;
        let reconciler = Reconciler {
            assembler: Assembler {
                index,
                stores,
                engine: Arc::clone(&self.engine),
                states: Arc::clone(states),
                reports: Arc::clone(&self.reports),
                leadership: self.leadership.clone(),
                instance: Arc::clone(&self.instance),
            },
            writer: ReportWriter {
                client: self.client.clone(),
                writer: Arc::clone(&self.writer),
                reports: Arc::clone(&self.reports),
                states: Arc::clone(states),
                queue: Arc::clone(&queue),
                retries: Mutex::default(),
                removals: Mutex::default(),
                instance: Arc::clone(&self.instance),
                watches: watches.clone(),
            },
            publisher: ResultPublisher {
                states: Arc::clone(states),
                leadership: self.leadership.clone(),
                events,
                departures: options.console.is_some().then(|| Arc::clone(&self.departures)),
            },
            unwritten: Arc::clone(&self.unwritten),
            queue,
            status,
            readiness: self.readiness.clone(),
            clock,
            metrics,
            leadership: self.leadership.clone(),
            watches,
            gone: GoneWorkloads::default(),
            pool: WorkPool::default(),
        };
        (reconciler, pending)
    }

    /// What follows the reports of one namespace, or of all. Readiness waits for it.
    pub(crate) fn report_observer(&self, rights: ScopeRights) -> ReportObserver {
        let name = rights
            .namespace()
            .map_or_else(|| "our reports".to_owned(), |namespace| format!("our reports in {namespace}"));
        ReportObserver {
            client: self.client.clone(),
            rights,
            reports: Arc::clone(&self.reports),
            queue: Arc::clone(&self.observer.queue),
            status: Arc::clone(&self.observer.status),
            ready: self.readiness.expect(name),
            metrics: self.observer.metrics.clone(),
            watches: self.observer.watches.clone(),
            instance: Arc::clone(&self.instance),
        }
    }

    pub(crate) fn policy_observer(&self) -> PolicyObserver {
        PolicyObserver {
            policy: Arc::clone(&self.policy),
            engine: Arc::clone(&self.engine),
            custom: Arc::clone(&self.custom),
            status: Arc::clone(&self.observer.status),
            metrics: self.observer.metrics.clone(),
            watches: self.observer.watches.clone(),
        }
    }

    pub(crate) fn policy_status(&self, options: &RunOptions) -> PolicyStatusWriter {
        PolicyStatusWriter {
            instance: Arc::clone(&self.instance),
            writer: Arc::clone(&self.writer),
            status: Arc::clone(&self.observer.status),
            policy: Arc::clone(&self.policy),
            engine: Arc::clone(&self.engine),
            states: Arc::clone(&self.states),
            index: Arc::clone(&self.observer.index),
            reports: Arc::clone(&self.reports),
            unwritten: Arc::clone(&self.unwritten),
            custom: Arc::clone(&self.custom),
            watched: options.namespaces.clone(),
            clock: self.observer.clock.clone(),
            metrics: self.observer.metrics.clone(),
            watches: self.observer.watches.clone(),
        }
    }

    pub(crate) fn proven_tags(&self) -> ProvenTags {
        ProvenTags {
            index: Arc::clone(&self.observer.index),
            proven: Arc::clone(&self.proven),
            queue: Arc::clone(&self.observer.queue),
            clock: self.observer.clock.clone(),
            metrics: self.observer.metrics.drift.clone(),
        }
    }

    pub(crate) fn registry_task(&self) -> RegistryTask {
        RegistryTask {
            index: Arc::clone(&self.observer.index),
            queue: Arc::clone(&self.observer.queue),
            engine: Arc::clone(&self.engine),
            clock: self.observer.clock.clone(),
            metrics: self.observer.metrics.drift.clone(),
            readiness: self.readiness.clone(),
        }
    }

    pub(crate) fn console_source(&self, options: &RunOptions) -> ConsoleSource {
        let (namespaces, cluster) = (options.namespaces.clone(), options.cluster_name.clone());
        ConsoleSource::new(self.console_state(namespaces, cluster))
    }

    /// What the console reads, for the namespaces that are watched and the name of the cluster.
    pub(crate) fn console_state(&self, watched: WatchedNamespaces, cluster: Option<String>) -> ConsoleState {
        ConsoleState {
            states: Arc::clone(&self.states),
            departures: Arc::clone(&self.departures),
            engine: Arc::clone(&self.engine),
            policy: Arc::clone(&self.policy),
            status: Arc::clone(&self.observer.status),
            reports: Arc::clone(&self.reports),
            unwritten: Arc::clone(&self.unwritten),
            last_full_evaluation: self.observer.metrics.last_full_evaluation.clone(),
            readiness: self.readiness.clone(),
            clock: self.observer.clock.clone(),
            index: Arc::clone(&self.observer.index),
            custom: Arc::clone(&self.custom),
            watches: self.observer.watches.clone(),
            watched,
            leadership: self.leadership.clone(),
            report_api_available: self.observer.metrics.report_api_available.clone(),
            cluster,
        }
    }
}
