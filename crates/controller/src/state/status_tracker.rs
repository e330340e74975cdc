//! Wakes the task that keeps the status of the policy.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes of what the status of the policy says, apart from counts of workloads.
#[derive(Debug, Default)]
pub(crate) struct StatusTracker {
    version: AtomicU64,
    changed: Notify,
    namespaces_forbidden: AtomicBool,
}

impl StatusTracker {
    /// What the status of the policy says may have changed.
    pub(crate) fn notify(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// The same of something that changes often: the status follows within a second.
    pub(crate) fn mark_changed(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Grows with every change.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Waits for the next change. For one task: a second one would miss changes.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn set_namespaces_forbidden(&self, forbidden: bool) {
        if self.namespaces_forbidden.swap(forbidden, Ordering::Relaxed) != forbidden {
            self.notify();
        }
    }

    /// Whether there is no right to list and watch namespaces.
    pub(crate) fn namespaces_forbidden(&self) -> bool {
        self.namespaces_forbidden.load(Ordering::Relaxed)
    }
}
