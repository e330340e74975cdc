//! Where the console reads its facts.

use std::sync::Arc;

use jiff::Timestamp;

use crate::snapshot::Snapshot;

/// The state of the cluster as the controller keeps it in memory.
pub trait Source: Send + Sync + 'static {
    /// The current snapshot. The console asks once for each request, so return a cached one until something changes;
    /// it may be built on demand.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The time from which ages are counted, from the clock that gave the snapshot its times.
    fn now(&self) -> Timestamp;
}
