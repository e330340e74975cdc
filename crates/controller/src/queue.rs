//! Workloads that wait to be evaluated. Each waits once, however often it is asked for.

use std::collections::HashMap;
use std::time::Duration;

use kube_runtime::scheduler::ScheduleRequest;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::metrics::ControllerMetrics;
use tagwatch_index::WorkloadKey;

/// Requests as kube-runtime's `scheduler` takes them.
pub(crate) type Requests = mpsc::UnboundedReceiver<ScheduleRequest<WorkloadKey>>;

/// The sending side of the queue, and which workloads wait since when.
pub(crate) struct Queue {
    requests: mpsc::UnboundedSender<ScheduleRequest<WorkloadKey>>,
    waiting: Mutex<HashMap<WorkloadKey, Instant>>,
    metrics: ControllerMetrics,
}

impl Queue {
    pub(crate) fn new(metrics: ControllerMetrics) -> (Self, Requests) {
        let (requests, receiver) = mpsc::unbounded_channel();
        (Self { requests, waiting: Mutex::default(), metrics }, receiver)
    }

    /// Asks for evaluations as soon as possible.
    pub(crate) fn now(&self, keys: impl IntoIterator<Item = WorkloadKey>) {
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

    /// Asks for an evaluation after a delay.
    pub(crate) fn after(&self, key: WorkloadKey, delay: Duration) {
        self.send(key, Instant::now() + delay);
    }

    /// An evaluation begins: what is asked for from now on is a new one.
    pub(crate) fn mark_taken(&self, key: &WorkloadKey) {
        self.waiting.lock().remove(key);
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
