//! Watches of the API server: one loop that survives everything, and where each kind's events go.

mod backoff;
mod pods;
mod source;
mod stats;
mod workloads;

pub(crate) use backoff::Backoff;
pub(crate) use pods::PodSink;
pub(crate) use source::{Flow, Sink, watch};
pub(crate) use stats::WatchStats;
pub(crate) use workloads::WorkloadSink;
