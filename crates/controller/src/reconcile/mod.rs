//! The reconcile loop: takes workloads from the queue, at most eight at a time and never one twice at once,
//! and looks over everything now and then.

mod build;
mod cleanup;
mod evaluate;
mod judge;
mod publish;
mod write;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kube_runtime::scheduler::scheduler;
use tagwatch_client::Backoff;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::controller::Controller;
use crate::queue::Requests;
use tagwatch_index::WorkloadKey;

/// Evaluations, and so writes, at the same time.
const CONCURRENCY: usize = 8;
/// How often everything is looked over, whatever the watches said.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// What an evaluation asks for.
#[derive(Debug)]
pub(crate) enum Next {
    /// Nothing until something changes.
    Wait,
    /// Another look after this time.
    Again(Duration),
    /// Another try, later each time.
    Retry,
}

impl Next {
    /// Another look after this time, where nothing else is asked for.
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
    Cleanup,
}

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Evaluates for ever.
pub(crate) async fn run(controller: Arc<Controller>, requests: Requests) {
    let mut queue = pin!(scheduler(UnboundedReceiverStream::new(requests)));
    let mut running: FuturesUnordered<Work> = FuturesUnordered::new();
    let mut active: HashSet<WorkloadKey> = HashSet::new();
    let mut failures: HashMap<WorkloadKey, Backoff> = HashMap::new();
    let mut pass = Pass::default();
    let mut sweep = interval(SWEEP_INTERVAL);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(done) = running.next(), if !running.is_empty() => {
                let Done::Workload(key, next) = done else { continue };
                active.remove(&key);
                schedule(&controller, &mut failures, &key, &next);
                if pass.evaluated(&key) {
                    running.push(finish_pass(Arc::clone(&controller)));
                }
            }
            Some(key) = async { queue.as_mut().hold_unless(|key| !active.contains(key)).next().await },
                if running.len() < CONCURRENCY =>
            {
                controller.queue.mark_taken(&key);
                active.insert(key.clone());
                running.push(evaluate(Arc::clone(&controller), key));
            }
            _ = sweep.tick() => {
                let everything = controller.everything();
                if pass.begin(everything.clone()) {
                    running.push(finish_pass(Arc::clone(&controller)));
                }
                controller.queue.now(everything);
            }
        }
    }
}

fn evaluate(controller: Arc<Controller>, key: WorkloadKey) -> Work {
    Box::pin(async move {
        let started = Instant::now();
        let next = evaluate::evaluate(&controller, &key).await;
        controller.metrics.reconcile_duration.observe(started.elapsed().as_secs_f64());
        Done::Workload(key, next)
    })
}

fn finish_pass(controller: Arc<Controller>) -> Work {
    Box::pin(async move {
        controller.mark_full_evaluation();
        cleanup::remove_unwanted(&controller).await;
        Done::Cleanup
    })
}

fn schedule(
    controller: &Controller,
    failures: &mut HashMap<WorkloadKey, Backoff>,
    key: &WorkloadKey,
    next: &Next,
) {
    match next {
        Next::Wait => {
            failures.remove(key);
        }
        Next::Again(delay) => {
            failures.remove(key);
            controller.queue.after(key.clone(), *delay);
        }
        Next::Retry => {
            let delay = failures.entry(key.clone()).or_default().next_delay();
            controller.queue.after(key.clone(), delay);
        }
    }
}

/// One look at everything: over when each workload that was there at its start has been evaluated.
#[derive(Debug, Default)]
struct Pass {
    remaining: HashSet<WorkloadKey>,
}

impl Pass {
    /// Begins anew. Returns whether there is nothing to evaluate.
    fn begin(&mut self, keys: impl IntoIterator<Item = WorkloadKey>) -> bool {
        self.remaining = keys.into_iter().collect();
        self.remaining.is_empty()
    }

    /// Returns whether this was the last one.
    fn evaluated(&mut self, key: &WorkloadKey) -> bool {
        self.remaining.remove(key) && self.remaining.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_ends_once_with_its_last_workload() {
        let key = |name: &str| WorkloadKey::new("apps/v1", "Deployment", "shop", name, name);
        let mut pass = Pass::default();
        assert!(!pass.begin([key("a"), key("b")]));
        assert!(!pass.evaluated(&key("a")));
        assert!(!pass.evaluated(&key("a")));
        assert!(!pass.evaluated(&key("new")));
        assert!(pass.evaluated(&key("b")));
        assert!(!pass.evaluated(&key("b")));
        assert!(pass.begin([]));
    }
}
