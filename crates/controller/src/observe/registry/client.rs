//! Requests to one registry.

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tagwatch_core::reference::Reference;
use tokio::time::timeout;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::allowed::{Network, RegistryHost, may_connect};
use super::resolve::{GuardedResolver, ResolveError};

/// Time limit of a request.
const LIMIT: Duration = Duration::from_secs(10);
/// The media types of the distribution specification.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// Why no registry is asked over TLS.
const NO_ROOTS: &str = "there are no root certificates to check it by (SSL_CERT_FILE)";
const DIGEST: &str = "docker-content-digest";

/// Asks registries for digests.
pub(super) struct RegistryClient {
    client: Client<HttpsConnector<HttpConnector<GuardedResolver>>, Empty<&'static [u8]>>,
    /// Whether there are root certificates to verify a registry.
    has_roots: bool,
    networks: Arc<[Network]>,
    user_agent: String,
}

impl RegistryClient {
    pub(super) fn new(networks: Arc<[Network]>, user_agent: String) -> Self {
        let mut http = HttpConnector::new_with_resolver(GuardedResolver(Arc::clone(&networks)));
        http.enforce_http(false);
        http.set_connect_timeout(Some(LIMIT));
        let (tls, has_roots) = match HttpsConnectorBuilder::new().with_native_roots() {
            Ok(tls) => (tls, true),
            Err(error) => {
                tracing::error!(%error, "no root certificates: only registries without TLS are asked");
                let none = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
                (HttpsConnectorBuilder::new().with_tls_config(none.with_no_client_auth()), false)
            }
        };
        let https = tls.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Self { client, has_roots, networks, user_agent }
    }

    /// The digest of a tag, or why it is unknown: a text without anything that the registry sent.
    pub(super) async fn digest(
        &self,
        registry: &RegistryHost,
        reference: &Reference,
    ) -> Result<String, String> {
        if !self.has_roots && !registry.is_plain {
            return Err(NO_ROOTS.to_owned());
        }
        let tag = reference.tag_or_default().unwrap_or_default();
        let url = format!("{}/v2/{}/manifests/{tag}", registry.base(), reference.repository());
        let request = Request::builder()
            .method(Method::HEAD)
            .uri(&url)
            .header(ACCEPT, MANIFESTS)
            .header(USER_AGENT, &self.user_agent)
            .body(Empty::new())
            .map_err(|_| "its URL cannot be made".to_owned())?;
        // The connector resolves names only: it connects to an address in a URL without asking the resolver.
        if let Some(address) = request.uri().host().and_then(literal)
            && !may_connect(address, &self.networks)
        {
            return Err(ResolveError::Forbidden.to_string());
        }
        match timeout(LIMIT, self.client.request(request)).await {
            Err(_elapsed) => Err(format!("no answer within {} s", LIMIT.as_secs())),
            Ok(Err(error)) => Err(unreachable(&error)),
            Ok(Ok(response)) => read(response.status(), response.headers(), reference),
        }
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn read(status: StatusCode, headers: &HeaderMap, reference: &Reference) -> Result<String, String> {
    if status != StatusCode::OK {
        return Err(match status.as_u16() {
            401 | 403 => format!("it asks for credentials ({})", status.as_u16()),
            404 => "it has no such tag (404)".to_owned(),
            429 => "it limits requests (429)".to_owned(),
            code @ 300..=399 => format!("it redirects, which is not followed ({code})"),
            code => format!("it answers {code}"),
        });
    }
    let digest = headers.get(DIGEST).and_then(|value| value.to_str().ok());
    let is_digest = |digest: &&str| Reference::parse(&format!("{}@{digest}", reference.name())).is_ok();
    digest.filter(is_digest).map(str::to_owned).ok_or_else(|| "it names no digest".to_owned())
}

/// The text of the error itself may contain what the registry sent.
fn unreachable(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause = error.source();
    while let Some(known) = cause {
        if let Some(ResolveError::Forbidden) = known.downcast_ref::<ResolveError>() {
            return ResolveError::Forbidden.to_string();
        }
        cause = known.source();
    }
    if error.is_connect() {
        "it cannot be connected to".to_owned()
    } else {
        "its answer is no HTTP".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn client(networks: &[&str]) -> RegistryClient {
        let networks: Vec<Network> = networks.iter().map(|text| text.parse().unwrap()).collect();
        RegistryClient::new(networks.into(), "tagwatch-test".to_owned())
    }

    async fn ask(client: &RegistryClient, host: &str) -> Result<String, String> {
        let reference = Reference::parse("registry.example.com/shop/web:1").unwrap();
        client.digest(&host.parse().unwrap(), &reference).await
    }

    #[tokio::test]
    async fn a_registry_is_asked_only_at_a_listed_address() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let digest = format!("sha256:{}", "a".repeat(64));
        let answer =
            format!("HTTP/1.1 200 OK\r\nDocker-Content-Digest: {digest}\r\nConnection: close\r\n\r\n");
        let serving = tokio::spawn(async move {
            let mut requests = 0;
            let (mut stream, _) = listener.accept().await.unwrap();
            requests += stream.read(&mut [0; 1024]).await.map(|_| 1).unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            requests
        });
        assert_eq!(ask(&client(&[]), &host).await, Err(ResolveError::Forbidden.to_string()));
        assert!(!serving.is_finished());
        assert_eq!(ask(&client(&["127.0.0.0/8"]), &host).await, Ok(digest));
        assert_eq!(serving.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn without_root_certificates_no_registry_is_asked_over_tls() {
        let client = RegistryClient { has_roots: false, ..client(&[]) };
        assert_eq!(ask(&client, "registry.example.com").await, Err(NO_ROOTS.to_owned()));
    }
}
