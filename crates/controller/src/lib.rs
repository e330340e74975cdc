//! tagwatch-controller: the part that runs in a cluster. It watches workloads and pods, judges what changed,
//! and keeps one report a workload and the metrics up to date. The only crate with a Kubernetes client.

mod access;
pub mod api;
mod backoff;
pub mod cluster_policy;
mod console;
mod controller;
mod custom;
mod day;
mod drift;
mod engine;
mod error;
mod events;
mod health;
mod http;
mod index;
pub mod issues;
mod metrics;
mod options;
mod policy;
mod queue;
mod reconcile;
mod registry;
mod report;
mod run;
mod serve;
mod stores;
mod tls;
mod watch;
mod workload_states;
mod writer;

pub use error::RunError;
pub use metrics::{MetricDescription, metrics_reference};
pub use options::{Access, ConsoleOptions, Namespaces, RunOptions};
pub use registry::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub use run::run;
pub use tls::{CertificateError, CertificateFiles};
