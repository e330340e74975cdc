//! What the console reads: the published states of workloads, put together at most once a second.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use prometheus::IntGauge;
use tagwatch_client::ServerClock;
use tagwatch_console::{Absence, Facts, Health, RuleState, Snapshot, Source};
use tagwatch_index::Index;
use tokio::time::Instant;

use crate::state::metrics::TimeGauge;
use crate::state::{
    ActivePolicy, CustomWatches, DepartureLog, EngineHandle, Leadership, Readiness, ReportIndex,
    StatusTracker, UnwrittenReports, WatchRegistry, WatchedNamespaces, WorkloadStates, compute,
};

/// How old a snapshot may be while things change: a page is not put together anew for each of a thousand changes.
const MAX_AGE: Duration = Duration::from_secs(1);

/// What the console shows.
pub(crate) struct ConsoleState {
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) departures: Arc<Mutex<DepartureLog>>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) policy: Arc<Mutex<ActivePolicy>>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    pub(crate) unwritten: Arc<Mutex<UnwrittenReports>>,
    pub(crate) last_full_evaluation: TimeGauge,
    pub(crate) readiness: Readiness,
    pub(crate) clock: ServerClock,
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) custom: Arc<CustomWatches>,
    pub(crate) watches: WatchRegistry,
    pub(crate) watched: WatchedNamespaces,
    pub(crate) leadership: Leadership,
    pub(crate) report_api_available: IntGauge,
    /// Name of the cluster, if it has one.
    pub(crate) cluster: Option<String>,
}

/// Makes snapshots, and keeps the last one.
pub(crate) struct ConsoleSource {
    state: ConsoleState,
    started: Instant,
    kept: Mutex<Option<Kept>>,
    /// Held while a snapshot is made: meanwhile the last one is shown.
    making: Mutex<()>,
}

struct Kept {
    /// The counters of what it was built from; it is built again when one of them moves.
    version: (u64, u64, u64),
    made: Instant,
    snapshot: Arc<Snapshot>,
}

impl ConsoleSource {
    pub(crate) fn new(state: ConsoleState) -> Self {
        Self { state, started: Instant::now(), kept: Mutex::new(None), making: Mutex::new(()) }
    }

    fn version(&self) -> (u64, u64, u64) {
        let evaluated = self.state.last_full_evaluation.get().map_or(0, f64::to_bits);
        (self.state.states.lock().changes(), self.state.status.version(), evaluated)
    }

    /// The last snapshot, and whether it is shown as it is.
    fn last(&self, version: (u64, u64, u64)) -> (Option<Arc<Snapshot>>, bool) {
        let kept = self.kept.lock();
        let is_current =
            kept.as_ref().is_some_and(|kept| kept.version == version || kept.made.elapsed() < MAX_AGE);
        (kept.as_ref().map(|kept| Arc::clone(&kept.snapshot)), is_current)
    }

    /// When this process started, by the clock of the API server as it is known now.
    fn started(&self) -> Timestamp {
        let now = self.state.clock.now();
        let ran = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        let started = now.checked_sub(ran).unwrap_or(now);
        Timestamp::from_second(started.as_second()).unwrap_or(started)
    }

    fn facts(&self) -> Facts {
        let ConsoleState { engine, policy, last_full_evaluation, cluster, .. } = &self.state;
        let (engine, is_evaluated) = engine.current_and_evaluated();
        let states = self.state.states.lock().snapshot();
        Facts {
            cluster: cluster.as_deref().map(Into::into),
            policy: policy.lock().name().map(Into::into),
            profile: engine.policy().profile().as_str(),
            evaluated: last_full_evaluation.get().and_then(timestamp),
            first_evaluated: self.state.readiness.first_evaluated(),
            rules: RuleState::all_of(engine.policy().rules()),
            departures: self.state.departures.lock().departures(self.started()),
            workloads: states.iter().filter_map(|(_, state)| state.console.clone()).collect(),
            engine: Some(engine),
            is_policy_unchecked: !is_evaluated,
        }
    }
}

impl Source for ConsoleSource {
    fn snapshot(&self) -> Arc<Snapshot> {
        let version = self.version();
        let (last, is_current) = self.last(version);
        if let Some(last) = last.as_ref().filter(|_| is_current) {
            return Arc::clone(last);
        }
        let _making = match (self.making.try_lock(), last) {
            (Some(making), _) => making,
            (None, Some(last)) => return last,
            // The first one is being made.
            (None, None) => self.making.lock(),
        };
        if let (Some(made), true) = self.last(version) {
            return made;
        }
        let snapshot = compute(|| Arc::new(Snapshot::new(self.facts())));
        let made = Kept { version, made: Instant::now(), snapshot: Arc::clone(&snapshot) };
        *self.kept.lock() = Some(made);
        snapshot
    }

    fn health(&self) -> Health {
        self.state.health()
    }

    fn absence(&self, namespace: &str, workload: Option<(&str, &str)>) -> Absence {
        self.state.absence(namespace, workload)
    }

    fn now(&self) -> Timestamp {
        self.state.clock.now()
    }
}

/// The time of a gauge in Unix seconds; `None` outside the years that a timestamp holds.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a clock fit by far")]
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}
