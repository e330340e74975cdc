//! Where evaluations compute. A user decides how many containers a workload has; the threads that run the watches and the
//! endpoints are not held up by them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::state::compute;

/// Up to this many containers of templates and pods, an evaluation computes where it is: that takes a few milliseconds.
const MAX_LIGHT: usize = 200;
/// Larger evaluations that compute at the same time, each on a thread of the blocking pool.
const HEAVY: usize = 1;
/// How many times as long as an evaluation computed its workload rests before the next one: no workload takes more of a core.
const REST_FACTOR: u32 = 20;
/// A workload whose evaluation computes for more than a second and a half rests for less than [`REST_FACTOR`] asks for.
const MAX_REST: Duration = Duration::from_secs(30);

/// Bounds the large evaluations.
#[derive(Debug)]
pub(crate) struct WorkPool {
    heavy: Semaphore,
    /// Large evaluations that wait for their turn.
    waiting: AtomicUsize,
    began_to_wait: Notify,
}

impl Default for WorkPool {
    fn default() -> Self {
        Self { heavy: Semaphore::new(HEAVY), waiting: AtomicUsize::new(0), began_to_wait: Notify::new() }
    }
}

impl WorkPool {
    /// Admits an evaluation of so many containers: a large one when no other one computes.
    pub(super) async fn admit<'a>(&'a self, weight: usize, effort: &'a Effort) -> Admission<'a> {
        let permit = if weight > MAX_LIGHT { self.turn().await } else { None };
        Admission { pool: self, weight, permit, effort }
    }

    /// How many large evaluations wait for their turn. They do nothing, so others may begin in their place.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Returns once a large evaluation has begun to wait. For one task.
    pub(super) async fn began_to_wait(&self) {
        self.began_to_wait.notified().await;
    }

    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.heavy.try_acquire() {
            return Some(permit);
        }
        let _waiting = Waiting::begin(self);
        // Fails only when the semaphore is closed, which it never is.
        self.heavy.acquire().await.ok()
    }
}

/// Counts an evaluation that waits, until it is dropped.
struct Waiting<'a>(&'a WorkPool);

impl<'a> Waiting<'a> {
    fn begin(pool: &'a WorkPool) -> Self {
        pool.waiting.fetch_add(1, Ordering::Relaxed);
        pool.began_to_wait.notify_one();
        Self(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to compute, until it is dropped.
pub(super) struct Admission<'a> {
    pool: &'a WorkPool,
    weight: usize,
    /// `None` for a small evaluation.
    permit: Option<SemaphorePermit<'a>>,
    effort: &'a Effort,
}

/// An evaluation that will compute again.
pub(super) struct Released<'a> {
    pool: &'a WorkPool,
    weight: usize,
    effort: &'a Effort,
}

impl<'a> Released<'a> {
    pub(super) async fn admit(self) -> Admission<'a> {
        self.pool.admit(self.weight, self.effort).await
    }
}

impl<'a> Admission<'a> {
    /// Lets others compute.
    pub(super) fn release(self) -> Released<'a> {
        let Self { pool, weight, permit, effort } = self;
        drop(permit);
        Released { pool, weight, effort }
    }

    /// Computes; a large evaluation while another thread goes on with what this one was to do.
    pub(super) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.effort.spend(|| if self.permit.is_some() { compute(work) } else { work() })
    }
}

/// How long this thread has computed since it began. What it waited for counts for nothing: a lock that another evaluation
/// holds, or a machine on which other processes run.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Never negative.
    Duration::try_from(time).unwrap_or_default()
}

/// How long an evaluation has computed.
#[derive(Debug, Default)]
pub(super) struct Effort(AtomicU64);

impl Effort {
    /// Does a part of the evaluation.
    pub(super) fn spend<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = thread_cpu_time();
        let result = work();
        self.add(thread_cpu_time().saturating_sub(started));
        result
    }

    fn add(&self, spent: Duration) {
        let micros = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// How long the workload is to rest.
    pub(super) fn rest(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed)).saturating_mul(REST_FACTOR).min(MAX_REST)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn large_evaluations_compute_one_after_another_and_small_ones_wait_for_none() {
        let (pool, effort) = (WorkPool::default(), Effort::default());
        let large = pool.admit(MAX_LIGHT + 1, &effort).await;
        {
            let mut second = pin!(pool.admit(MAX_LIGHT + 1, &effort));
            assert!(second.as_mut().now_or_never().is_none());
            assert_eq!((pool.waiting(), pool.began_to_wait().now_or_never()), (1, Some(())));
        }
        assert_eq!(pool.waiting(), 0);
        assert_eq!(pool.admit(MAX_LIGHT, &effort).now_or_never().map(|small| small.run(|| 7)), Some(7));
        drop(large);
        assert!(pool.admit(MAX_LIGHT + 1, &effort).now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_evaluation_that_waits_for_a_lock_is_due_no_rest() {
        let (pool, effort) = (WorkPool::default(), Effort::default());
        let small = pool.admit(1, &effort).await;
        let (_held, lock) = mpsc::channel::<()>();
        let waited = Duration::from_millis(200);
        let timeout = small.run(|| lock.recv_timeout(waited));
        assert_eq!(timeout, Err(mpsc::RecvTimeoutError::Timeout));
        assert!(effort.rest() < waited, "{:?}", effort.rest());
        let computed = Duration::from_millis(5);
        small.run(|| {
            let begun = thread_cpu_time();
            while thread_cpu_time().saturating_sub(begun) < computed {}
        });
        assert!(effort.rest() >= computed * REST_FACTOR, "{:?}", effort.rest());
    }

    #[test]
    fn a_rest_is_as_long_as_the_effort_was_large() {
        let effort = Effort::default();
        assert_eq!(effort.rest(), Duration::ZERO);
        effort.add(Duration::from_millis(5));
        effort.add(Duration::from_millis(5));
        assert_eq!(effort.rest(), Duration::from_millis(10) * REST_FACTOR);
        effort.add(Duration::from_mins(1));
        assert_eq!(effort.rest(), MAX_REST);
    }
}
