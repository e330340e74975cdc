//! What `/readyz` and the first evaluation wait for.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Steps that must have happened once before the controller is ready: the initial state of each watch, then the
/// evaluation of every workload in it. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Readiness(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    expected: Mutex<Expected>,
    synced: watch::Sender<bool>,
    /// Sent whenever something is no longer missing.
    marked: watch::Sender<()>,
    /// When every workload of the initial state was evaluated.
    evaluated: watch::Sender<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct Expected {
    /// Names of what is missing, each with the number of its token: two tokens may have one name.
    missing: BTreeSet<(String, usize)>,
    tokens: usize,
    /// No further token will be handed out.
    is_complete: bool,
}

/// Marks one thing as ready. Clones mark the same thing.
#[derive(Debug, Clone)]
pub(crate) struct ReadyToken {
    entry: (String, usize),
    shared: Arc<Shared>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(Shared {
            expected: Mutex::default(),
            synced: watch::Sender::new(false),
            marked: watch::Sender::default(),
            evaluated: watch::Sender::new(None),
        }))
    }
}

impl Readiness {
    /// From now on, nothing is ready before [`ReadyToken::mark_ready`] is called.
    pub(crate) fn expect(&self, name: impl Into<String>) -> ReadyToken {
        let mut expected = self.0.expected.lock();
        let entry = (name.into(), expected.tokens);
        expected.tokens += 1;
        expected.missing.insert(entry.clone());
        ReadyToken { entry, shared: Arc::clone(&self.0) }
    }

    /// Every token is handed out. Before this call nothing counts as synced: a fast watch could be ready before the
    /// next one is created.
    pub(crate) fn complete(&self) {
        let mut expected = self.0.expected.lock();
        expected.is_complete = true;
        self.0.publish(&expected);
    }

    /// Every workload was evaluated; for the first time, where that is not marked yet.
    pub(crate) fn mark_evaluated(&self, now: Timestamp) {
        self.0.evaluated.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(now);
            is_first
        });
    }

    /// When every workload of the initial state had been evaluated.
    pub(crate) fn first_evaluated(&self) -> Option<Timestamp> {
        *self.0.evaluated.borrow()
    }

    /// Waits until every watch has delivered its initial state.
    pub(crate) async fn synced(&self) {
        // Fails only when the sender is dropped, and `self` holds it.
        let _ = self.0.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Whether every watch has delivered its initial state.
    pub(crate) fn is_synced(&self) -> bool {
        *self.0.synced.borrow()
    }

    /// Waits until every workload of the initial state was evaluated.
    pub(crate) async fn first_evaluation(&self) {
        // Fails only when the sender is dropped, and `self` holds it.
        let _ = self.0.evaluated.subscribe().wait_for(Option::is_some).await;
    }

    /// What is missing, for `/readyz`; empty when ready.
    pub(crate) fn missing(&self) -> Vec<String> {
        let expected = self.0.expected.lock();
        let missing = expected.missing.iter();
        let mut reasons: Vec<String> =
            missing.map(|(name, _)| format!("waiting for the initial state of {name}")).collect();
        if self.first_evaluated().is_none() {
            reasons.push("workloads are being evaluated for the first time".to_owned());
        }
        reasons
    }
}

impl ReadyToken {
    /// The initial state is complete, or not waited for any longer. Further calls change nothing.
    pub(crate) fn mark_ready(&self) {
        let mut expected = self.shared.expected.lock();
        if expected.missing.remove(&self.entry) {
            self.shared.publish(&expected);
        }
        // Who waits looks at what is expected.
        drop(expected);
        self.shared.marked.send_replace(());
    }

    /// Waits until it is marked.
    pub(crate) async fn marked(&self) {
        let is_marked = |(): &()| !self.shared.expected.lock().missing.contains(&self.entry);
        // Fails only when the sender is dropped, and `self` holds it.
        let _ = self.shared.marked.subscribe().wait_for(is_marked).await;
    }
}

impl Shared {
    fn publish(&self, expected: &Expected) {
        if expected.is_complete && expected.missing.is_empty() {
            self.synced.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn ready_after_every_watch_and_the_first_evaluation() {
        let readiness = Readiness::default();
        let (pods, jobs) = (readiness.expect("pods"), readiness.expect("jobs"));
        readiness.complete();
        pods.mark_ready();
        pods.mark_ready();
        assert_eq!(
            readiness.missing(),
            ["waiting for the initial state of jobs", "workloads are being evaluated for the first time"]
        );
        assert!(readiness.synced().now_or_never().is_none());
        jobs.mark_ready();
        readiness.synced().await;
        let [first, later] = [100, 200].map(|second| Timestamp::from_second(second).unwrap());
        readiness.mark_evaluated(first);
        readiness.mark_evaluated(later);
        readiness.first_evaluation().await;
        assert_eq!(readiness.first_evaluated(), Some(first), "the first time stays");
        assert_eq!(readiness.missing(), [""; 0]);
    }

    #[tokio::test]
    async fn a_watch_that_is_ready_before_the_next_is_created_is_not_all() {
        let readiness = Readiness::default();
        readiness.expect("pods").mark_ready();
        assert!(readiness.synced().now_or_never().is_none());
        let jobs = readiness.expect("jobs");
        readiness.complete();
        assert!(readiness.synced().now_or_never().is_none());
        jobs.mark_ready();
        readiness.synced().await;
    }

    #[tokio::test]
    async fn one_waits_for_another() {
        let readiness = Readiness::default();
        let (proofs, pods) = (readiness.expect("proofs"), readiness.expect("pods"));
        let mut waiting = Box::pin(proofs.marked());
        assert!((&mut waiting).now_or_never().is_none());
        pods.mark_ready();
        assert!((&mut waiting).now_or_never().is_none());
        proofs.mark_ready();
        waiting.await;
        proofs.marked().await;
    }

    #[test]
    fn tokens_of_one_name_are_ready_one_by_one() {
        let readiness = Readiness::default();
        let (first, _second) = (readiness.expect("pods"), readiness.expect("pods"));
        first.mark_ready();
        first.clone().mark_ready();
        assert_eq!(readiness.missing().len(), 2);
    }
}
