//! One question to one registry.

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

use super::allowed::{Network, RegistryHost, may_connect};
use super::resolve::{FORBIDDEN, GuardedResolver};

/// A registry has this long to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// What a client of the distribution specification takes.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// Header with the digest of the manifest.
const DIGEST: &str = "docker-content-digest";

/// Asks registries.
pub(super) struct Asker {
    client: Client<HttpsConnector<HttpConnector<GuardedResolver>>, Empty<&'static [u8]>>,
    networks: Arc<[Network]>,
    user_agent: String,
}

impl Asker {
    /// # Errors
    /// The system's root certificates cannot be read.
    pub(super) fn new(networks: Arc<[Network]>, user_agent: String) -> std::io::Result<Self> {
        let mut http = HttpConnector::new_with_resolver(GuardedResolver(Arc::clone(&networks)));
        http.enforce_http(false);
        http.set_connect_timeout(Some(LIMIT));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Ok(Self { client, networks, user_agent })
    }

    /// The digest that a tag has, or why nobody knows: a text without anything that the registry wrote.
    pub(super) async fn digest(
        &self,
        registry: &RegistryHost,
        reference: &Reference,
    ) -> Result<String, String> {
        let tag = reference.tag_or_default().unwrap_or_default();
        let url = format!("{}/v2/{}/manifests/{tag}", registry.base(), reference.repository());
        let request = Request::builder()
            .method(Method::HEAD)
            .uri(&url)
            .header(ACCEPT, MANIFESTS)
            .header(USER_AGENT, &self.user_agent)
            .body(Empty::new())
            .map_err(|_| "its URL cannot be made".to_owned())?;
        // The connector resolves names alone: it connects to an address in a URL unasked.
        if let Some(address) = request.uri().host().and_then(literal)
            && !may_connect(address, &self.networks)
        {
            return Err(FORBIDDEN.to_owned());
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

/// The error's own text may hold what the registry sent.
fn unreachable(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause = error.source();
    while let Some(known) = cause {
        if known.to_string().contains(FORBIDDEN) {
            return FORBIDDEN.to_owned();
        }
        cause = known.source();
    }
    if error.is_connect() {
        "it cannot be connected to".to_owned()
    } else {
        "its answer is no HTTP".to_owned()
    }
}
