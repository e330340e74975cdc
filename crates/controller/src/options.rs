//! What `tagwatch run` can be told.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::registry::{Network, RegistryHost};
use crate::tls::CertificateFiles;

/// Options of the controller.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Which namespaces are looked at.
    pub namespaces: Namespaces,
    /// Where `/metrics`, `/livez` and `/readyz` are served; port 0 lets the operating system choose.
    pub metrics_address: SocketAddr,
    /// Who may read `/metrics`.
    pub metrics_access: Access,
    /// The console; none by default.
    pub console: Option<ConsoleOptions>,
    /// Name of the cluster, for pages.
    pub cluster_name: Option<String>,
    /// How many series of `/metrics` may name a workload.
    pub workload_series_cap: usize,
    /// A file that receives the address once it is bound.
    pub address_file: Option<PathBuf>,
    /// The namespace that we run in, where proofs are kept.
    pub own_namespace: Option<String>,
    /// Registries that may be asked what a tag means.
    pub registries: Vec<RegistryHost>,
    /// Private networks in which registries may be.
    pub registry_networks: Vec<Network>,
    /// Whether workloads get Events about their issues.
    pub events: bool,
    /// Name of the `TagPolicy` to judge by.
    pub policy: String,
    /// `User-Agent` of every request, by which an audit log tells our requests from those of others.
    pub user_agent: String,
}

/// Where the console is served, and to whom.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// Where; port 0 lets the operating system choose.
    pub address: SocketAddr,
    /// A file that receives the address once it is bound.
    pub address_file: Option<PathBuf>,
    /// Who may see it. By token, a namespace is visible to whoever may list its reports.
    pub access: Access,
}

/// Who may read what is served.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everybody, over plain HTTP.
    Everybody,
    /// Whoever has a token and the right to read it, over TLS.
    Token {
        /// The certificate; one of our own making without it.
        certificate: Option<CertificateFiles>,
    },
}

/// Which namespaces are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// Every namespace but these.
    AllBut(Vec<String>),
    /// These alone: watched one by one, so that rights in them suffice. Reports elsewhere are not touched.
    Only(Vec<String>),
}

impl Namespaces {
    /// One watch for each of these; `None` stands for all namespaces at once.
    pub(crate) fn scopes(&self) -> Vec<Option<String>> {
        match self {
            Self::AllBut(_) => vec![None],
            Self::Only(names) => names.iter().cloned().map(Some).collect(),
        }
    }

    /// The field selector that leaves the excluded namespaces out at the API server.
    pub(crate) fn field_selector(&self) -> Option<String> {
        match self {
            Self::AllBut(names) if !names.is_empty() => {
                let terms: Vec<String> =
                    names.iter().map(|name| format!("metadata.namespace!={name}")).collect();
                Some(terms.join(","))
            }
            Self::AllBut(_) | Self::Only(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_namespaces_are_left_out_by_the_api_server() {
        let namespaces = Namespaces::AllBut(vec!["kube-system".to_owned(), "ci".to_owned()]);
        assert_eq!(
            namespaces.field_selector().as_deref(),
            Some("metadata.namespace!=kube-system,metadata.namespace!=ci")
        );
        assert_eq!(namespaces.scopes(), [None]);
        assert_eq!(Namespaces::AllBut(Vec::new()).field_selector(), None);
    }

    #[test]
    fn chosen_namespaces_are_watched_one_by_one() {
        let namespaces = Namespaces::Only(vec!["shop".to_owned(), "mail".to_owned()]);
        assert_eq!(namespaces.scopes(), [Some("shop".to_owned()), Some("mail".to_owned())]);
        assert_eq!(namespaces.field_selector(), None);
    }
}
