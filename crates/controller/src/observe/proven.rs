//! The references that the cluster proved mutable: from the index to the engine and the metrics.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_index::Index;
use tokio::time::{MissedTickBehavior, interval};

use crate::state::metrics::DriftMetrics;
use crate::state::{EngineHandle, Queue, Readiness};

/// How often it is checked whether anything else is proven.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// How often proofs are removed that are too old.
const EXPIRE_INTERVAL: Duration = Duration::from_mins(10);

/// Passes what the index proves on to the engine. Clones share it.
#[derive(Clone)]
pub(crate) struct ProvenTags {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: DriftMetrics,
}

impl ProvenTags {
    /// Gives the engine and the metrics what is proven now. Called once before the first evaluation, which would otherwise
    /// write reports twice.
    pub(crate) fn refresh(&self) {
        let (proven, likely) = self.index.lock().moved_references();
        self.metrics.set_moved(proven.len(), likely);
        if self.engine.set_proven(proven) {
            self.queue.request_all();
        }
    }

    /// Refreshes after each change, and removes old proofs. Never returns.
    pub(crate) async fn follow(self, readiness: Readiness) {
        let (mut refreshing, mut expiring) = (interval(REFRESH_INTERVAL), interval(EXPIRE_INTERVAL));
        refreshing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = 0;
        readiness.synced().await;
        loop {
            tokio::select! {
                _ = refreshing.tick() => {
                    let version = self.index.lock().proofs_version();
                    if version != seen {
                        seen = version;
                        self.refresh();
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
