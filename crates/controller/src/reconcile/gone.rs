//! Leaves reports of deleted workloads to garbage collection, for a while.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_index::WorkloadKey;
use tokio::time::Instant;

/// How long garbage collection has to remove the report of a workload that is gone, before we do.
pub(super) const COLLECTION_GRACE: Duration = Duration::from_secs(10);

/// Since when a workload is known to be gone while its report is still there.
#[derive(Debug, Default)]
pub(crate) struct GoneWorkloads(Mutex<Gone>);

#[derive(Debug, Default)]
struct Gone {
    since: HashMap<WorkloadKey, Instant>,
    /// In the order of the times. A namespace that is deleted may hold twenty thousand workloads.
    order: VecDeque<(Instant, WorkloadKey)>,
}

impl GoneWorkloads {
    /// Whether garbage collection has had its time with the report of a workload. The first call starts the time.
    pub(super) fn mark_gone(&self, key: &WorkloadKey) -> bool {
        let mut gone = self.0.lock();
        gone.forget_old();
        let Gone { since, order } = &mut *gone;
        let begun = *since.entry(key.clone()).or_insert_with(|| {
            let now = Instant::now();
            order.push_back((now, key.clone()));
            now
        });
        let is_over = begun.elapsed() >= COLLECTION_GRACE;
        if is_over {
            since.remove(key);
        }
        is_over
    }
}

impl Gone {
    fn forget_old(&mut self) {
        while self.order.front().is_some_and(|(begun, _)| begun.elapsed() >= COLLECTION_GRACE * 2) {
            let Some((begun, key)) = self.order.pop_front() else { break };
            // The time may have started anew since.
            if self.since.get(&key) == Some(&begun) {
                self.since.remove(&key);
            }
        }
    }
}
