//! Watches of the API server: one loop that survives everything, and where each kind's events go.

mod feeds;
pub(crate) mod namespaces;
mod pods;
mod source;
mod stats;
mod workloads;

pub(crate) use feeds::{Feed, api, feeds};
use pods::PodSink;
pub(crate) use source::{Flow, Sink, watch};
pub(crate) use stats::{WatchStats, refusal_code};
use workloads::WorkloadSink;
