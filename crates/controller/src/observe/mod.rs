//! Watches of the API server and questions to registries. What they show goes into the shared state, and requests
//! evaluations of the workloads that it can matter to.

mod absence;
pub(crate) mod built_in;
pub(crate) mod custom;
pub(crate) mod day;
pub(crate) mod namespaces;
pub(crate) mod nodes;
mod objects;
mod pods;
pub(crate) mod policy;
mod proven;
mod registry;
mod reports;
mod rights;
mod scope_rights;
mod stats;
mod watch;

use std::sync::Arc;

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_index::Index;

use crate::state::metrics::ControllerMetrics;
use crate::state::{Queue, StatusTracker, Stores, WatchRegistry};
pub(crate) use policy::PolicyObserver;
pub(crate) use proven::ProvenTags;
pub(crate) use registry::RegistryTask;
pub use registry::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub(crate) use reports::ReportObserver;
pub(crate) use scope_rights::ScopeRights;
pub(crate) use stats::{WatchStats, refusal_code};
pub(crate) use watch::{Flow, Sink, watch};

/// What the watches of objects, pods, namespaces and nodes change. Clones share it.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) watches: WatchRegistry,
}
