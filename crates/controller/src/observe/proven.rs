//! The references that the cluster proved mutable: from the index to the metrics, and to the workloads that name one of them
//! and run no pod of it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_core::reference::Reference;
use tagwatch_index::Index;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::state::metrics::DriftMetrics;
use crate::state::{Queue, Readiness};

/// How often it is checked whether anything else is proven.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// How often everything is evaluated at most because of other proofs. What names a reference that moved is evaluated at
/// once; a user who pushes one tag after another must not keep everything else from its turn.
const EVERYTHING_INTERVAL: Duration = Duration::from_secs(10);
/// How often proofs are removed that are too old.
const EXPIRE_INTERVAL: Duration = Duration::from_mins(10);

/// Has workloads evaluated again when other references are proven: the evidence of each says what is. Clones share it.
#[derive(Clone)]
pub(crate) struct ProvenTags {
    pub(crate) index: Arc<Mutex<Index>>,
    /// What was proven when it was looked at last.
    pub(crate) proven: Arc<Mutex<Vec<Reference>>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: DriftMetrics,
}

impl ProvenTags {
    /// Gives the metrics what is proven now, and has everything evaluated where that has changed. Called once before the first
    /// evaluation, which would otherwise be followed by a second one.
    pub(crate) fn refresh(&self) {
        if self.update() {
            self.queue.request_all();
        }
    }

    /// Returns whether other references are proven now.
    fn update(&self) -> bool {
        let (proven, likely) = self.index.lock().moved_references();
        self.metrics.set_moved(proven.len(), likely);
        let mut known = self.proven.lock();
        let is_new = *known != proven;
        *known = proven;
        is_new
    }

    /// Refreshes after each change, removes old proofs, and looks after pods whose deletion takes long. Never returns.
    pub(crate) async fn follow(self, readiness: Readiness) {
        let (mut refreshing, mut expiring) = (interval(REFRESH_INTERVAL), interval(EXPIRE_INTERVAL));
        refreshing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = 0;
        let (mut is_pending, mut next) = (false, Instant::now());
        readiness.synced().await;
        loop {
            tokio::select! {
                _ = refreshing.tick() => {
                    let affected = self.index.lock().settle_leaving(self.clock.now());
                    self.queue.request(affected);
                    let version = self.index.lock().proofs_version();
                    if version != seen {
                        seen = version;
                        is_pending |= self.update();
                    }
                    if is_pending && Instant::now() >= next {
                        is_pending = false;
                        next = Instant::now() + EVERYTHING_INTERVAL;
                        self.queue.request_all();
                    }
                }
                _ = expiring.tick() => {
                    let affected = self.index.lock().expire(self.clock.now());
                    self.queue.request(affected);
                }
            }
        }
    }
}
