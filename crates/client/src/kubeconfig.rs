//! The parts of a kubeconfig that one context uses. kube takes some that kubectl refuses, and panics later on a server
//! without a scheme, which kubectl takes.

use std::path::Path;
use std::{env, io};

use http::Uri;
use http::uri::Authority;
use kube::config::{Cluster, Kubeconfig, KubeconfigError};
use tagwatch_core::text::UntrustedText;
use thiserror::Error;

/// Why a kubeconfig cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KubeconfigFault {
    #[error("{}", in_words(.0))]
    Unusable(#[from] KubeconfigError),
    #[error("it has no context {0:?}; `kubectl config get-contexts` lists them")]
    NoContext(String),
    #[error("its context {context:?} names the cluster {cluster:?}, which it does not have")]
    NoCluster { context: String, cluster: String },
    #[error("its context {context:?} names the user {user:?}, which it does not have")]
    NoUser { context: String, user: String },
    #[error("its cluster {0:?} has no server")]
    NoServer(String),
    #[error(
        "the server of its cluster {cluster:?} is {server:?}: expected a URL with http or https, or host:port"
    )]
    Server { cluster: String, server: String },
}

/// The files of `KUBECONFIG`, of which some may be missing, or `~/.kube/config`.
///
/// Source: `ClientConfigLoadingRules.Load` in `k8s.io/client-go/tools/clientcmd/loader.go`.
///
/// # Errors
/// A file cannot be read or is no kubeconfig, or none is there.
pub(crate) fn read() -> Result<Kubeconfig, KubeconfigError> {
    let list = env::var_os("KUBECONFIG").unwrap_or_default();
    let files: Vec<_> = env::split_paths(&list).filter(|file| !file.as_os_str().is_empty()).collect();
    if files.is_empty() { Kubeconfig::read() } else { merged(&files) }
}

/// What a file has wins over those after it.
fn merged(files: &[impl AsRef<Path>]) -> Result<Kubeconfig, KubeconfigError> {
    let mut merged: Option<Kubeconfig> = None;
    let mut missing = None;
    for file in files {
        let mut next = match Kubeconfig::read_from(file) {
            Err(KubeconfigError::ReadConfig(error, path)) if error.kind() == io::ErrorKind::NotFound => {
                missing.get_or_insert(KubeconfigError::ReadConfig(error, path));
                continue;
            }
            read => read?,
        };
        // An empty one is none, also before another file's.
        next.current_context = next.current_context.filter(|context| !context.is_empty());
        merged = Some(match merged {
            Some(before) => before.merge(next)?,
            None => next,
        });
    }
    merged.ok_or_else(|| missing.unwrap_or(KubeconfigError::FindPath))
}

/// The name of the context that this choice means; its cluster gets a URL as its server, as client-go makes one.
///
/// Source: `DefaultServerURL` and `DefaultServerUrlFor` in `k8s.io/client-go/rest/url_utils.go`.
///
/// # Errors
/// The context, or what it names, is absent, or the server is none.
pub(crate) fn complete(
    kubeconfig: &mut Kubeconfig,
    context: Option<&str>,
) -> Result<String, KubeconfigFault> {
    // `kubectl config unset current-context` leaves an empty one.
    let mut named = context.into_iter().chain(kubeconfig.current_context.as_deref());
    let context =
        named.find(|name| !name.is_empty()).ok_or(KubeconfigError::CurrentContextNotSet)?.to_owned();
    let chosen = kubeconfig.contexts.iter().find(|named| named.name == context);
    let Some(chosen) = chosen.and_then(|named| named.context.as_ref()) else {
        return Err(KubeconfigFault::NoContext(context));
    };
    let user = chosen.user.as_deref().filter(|user| !user.is_empty());
    let has_certificate = match user {
        None => false,
        Some(user) => {
            let named = kubeconfig.auth_infos.iter().find(|named| named.name == user);
            let Some(named) = named else {
                return Err(KubeconfigFault::NoUser { context, user: user.to_owned() });
            };
            let user = named.auth_info.as_ref();
            user.is_some_and(|user| {
                user.client_certificate.is_some() || user.client_certificate_data.is_some()
            })
        }
    };
    let name = chosen.cluster.clone();
    let cluster = kubeconfig.clusters.iter_mut().find(|named| named.name == name);
    let Some(cluster) = cluster.and_then(|named| named.cluster.as_mut()) else {
        return Err(KubeconfigFault::NoCluster { context, cluster: name });
    };
    let Some(server) = cluster.server.clone().filter(|server| !server.is_empty()) else {
        return Err(KubeconfigFault::NoServer(name));
    };
    let scheme = if has_certificate || expects_tls(cluster) { "https" } else { "http" };
    let Some(url) = url(&server, scheme) else {
        return Err(KubeconfigFault::Server { cluster: name, server });
    };
    cluster.server = Some(url);
    Ok(context)
}

/// Whether the cluster has settings that mean TLS only.
fn expects_tls(cluster: &Cluster) -> bool {
    let Cluster { certificate_authority, certificate_authority_data, insecure_skip_tls_verify, .. } = cluster;
    certificate_authority.is_some()
        || certificate_authority_data.is_some()
        || *insecure_skip_tls_verify == Some(true)
}

/// The server as a URL. One without a scheme is a host, perhaps with a port, and gets this scheme.
fn url(server: &str, scheme: &str) -> Option<String> {
    let uri: Uri = server.parse().ok()?;
    has_port_of_16_bits(uri.authority()?).then_some(())?;
    match uri.scheme_str() {
        Some("http" | "https") => Some(server.to_owned()),
        Some(_) => None,
        None => Some(format!("{scheme}://{server}")),
    }
}

/// The `http` crate takes a port that is too great for none.
fn has_port_of_16_bits(authority: &Authority) -> bool {
    let behind_user = authority.as_str().rsplit('@').next();
    behind_user == Some(authority.host()) || authority.port_u16().is_some()
}

/// The error without the `Debug` text of a path, which kube puts into quotes of its own.
fn in_words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            let path = UntrustedText::from(path.to_string_lossy().as_ref()).terminal();
            if error.kind() == io::ErrorKind::NotFound {
                format!("there is no file {path}")
            } else {
                format!("cannot read {path}: {error}")
            }
        }
        KubeconfigError::FindPath => "there is no kubeconfig".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a server, in a cluster with more settings.
    fn completed(server: &str, more: &serde_json::Value) -> Result<Option<String>, String> {
        let mut cluster = serde_json::json!({ "server": server });
        cluster.as_object_mut().unwrap().extend(more.as_object().cloned().into_iter().flatten());
        let kubeconfig = serde_json::json!({
            "current-context": "here",
            "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "me" } }],
            "clusters": [{ "name": "c", "cluster": cluster }],
            "users": [{ "name": "me", "user": {} }],
        });
        let mut kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).unwrap();
        complete(&mut kubeconfig, None).map_err(|error| error.to_string())?;
        Ok(kubeconfig.clusters.remove(0).cluster.unwrap().server)
    }

    /// The first ones are kubectl's own answers.
    #[test]
    fn a_server_without_a_scheme_gets_one_as_in_client_go() {
        let none = serde_json::json!({});
        for (server, expected) in [
            ("127.0.0.1:9", "http://127.0.0.1:9"),
            ("localhost", "http://localhost"),
            ("[::1]:9", "http://[::1]:9"),
            ("https://10.0.0.1:6443/k8s/clusters/c-1", "https://10.0.0.1:6443/k8s/clusters/c-1"),
        ] {
            assert_eq!(completed(server, &none), Ok(Some(expected.to_owned())));
        }
        for more in [
            serde_json::json!({ "certificate-authority-data": "AA==" }),
            serde_json::json!({ "certificate-authority": "ca.crt" }),
            serde_json::json!({ "insecure-skip-tls-verify": true }),
        ] {
            assert_eq!(completed("10.0.0.1:6443", &more), Ok(Some("https://10.0.0.1:6443".to_owned())));
        }
        let insecure = serde_json::json!({ "insecure-skip-tls-verify": false });
        assert_eq!(completed("10.0.0.1", &insecure), Ok(Some("http://10.0.0.1".to_owned())));
    }

    #[test]
    fn an_empty_name_of_a_context_is_none() {
        let kubeconfig = |current: &str| -> Kubeconfig {
            let context = serde_json::json!({ "name": "here", "context": { "cluster": "c" } });
            let cluster = serde_json::json!({ "name": "c", "cluster": { "server": "localhost" } });
            let kubeconfig = serde_json::json!({ "current-context": current, "contexts": [context], "clusters": [cluster] });
            serde_json::from_value(kubeconfig).unwrap()
        };
        let completed = |current: &str, context: Option<&str>| {
            complete(&mut kubeconfig(current), context).map_err(|fault| fault.to_string())
        };
        assert_eq!(completed("here", Some("")), Ok("here".to_owned()));
        let not_set = KubeconfigError::CurrentContextNotSet.to_string();
        for context in [None, Some("")] {
            assert_eq!(completed("", context), Err(not_set.clone()));
        }
    }

    #[test]
    fn a_server_that_kubectl_refuses_is_named() {
        let none = serde_json::json!({});
        for server in [
            "https://",
            "https://a b",
            "ftp://127.0.0.1:9",
            "/tmp/x",
            "127.0.0.1:9/x/",
            "https://127.0.0.1:99999",
            "https://9:99999",
        ] {
            let complaint = format!(
                "the server of its cluster \"c\" is {server:?}: expected a URL with http or https, or host:port"
            );
            assert_eq!(completed(server, &none), Err(complaint));
        }
        assert_eq!(completed("", &none), Err("its cluster \"c\" has no server".to_owned()));
    }
}
