//! The reconcile loop: takes workloads from the queue, at most eight at a time and never one twice at once, and requests
//! an evaluation of everything now and then.

mod evaluate;
mod gone;
mod pool;
mod sweep;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_index::WorkloadKey;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::judge::Assembler;
use crate::publish::{Failure, ReportWriter, ResultPublisher};
use crate::state::metrics::ControllerMetrics;
use crate::state::{
    Leadership, PolicyRevision, Queue, Readiness, StatusTracker, UnwrittenReports, WatchRegistry, compute,
};
pub(crate) use gone::GoneWorkloads;
use pool::Effort;
pub(crate) use pool::WorkPool;
use sweep::Sweep;

/// Evaluations, and so writes, at the same time, those apart that wait for their turn to compute.
const CONCURRENCY: usize = 8;
/// How often everything is evaluated, whatever the watches showed.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// Drives workloads from the judge to the publisher.
pub(crate) struct Reconciler {
    pub(crate) assembler: Assembler,
    pub(crate) writer: ReportWriter,
    pub(crate) publisher: ResultPublisher,
    pub(crate) unwritten: Arc<Mutex<UnwrittenReports>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) readiness: Readiness,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) leadership: Leadership,
    /// Whether what is known of a namespace is worth evaluating.
    pub(crate) watches: WatchRegistry,
    pub(crate) gone: GoneWorkloads,
    pub(crate) pool: WorkPool,
}

/// What an evaluation asks for.
#[derive(Debug)]
enum Next {
    /// Nothing until something changes.
    Wait,
    /// Another evaluation after this time.
    Again(Duration),
    /// Another try, later each time.
    Retry(Failure),
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
    /// With the rest that the workload is due.
    Workload(WorkloadKey, Next, Duration),
    Sweep,
}

impl Reconciler {
    /// Evaluates the requested workloads, each in one task at a time; and everything when the policy changes, and at the
    /// beginning of each term, since nothing was written before it. Never returns.
    pub(crate) async fn run(self: Arc<Self>) {
        // Each is a task of its own: one that computes for long holds up no other.
        let mut running: JoinSet<Done> = JoinSet::new();
        let mut sweep = Sweep::default();
        let mut sweeping = interval_at(tokio::time::Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
        sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut terms = self.leadership.terms();
        let mut policies = self.assembler.engine.revisions();
        // Before anything is taken: the first sweep covers what the lists have requested, and evaluates each workload once.
        self.queue.forget_requests();
        self.begin_sweep(&mut sweep, &mut running);
        loop {
            tokio::select! {
                Some(done) = running.join_next() => {
                    let done = done.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                    let Done::Workload(key, next, rest) = done else { continue };
                    self.schedule(&key, next);
                    self.queue.finish(&key, rest);
                    if sweep.mark_evaluated(&key) {
                        running.spawn(Arc::clone(&self).finish_sweep(sweep.revision()));
                    }
                }
                key = self.queue.next(), if sweep.running() < CONCURRENCY + self.pool.waiting() => {
                    sweep.mark_begun(key.clone());
                    running.spawn(Arc::clone(&self).start(key));
                }
                () = self.pool.began_to_wait() => {}
                Ok(()) = terms.changed() => {
                    self.writer.reports.lock().begin_term();
                    // What was refused in an earlier term says nothing of this one.
                    *self.unwritten.lock() = UnwrittenReports::default();
                    sweeping.reset_after(SWEEP_INTERVAL);
                    self.begin_sweep(&mut sweep, &mut running);
                }
                Ok(()) = policies.changed() => {
                    sweeping.reset_after(SWEEP_INTERVAL);
                    self.begin_sweep(&mut sweep, &mut running);
                }
                _ = sweeping.tick() => self.begin_sweep(&mut sweep, &mut running),
            }
        }
    }

    /// Requests an evaluation of everything.
    fn begin_sweep(self: &Arc<Self>, sweep: &mut Sweep, running: &mut JoinSet<Done>) {
        let revision = self.assembler.engine.revision();
        let everything = compute(|| self.queue.everything());
        if sweep.begin(revision, everything.clone()) {
            running.spawn(Arc::clone(self).finish_sweep(revision));
        }
        self.queue.request(everything);
    }

    async fn start(self: Arc<Self>, key: WorkloadKey) -> Done {
        let (started, effort) = (Instant::now(), Effort::default());
        let next = self.evaluate_with(&key, &effort).await;
        self.metrics.reconcile_duration.observe(started.elapsed().as_secs_f64());
        Done::Workload(key, next, effort.rest())
    }

    async fn finish_sweep(self: Arc<Self>, revision: PolicyRevision) -> Done {
        self.mark_full_evaluation(revision);
        self.writer.remove_unwanted().await;
        Done::Sweep
    }

    /// Every workload that is known was evaluated once more. Those are not all, and not as they are, while a watch of them
    /// fails: the time stays.
    fn mark_full_evaluation(&self, revision: PolicyRevision) {
        if self.assembler.engine.mark_evaluated(revision) {
            self.status.notify();
        }
        let now = self.clock.now();
        self.readiness.mark_evaluated(now);
        let time = &self.metrics.last_full_evaluation;
        if time.get().is_none() || self.watches.is_current() {
            time.set(now.as_duration().as_secs_f64());
        }
    }

    fn schedule(&self, key: &WorkloadKey, next: Next) {
        let (planned, again) = {
            let mut retries = self.writer.retries.lock();
            match next {
                Next::Retry(failure) => (retries.failed(key, failure), None),
                Next::Wait => (retries.ended(key), None),
                Next::Again(delay) => (retries.ended(key), Some(delay)),
            }
        };
        self.writer.request(planned);
        if let Some(delay) = again {
            self.queue.request_after(key.clone(), delay);
        }
    }
}

#[cfg(test)]
mod tests;
