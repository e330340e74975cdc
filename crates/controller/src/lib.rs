//! tagwatch-controller: what `tagwatch run` does in a cluster. It watches workloads and pods, evaluates those that
//! changed, and keeps a report for each workload, the metrics and the console up to date.
//!
//! Rooms, in the order of the data; none imports a later one: `state` (shared by all), `observe` (watches), `judge` (from
//! the state to a wanted report), `publish` (every write), `lease` (which replica writes), `reconcile` (the loop), `serve` (metrics, health, console).

mod error;
mod judge;
mod lease;
mod observe;
mod options;
mod parts;
mod publish;
mod reconcile;
mod run;
mod serve;
mod state;
mod tasks;
#[cfg(test)]
mod testing;

pub use error::RunError;
pub use lease::{LeaseOptions, LeaseTiming};
pub use observe::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub use options::{ConsoleOptions, RunOptions};
pub use run::{Clients, Runtimes, run, run_with};
pub use serve::metrics::metrics_reference;
pub use serve::{CertificateError, CertificateFiles, EndpointAccess, InProcessEndpoints, ListenError};
pub use state::metrics::MetricDescription;
pub use state::{Stored, WatchedNamespaces};
