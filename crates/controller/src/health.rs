//! What the controller is still waiting for.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::watch;

/// Steps that must have happened once before the controller is of use.
#[derive(Debug)]
pub(crate) struct Health {
    waiting: Mutex<BTreeSet<String>>,
    synced: watch::Sender<bool>,
    evaluated: watch::Sender<bool>,
}

impl Health {
    /// Waits for the initial state of each of these watches, then for the first evaluation of everything.
    pub(crate) fn new(watches: impl IntoIterator<Item = String>) -> Self {
        Self {
            waiting: Mutex::new(watches.into_iter().collect()),
            synced: watch::Sender::new(false),
            evaluated: watch::Sender::new(false),
        }
    }

    /// A watch has delivered its initial state in full.
    pub(crate) fn in_sync(&self, watch: &str) {
        let mut waiting = self.waiting.lock();
        waiting.remove(watch);
        if waiting.is_empty() {
            self.synced.send_replace(true);
        }
    }

    /// Every workload of the initial state was evaluated.
    pub(crate) fn evaluated(&self) {
        self.evaluated.send_replace(true);
    }

    /// Waits until every watch has delivered its initial state.
    pub(crate) async fn synced(&self) {
        // Only fails when the sender is gone, and we hold it.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Waits until every workload of the initial state was evaluated.
    pub(crate) async fn first_evaluation(&self) {
        // Only fails when the sender is gone, and we hold it.
        let _ = self.evaluated.subscribe().wait_for(|evaluated| *evaluated).await;
    }

    /// What is missing, in words; nothing when ready.
    pub(crate) fn waiting_for(&self) -> Vec<String> {
        let waiting = self.waiting.lock();
        let mut reasons: Vec<String> =
            waiting.iter().map(|watch| format!("waiting for the initial state of {watch}")).collect();
        if !*self.evaluated.borrow() {
            reasons.push("workloads are being evaluated for the first time".to_owned());
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_after_every_watch_and_the_first_evaluation() {
        let health = Health::new(["pods".to_owned(), "jobs".to_owned()]);
        health.in_sync("pods");
        assert_eq!(
            health.waiting_for(),
            ["waiting for the initial state of jobs", "workloads are being evaluated for the first time"]
        );
        health.in_sync("jobs");
        health.synced().await;
        health.evaluated();
        assert!(health.waiting_for().is_empty());
    }
}
