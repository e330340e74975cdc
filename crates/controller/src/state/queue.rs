//! Workloads that wait to be evaluated. Each waits once, however often it is requested.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kube_runtime::scheduler::ScheduleRequest;
use parking_lot::Mutex;
use tagwatch_index::{Index, WorkloadKey};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::metrics::ControllerMetrics;
use super::report_index::ReportIndex;
use super::report_key::ReportKey;
use super::workload_states::WorkloadStates;

/// Requests as kube-runtime's `scheduler` takes them.
pub(crate) type Requests = mpsc::UnboundedReceiver<ScheduleRequest<WorkloadKey>>;

/// The sending side of the queue, and which workloads wait since when.
pub(crate) struct Queue {
    requests: mpsc::UnboundedSender<ScheduleRequest<WorkloadKey>>,
    waiting: Mutex<HashMap<WorkloadKey, Instant>>,
    index: Arc<Mutex<Index>>,
    states: Arc<Mutex<WorkloadStates>>,
    metrics: ControllerMetrics,
}

impl Queue {
    pub(crate) fn new(
        index: Arc<Mutex<Index>>,
        states: Arc<Mutex<WorkloadStates>>,
        metrics: ControllerMetrics,
    ) -> (Self, Requests) {
        let (requests, receiver) = mpsc::unbounded_channel();
        (Self { requests, waiting: Mutex::default(), index, states, metrics }, receiver)
    }

    /// Requests evaluations as soon as possible.
    pub(crate) fn request(&self, keys: impl IntoIterator<Item = WorkloadKey>) {
        let now = Instant::now();
        let mut waiting = self.waiting.lock();
        for key in keys {
            if waiting.contains_key(&key) {
                continue;
            }
            waiting.insert(key.clone(), now);
            self.send(key, now);
        }
    }

    /// Requests an evaluation after a delay.
    pub(crate) fn request_after(&self, key: WorkloadKey, delay: Duration) {
        self.send(key, Instant::now() + delay);
    }

    /// Requests an evaluation of every workload: no verdict and no series stays that rests on an earlier engine.
    pub(crate) fn request_all(&self) {
        self.request(self.everything());
    }

    /// Requests an evaluation of every workload in a namespace.
    pub(crate) fn request_namespace(&self, namespace: &str) {
        let mut keys = self.everything();
        keys.retain(|key| key.namespace() == namespace);
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
        let mut keys = self.index.lock().candidates();
        keys.extend(self.states.lock().keys().cloned());
        keys
    }

    /// An evaluation begins: a request from now on is for another one.
    pub(crate) fn mark_taken(&self, key: &WorkloadKey) {
        self.waiting.lock().remove(key);
    }

    /// Whether an evaluation waits that may want this report.
    pub(crate) fn awaits(&self, report: &ReportKey) -> bool {
        let waiting = self.waiting.lock();
        let mut here = waiting.keys().filter(|key| key.namespace() == &*report.namespace);
        here.any(|key| ReportKey::of(key) == *report)
    }

    /// Sets the gauges of depth and age.
    pub(crate) fn measure(&self) {
        let waiting = self.waiting.lock();
        let depth = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
        let age = waiting.values().map(Instant::elapsed).max().unwrap_or_default();
        self.metrics.queue_depth.set(depth);
        self.metrics.queue_age.set(age.as_secs_f64());
    }

    fn send(&self, message: WorkloadKey, run_at: Instant) {
        // Fails only when the reconcile loop is gone, and then the process is ending.
        let _ = self.requests.send(ScheduleRequest { message, run_at });
    }
}
