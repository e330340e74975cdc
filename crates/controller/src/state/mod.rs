//! What the rooms share: the engine, the states of workloads, our reports as far as they are known, the stores of watched
//! objects, the queue, readiness, and the counters of our own work. Locks are held briefly and never across a wait.

mod active_policy;
mod compute;
mod custom_watches;
mod departure_log;
mod engine;
mod exemption_counts;
mod heartbeat;
mod leadership;
pub(crate) mod metrics;
mod outage;
mod queue;
mod rate;
mod readiness;
mod report_index;
mod report_key;
mod status_tracker;
mod stores;
mod unwritten_reports;
mod watch_registry;
mod watched_namespaces;
mod workload_states;

pub(crate) use active_policy::{ActivePolicy, PolicySource, Rejection};
pub(crate) use compute::compute;
pub(crate) use custom_watches::{CustomWatches, WatchScope, WatchState};
pub(crate) use departure_log::DepartureLog;
pub(crate) use engine::{EngineHandle, PolicyRevision};
pub(crate) use exemption_counts::exemption_counts;
pub(crate) use heartbeat::Heartbeat;
#[cfg(test)]
pub(crate) use heartbeat::STUCK_AFTER;
pub(crate) use leadership::{Leadership, TermLimits};
pub(crate) use outage::Outage;
pub(crate) use queue::Queue;
pub(crate) use rate::rate_limiter;
pub(crate) use readiness::{Readiness, ReadyToken};
pub(crate) use report_index::{Known, ReportIndex};
pub(crate) use report_key::ReportKey;
pub(crate) use status_tracker::StatusTracker;
pub use stores::Stored;
pub(crate) use stores::{Stores, reference};
pub(crate) use unwritten_reports::{Noted, UnwrittenReports};
pub(crate) use watch_registry::{FailingWatch, FailureKind, Need, Watch, WatchCollector, WatchRegistry};
pub use watched_namespaces::WatchedNamespaces;
pub(crate) use workload_states::{MemoryBasis, ReportMemory, StatesSnapshot, WorkloadState, WorkloadStates};
