//! The reconcile loop: takes workloads from the queue, at most eight at a time and never one twice at once, and requests
//! an evaluation of everything now and then.

mod evaluate;
mod gone;
mod sweep;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kube_runtime::scheduler::scheduler;
use tagwatch_client::{Backoff, ServerClock};
use tagwatch_index::WorkloadKey;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::judge::Judge;
use crate::publish::{ReportWriter, ResultPublisher};
use crate::state::metrics::ControllerMetrics;
use crate::state::{Queue, Readiness, Requests, StatusTracker};
pub(crate) use gone::GoneWorkloads;
use sweep::Sweep;

/// Evaluations, and so writes, at the same time.
const CONCURRENCY: usize = 8;
/// How often everything is evaluated, whatever the watches showed.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// Drives workloads from the judge to the publisher.
pub(crate) struct Reconciler {
    pub(crate) judge: Judge,
    pub(crate) writer: ReportWriter,
    pub(crate) publisher: ResultPublisher,
    pub(crate) queue: Arc<Queue>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) readiness: Readiness,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) gone: GoneWorkloads,
}

/// What an evaluation asks for.
#[derive(Debug)]
enum Next {
    /// Nothing until something changes.
    Wait,
    /// Another evaluation after this time.
    Again(Duration),
    /// Another try, later each time.
    Retry,
}

impl Next {
    /// Another evaluation after this time, where nothing else is asked for.
    fn or_again(self, delay: Option<Duration>) -> Self {
        match (self, delay) {
            (Self::Wait, Some(delay)) => Self::Again(delay),
            (next, _) => next,
        }
    }
}

/// A piece of work that has ended.
enum Done {
    Workload(WorkloadKey, Next),
    Sweep,
}

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

impl Reconciler {
    /// Evaluates. Never returns.
    pub(crate) async fn run(self: Arc<Self>, requests: Requests) {
        let mut queue = pin!(scheduler(UnboundedReceiverStream::new(requests)));
        let mut running: FuturesUnordered<Work> = FuturesUnordered::new();
        let mut active: HashSet<WorkloadKey> = HashSet::new();
        let mut failures: HashMap<WorkloadKey, Backoff> = HashMap::new();
        let mut sweep = Sweep::default();
        let mut sweeping = interval(SWEEP_INTERVAL);
        sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(done) = running.next(), if !running.is_empty() => {
                    let Done::Workload(key, next) = done else { continue };
                    active.remove(&key);
                    self.schedule(&mut failures, &key, &next);
                    if sweep.mark_evaluated(&key) {
                        running.push(Arc::clone(&self).finish_sweep());
                    }
                }
                Some(key) = async { queue.as_mut().hold_unless(|key| !active.contains(key)).next().await },
                    if running.len() < CONCURRENCY =>
                {
                    active.insert(key.clone());
                    running.push(Arc::clone(&self).start(key));
                }
                _ = sweeping.tick() => {
                    let everything = self.queue.everything();
                    if sweep.begin(everything.clone()) {
                        running.push(Arc::clone(&self).finish_sweep());
                    }
                    self.queue.request(everything);
                }
            }
        }
    }

    fn start(self: Arc<Self>, key: WorkloadKey) -> Work {
        Box::pin(async move {
            let started = Instant::now();
            let next = self.evaluate(&key).await;
            self.metrics.reconcile_duration.observe(started.elapsed().as_secs_f64());
            Done::Workload(key, next)
        })
    }

    fn finish_sweep(self: Arc<Self>) -> Work {
        Box::pin(async move {
            self.mark_full_evaluation();
            self.writer.remove_unwanted().await;
            Done::Sweep
        })
    }

    /// Every workload was evaluated once more.
    fn mark_full_evaluation(&self) {
        self.readiness.mark_evaluated();
        let since_epoch = self.clock.now().as_duration();
        self.metrics.last_full_evaluation.set(since_epoch.as_secs_f64());
        if self.writer.reports.lock().forget_old(tokio::time::Instant::now()) {
            self.status.notify_policy_changed();
        }
    }

    fn schedule(&self, failures: &mut HashMap<WorkloadKey, Backoff>, key: &WorkloadKey, next: &Next) {
        let delay = match next {
            Next::Retry => failures.entry(key.clone()).or_default().next_delay(),
            Next::Wait | Next::Again(_) => {
                failures.remove(key);
                let Next::Again(delay) = next else { return };
                *delay
            }
        };
        self.queue.request_after(key.clone(), delay);
    }
}
