//! Everything the tasks of the controller share.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_k8s::report::StoredReport;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::custom::CustomWatches;
use crate::engine::EngineHandle;
use crate::events::EventPublisher;
use crate::metrics::ControllerMetrics;
use crate::policy::ActivePolicy;
use crate::queue::Queue;
use crate::readiness::{Readiness, ReadyToken};
use crate::report::{ReportApi, ReportEvents, ReportIndex, ReportKey};
use crate::stores::Stores;
use crate::workload_states::WorkloadStates;
use crate::writer::ClusterWriter;
use tagwatch_index::{Index, WorkloadKey};

/// The state of the controller. Locks are held for moments and never across a wait.
pub(crate) struct Controller {
    pub(crate) engine: Arc<EngineHandle>,
    /// What time it is: nothing that is stored or shown is dated by our own clock.
    pub(crate) clock: ServerClock,
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Stores,
    pub(crate) custom: CustomWatches,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) reports: Mutex<ReportIndex>,
    pub(crate) report_api: ReportApi,
    pub(crate) writer: Arc<ClusterWriter>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: ControllerMetrics,
    /// Whether somebody serves pages: then more of each workload is kept.
    pub(crate) has_console: bool,
    /// `None` unless `--events` is set.
    pub(crate) events: Option<EventPublisher>,
    /// Since when a workload is known to be gone while its report is still there.
    pub(crate) gone: Mutex<HashMap<WorkloadKey, Instant>>,
    pub(crate) policy: Mutex<ActivePolicy>,
    pub(crate) policy_version: AtomicU64,
    pub(crate) policy_changed: Notify,
    pub(crate) namespaces_readable: AtomicBool,
}

impl Controller {
    /// Everything that has, had or could have a report.
    pub(crate) fn everything(&self) -> BTreeSet<WorkloadKey> {
        let mut keys = self.index.lock().candidates();
        keys.extend(self.states.lock().keys().cloned());
        keys
    }

    /// Every workload was evaluated once more.
    pub(crate) fn mark_full_evaluation(&self) {
        self.readiness.mark_evaluated();
        let since_epoch = self.clock.now().as_duration();
        self.metrics.last_full_evaluation.set(since_epoch.as_secs_f64());
        if self.reports.lock().forget_old(Instant::now()) {
            self.notify_policy_changed();
        }
    }

    /// Whether garbage collection has had its time with the report of a workload that is gone. The first call
    /// starts the clock.
    pub(crate) fn collection_is_over(&self, key: &WorkloadKey, grace: Duration) -> bool {
        let mut gone = self.gone.lock();
        gone.retain(|_, since| since.elapsed() < grace * 2);
        let since = *gone.entry(key.clone()).or_insert_with(Instant::now);
        let over = since.elapsed() >= grace;
        if over {
            gone.remove(key);
        }
        over
    }

    /// Evaluates the workload of a report that another client changed.
    pub(crate) fn look_after(&self, report: &ReportKey) {
        let workload = {
            let states = self.states.lock();
            states.workload_of(report).cloned()
        };
        match workload {
            Some(workload) => self.queue.now([workload]),
            None => self.reports.lock().mark_settled(report),
        }
    }
}

/// Takes the reports of one watched namespace, or of all, into the controller.
pub(crate) struct ScopedReportEvents {
    pub(crate) controller: Arc<Controller>,
    pub(crate) scope: Option<String>,
    pub(crate) ready: ReadyToken,
}

impl ScopedReportEvents {
    fn with_reports<T>(&self, act: impl FnOnce(&mut ReportIndex) -> T) -> T {
        act(&mut self.controller.reports.lock())
    }
}

impl ReportEvents for ScopedReportEvents {
    fn listed(&self, reports: Vec<StoredReport>) {
        self.with_reports(|index| index.listed(self.scope.as_deref(), reports));
        self.ready.ready();
        self.controller.rejudge();
        self.controller.notify_policy_changed();
    }

    fn absent(&self) {
        self.with_reports(|index| index.lost(self.scope.as_deref()));
        self.ready.ready();
        self.controller.notify_policy_changed();
    }

    fn changed(&self, key: ReportKey, version: &str) {
        if self.with_reports(|index| index.changed(&key, version)) {
            self.controller.look_after(&key);
        }
    }

    fn deleted(&self, key: ReportKey, version: &str) {
        if self.with_reports(|index| index.deleted(&key, version)) {
            self.controller.look_after(&key);
        }
    }

    fn retain(&self, listed: &HashSet<ReportKey>) {
        for key in self.with_reports(|index| index.retain(self.scope.as_deref(), listed)) {
            self.controller.look_after(&key);
        }
    }
}
