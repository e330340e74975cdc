//! Watches of the API server: one loop that survives everything, and where each kind's events go.

pub(crate) mod namespaces;
mod objects;
mod pods;
mod source;
mod stats;
mod tasks;

pub(crate) use objects::{ObjectSink, WatchProgress};
use pods::PodSink;
pub(crate) use source::{Flow, Sink, watch};
pub(crate) use stats::{WatchStats, refusal_code};
pub(crate) use tasks::{api, object_api, spawn};
