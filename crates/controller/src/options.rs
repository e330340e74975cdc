//! Options of the controller.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::lease::LeaseOptions;
use crate::observe::{Network, RegistryHost};
use crate::serve::EndpointAccess;
use crate::state::WatchedNamespaces;

/// Options of the controller.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Namespaces whose objects are watched: all, or a list.
    pub namespaces: WatchedNamespaces,
    /// This installation, such as a Helm release: only reports that name it are ours.
    pub instance: String,
    /// Address of `/livez` and `/readyz` alone, over plain HTTP, for probes; `None` serves them beside `/metrics` only.
    pub health_address: Option<SocketAddr>,
    /// A file that receives the address of the health endpoint once it is bound.
    pub health_address_file: Option<PathBuf>,
    /// The audience of tokens that are made for tagwatch alone.
    pub token_audience: String,
    /// Address of `/metrics`, `/livez` and `/readyz`; port 0 lets the operating system choose.
    pub metrics_address: SocketAddr,
    /// Who may read `/metrics`.
    pub metrics_access: EndpointAccess,
    /// `None` serves no console.
    pub console: Option<ConsoleOptions>,
    /// Name of the cluster, for the console.
    pub cluster_name: Option<String>,
    /// Maximum number of series of `/metrics` that name a workload.
    pub workload_series_cap: usize,
    /// A file that receives the address of `/metrics` once it is bound.
    pub address_file: Option<PathBuf>,
    /// The namespace of tagwatch itself, where it stores proofs.
    pub own_namespace: Option<String>,
    /// Registries that may be asked for the digest of a tag.
    pub registries: Vec<RegistryHost>,
    /// Private networks whose registries may be asked.
    pub registry_networks: Vec<Network>,
    /// Whether to emit Events about issues.
    pub events: bool,
    /// The lease by which one of several replicas leads; `None` for a single one.
    pub lease: Option<LeaseOptions>,
    /// Name of the `TagPolicy` that applies.
    pub policy: String,
    /// `User-Agent` of every request, for audit logs.
    pub user_agent: String,
}

/// Options of the console.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// Port 0 lets the operating system choose.
    pub address: SocketAddr,
    /// A file that receives the address of the console once it is bound.
    pub address_file: Option<PathBuf>,
    /// With tokens, users see the namespaces whose reports they may list.
    pub access: EndpointAccess,
}
