//! Where the console has its facts from.

use std::sync::Arc;

use jiff::Timestamp;

use crate::snapshot::Snapshot;

/// What judges, as the console sees it: memory, never the cluster.
pub trait Source: Send + Sync + 'static {
    /// How things stand. It is asked once for each request, so the answer is one that is kept until something has
    /// changed; it may be put together when it is asked for.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The time from which ages are counted, by the clock that gave the snapshot its times.
    fn now(&self) -> Timestamp;
}
