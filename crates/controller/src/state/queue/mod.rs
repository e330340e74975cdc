//! Workloads that wait to be evaluated. Each waits once, however often it is requested.

mod lanes;

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_index::{Candidates, Index, WorkloadKey};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::metrics::ControllerMetrics;
use super::report_index::ReportIndex;
use super::report_key::ReportKey;
use super::workload_states::WorkloadStates;
use lanes::Lanes;

/// The queue of the reconcile loop.
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    changed: Notify,
    index: Arc<Mutex<Index>>,
    states: Arc<Mutex<WorkloadStates>>,
    metrics: ControllerMetrics,
}

impl Queue {
    pub(crate) fn new(
        index: Arc<Mutex<Index>>,
        states: Arc<Mutex<WorkloadStates>>,
        metrics: ControllerMetrics,
    ) -> Self {
        Self { lanes: Mutex::default(), changed: Notify::new(), index, states, metrics }
    }

    /// Requests evaluations as soon as possible.
    pub(crate) fn request(&self, keys: impl IntoIterator<Item = WorkloadKey>) {
        let mut keys = keys.into_iter().peekable();
        // Most events change no verdict: neither the queue nor its task is to be bothered with them.
        if keys.peek().is_none() {
            return;
        }
        let now = Instant::now();
        let mut lanes = self.lanes.lock();
        for key in keys {
            lanes.request(key, now, now);
        }
        drop(lanes);
        self.changed.notify_one();
    }

    /// Requests an evaluation after a delay.
    pub(crate) fn request_after(&self, key: WorkloadKey, delay: Duration) {
        let now = Instant::now();
        self.lanes.lock().request(key, now + delay, now);
        self.changed.notify_one();
    }

    /// Forgets what was requested before the first evaluation. The lists come in any order, so that most pods name a
    /// controller that is not known yet, which is requested to find out whether it exists.
    pub(crate) fn forget_requests(&self) {
        self.lanes.lock().clear();
    }

    /// The next workload, whose evaluation begins: a request from now on is for another one. For one task.
    pub(crate) async fn next(&self) -> WorkloadKey {
        loop {
            let due = {
                let mut lanes = self.lanes.lock();
                if let Some(key) = lanes.take(Instant::now()) {
                    return key;
                }
                lanes.next_due()
            };
            let due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = due => {}
            }
        }
    }

    /// An evaluation ended. The next one of this workload begins after a rest at the earliest.
    pub(crate) fn finish(&self, key: &WorkloadKey, rest: Duration) {
        self.lanes.lock().finish(key, rest, Instant::now());
        self.changed.notify_one();
    }

    /// Whether an evaluation waits or goes on that may want this report, or one of a report with the same hash.
    pub(crate) fn awaits(&self, report: &ReportKey) -> bool {
        self.lanes.lock().is_open(report)
    }

    /// Requests an evaluation of every workload: no verdict and no series stays that rests on an earlier engine.
    pub(crate) fn request_all(&self) {
        self.request(self.everything());
    }

    /// Requests an evaluation of every workload in these namespaces.
    pub(crate) fn request_namespaces(&self, namespaces: &BTreeSet<Box<str>>) {
        if namespaces.is_empty() {
            return;
        }
        let mut keys = self.everything();
        keys.retain(|key| namespaces.contains(key.namespace()));
        self.request(keys);
    }

    /// Requests an evaluation of the workload of a report that another client changed.
    pub(crate) fn request_owner_of(&self, report: &ReportKey, reports: &Mutex<ReportIndex>) {
        let workload = self.states.lock().workload_of(report).cloned();
        match workload {
            Some(workload) => self.request([workload]),
            None => reports.lock().mark_settled(report),
        }
    }

    /// Every workload that has, had or could have a report.
    pub(crate) fn everything(&self) -> BTreeSet<WorkloadKey> {
        let mut keys = BTreeSet::new();
        let mut behind = None;
        loop {
            // The lock is let go between the parts.
            let Candidates { mut found, last } = self.index.lock().candidates(behind.as_ref());
            keys.append(&mut found);
            behind = last;
            if behind.is_none() {
                break;
            }
        }
        keys.extend(self.states.lock().keys().cloned());
        keys
    }

    /// Sets the gauges of depth and age.
    pub(crate) fn measure(&self) {
        let (depth, oldest) = self.lanes.lock().backlog();
        self.metrics.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.metrics.queue_age.set(oldest.map(|since| since.elapsed()).unwrap_or_default().as_secs_f64());
    }
}
