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
use crate::events::Announcer;
use crate::judging::Judging;
use crate::live::LiveVerdicts;
use crate::metrics::ControllerMetrics;
use crate::policy::Choice;
use crate::queue::Queue;
use crate::readiness::{Readiness, ReadyToken};
use crate::report::{ReportEvents, ReportIndex, ReportKey, Writer};
use crate::stores::Stores;
use tagwatch_index::{Index, WorkloadKey};

/// The state of the controller. Locks are held for moments and never across a wait.
pub(crate) struct Controller {
    pub(crate) judging: Arc<Judging>,
    /// What time it is: nothing that is stored or shown is dated by our own clock.
    pub(crate) clock: ServerClock,
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Stores,
    pub(crate) custom: CustomWatches,
    pub(crate) live: Arc<Mutex<LiveVerdicts>>,
    pub(crate) reports: Mutex<ReportIndex>,
    pub(crate) writer: Writer,
    pub(crate) queue: Arc<Queue>,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: ControllerMetrics,
    /// Whether somebody serves pages: then more of each workload is kept.
    pub(crate) has_console: bool,
    /// Who tells of issues by Events, where anybody does.
    pub(crate) announcer: Option<Announcer>,
    /// Since when a workload is known to be gone while its report is still there.
    pub(crate) gone: Mutex<HashMap<WorkloadKey, Instant>>,
    /// Which policy is judged by, and why.
    pub(crate) policy: Mutex<Choice>,
    pub(crate) policy_version: AtomicU64,
    pub(crate) policy_changed: Notify,
    pub(crate) namespaces_readable: AtomicBool,
}

impl Controller {
    /// Everything that has, had or could have a report.
    pub(crate) fn everything(&self) -> BTreeSet<WorkloadKey> {
        let mut keys = self.index.lock().candidates();
        let live = self.live.lock();
        keys.extend(live.iter().map(|(key, _)| key.clone()));
        keys
    }

    /// Every workload was evaluated once more.
    pub(crate) fn full_evaluation_done(&self) {
        self.readiness.mark_evaluated();
        let since_epoch = self.clock.now().as_duration();
        self.metrics.last_full_evaluation.set(since_epoch.as_secs_f64());
        if self.reports.lock().forget_old(Instant::now()) {
            self.policy_is_touched();
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

    /// Evaluates the workload of a report that somebody else changed.
    pub(crate) fn look_after(&self, report: &ReportKey) {
        let workload = {
            let live = self.live.lock();
            live.workload_of(report).cloned()
        };
        match workload {
            Some(workload) => self.queue.now([workload]),
            None => self.reports.lock().settled(report),
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
        self.controller.policy_is_touched();
    }

    fn absent(&self) {
        self.with_reports(|index| index.lost(self.scope.as_deref()));
        self.ready.ready();
        self.controller.policy_is_touched();
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
