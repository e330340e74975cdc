//! Options of the controller.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::observe::{Network, RegistryHost};
use crate::serve::EndpointAccess;

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

/// The namespaces that are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchedNamespaces {
    /// All namespaces except these.
    AllExcept(Vec<String>),
    /// Only these, each with its own watch, so that rights in these namespaces suffice. Reports elsewhere are not
    /// touched.
    Only(Vec<String>),
}

impl WatchedNamespaces {
    /// Whether a namespace is watched.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|named| named == name);
        match self {
            Self::AllExcept(names) => !is_named(names),
            Self::Only(names) => is_named(names),
        }
    }

    /// The scope of each watch; `None` is all namespaces at once.
    pub(crate) fn scopes(&self) -> Vec<Option<String>> {
        match self {
            Self::AllExcept(_) => vec![None],
            Self::Only(names) => names.iter().cloned().map(Some).collect(),
        }
    }

    /// The field selector by which the API server leaves excluded namespaces out.
    pub(crate) fn field_selector(&self) -> Option<String> {
        match self {
            Self::AllExcept(names) if !names.is_empty() => {
                let terms: Vec<String> =
                    names.iter().map(|name| format!("metadata.namespace!={name}")).collect();
                Some(terms.join(","))
            }
            Self::AllExcept(_) | Self::Only(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_namespaces_are_left_out_by_the_api_server() {
        let namespaces = WatchedNamespaces::AllExcept(vec!["kube-system".to_owned(), "ci".to_owned()]);
        assert_eq!(
            namespaces.field_selector().as_deref(),
            Some("metadata.namespace!=kube-system,metadata.namespace!=ci")
        );
        assert_eq!(namespaces.scopes(), [None]);
        assert_eq!(WatchedNamespaces::AllExcept(Vec::new()).field_selector(), None);
    }

    #[test]
    fn chosen_namespaces_are_watched_one_by_one() {
        let namespaces = WatchedNamespaces::Only(vec!["shop".to_owned(), "mail".to_owned()]);
        assert_eq!(namespaces.scopes(), [Some("shop".to_owned()), Some("mail".to_owned())]);
        assert_eq!(namespaces.field_selector(), None);
        assert!(namespaces.has("shop") && !namespaces.has("ci"));
        let except = WatchedNamespaces::AllExcept(vec!["ci".to_owned()]);
        assert!(except.has("shop") && !except.has("ci"));
    }
}
