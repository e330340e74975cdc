//! Where the console reads its facts.

use std::sync::Arc;

use jiff::Timestamp;

use crate::absence::Absence;
use crate::health::Health;
use crate::snapshot::Snapshot;

/// The state of the cluster as the controller keeps it in memory.
pub trait Source: Send + Sync + 'static {
    /// The current snapshot. The console asks once for each request, so return a cached one until something changes;
    /// it may be built on demand.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The state of tagwatch itself, asked for each page.
    fn health(&self) -> Health;

    /// Why nothing is shown of a namespace, or of an object in it by its kind, named as its label is
    /// ([`tagwatch_core::kinds::kind_label`]), and its name. Asked only about namespaces that the caller may see; from memory.
    fn absence(&self, namespace: &str, workload: Option<(&str, &str)>) -> Absence;

    /// The time from which ages are counted, from the clock that gave the snapshot its times.
    fn now(&self) -> Timestamp;
}
