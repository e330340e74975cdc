//! tagwatch-controller: what `tagwatch run` does in a cluster. It watches workloads and pods, evaluates those that
//! changed, and keeps a report for each workload, the metrics and the console up to date.

mod access;
mod admin;
mod console;
mod controller;
mod custom;
mod day;
mod drift;
mod engine;
mod error;
mod events;
mod listener;
mod metrics;
mod options;
mod policy;
mod queue;
mod readiness;
mod reconcile;
mod registry;
mod report;
mod run;
mod stores;
mod tasks;
mod tls;
mod watch;
mod workload_states;
mod writer;

pub use error::RunError;
pub use metrics::{MetricDescription, metrics_reference};
pub use options::{ConsoleOptions, EndpointAccess, RunOptions, WatchedNamespaces};
pub use registry::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub use run::run;
pub use stores::Stored;
pub use tls::{CertificateError, CertificateFiles};
