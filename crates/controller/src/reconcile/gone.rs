//! Leaves reports of deleted workloads to garbage collection, for a while.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_index::WorkloadKey;
use tokio::time::Instant;

/// How long garbage collection has to remove the report of a workload that is gone, before we do.
pub(super) const COLLECTION_GRACE: Duration = Duration::from_secs(10);

/// Since when a workload is known to be gone while its report is still there.
#[derive(Debug, Default)]
pub(crate) struct GoneWorkloads(Mutex<HashMap<WorkloadKey, Instant>>);

impl GoneWorkloads {
    /// Whether garbage collection has had its time with the report of a workload. The first call starts the time.
    pub(super) fn mark_gone(&self, key: &WorkloadKey) -> bool {
        let mut gone = self.0.lock();
        gone.retain(|_, since| since.elapsed() < COLLECTION_GRACE * 2);
        let since = *gone.entry(key.clone()).or_insert_with(Instant::now);
        let is_over = since.elapsed() >= COLLECTION_GRACE;
        if is_over {
            gone.remove(key);
        }
        is_over
    }
}
