//! Configures the Kubernetes client: where the API server is, the user agent, and the layers of a request.

use std::fmt;
use std::path::PathBuf;

use http::{HeaderValue, header::USER_AGENT};
use kube::client::ClientBuilder;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tagwatch_core::text::UntrustedText;
use thiserror::Error;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::util::MapResponseLayer;

use crate::clock::ServerClock;
use crate::kubeconfig::{self, KubeconfigFault};
use crate::put_off;
use crate::retry_after::RetryAfter;
use crate::telemetry::{RequestCounter, TelemetryLayer};

/// Which cluster to talk to. By default that of the kubeconfig (`KUBECONFIG`, `~/.kube/config`) or, inside a cluster, of
/// the service account.
#[derive(Debug, Clone, Default)]
pub struct ClusterChoice {
    /// A kubeconfig, in place of the default ones.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig other than the current one.
    pub context: Option<String>,
}

/// What becomes of a request that the API server puts off (429, or an error with `Retry-After`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnThrottling {
    /// It fails at once: a controller has a backoff of its own.
    Fail,
    /// A read waits as the server asks, and is repeated: for a command that asks once.
    Wait,
}

/// Requests that may wait for a connection, as in kube's own client.
const BUFFERED_REQUESTS: usize = 1024;

/// A client, and what it talks to.
#[derive(Clone)]
pub struct Connection {
    /// Counts its requests, and reads the server's clock off each answer.
    pub client: Client,
    /// The API server, for messages.
    pub server: ServerName,
}

/// An API server, as messages name it: `server https://10.0.0.1:6443, context prod`. Safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName {
    url: String,
    /// `None` inside a cluster.
    context: Option<String>,
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}", self.url)?;
        match &self.context {
            Some(context) => write!(f, ", context {}", UntrustedText::from(context.as_str()).terminal()),
            None => Ok(()),
        }
    }
}

/// Why there is no client.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    #[error(
        "no cluster to talk to: {why}; set KUBECONFIG, pass --kubeconfig or --context, or run inside a cluster"
    )]
    Infer { why: String },
    #[error("cannot use the kubeconfig: {0}")]
    Kubeconfig(#[source] KubeconfigFault),
    #[error("cannot make a client from the configuration: {source} ({server})")]
    Build { server: ServerName, source: kube::Error },
}

/// Builds a client for a cluster. Sends nothing yet.
///
/// Every answer updates `requests` and `clock`.
///
/// kube sends no `User-Agent` of its own and retries 429 and 503 silently for minutes. Here every request has one, and
/// `throttling` says what becomes of a refusal.
pub async fn connect(
    choice: &ClusterChoice,
    user_agent: &str,
    requests: RequestCounter,
    clock: ServerClock,
    throttling: OnThrottling,
) -> Result<Connection, ClientError> {
    let (mut config, context) = load(choice).await?;
    config.default_retry = false;
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        config.headers.push((USER_AGENT, value));
    }
    let url = config.cluster_url.to_string();
    let server = ServerName { url: url.trim_end_matches('/').to_owned(), context };
    let builder = ClientBuilder::try_from(config)
        .map_err(|source| ClientError::Build { server: server.clone(), source })?;
    let builder = builder
        .with_layer(&TelemetryLayer::new(requests, clock))
        .with_layer(&MapResponseLayer::new(put_off::with_status));
    let client = match throttling {
        OnThrottling::Fail => builder.build(),
        // The service of kube cannot be cloned, as a retry needs it; the buffer can.
        OnThrottling::Wait => builder
            .with_layer(&BufferLayer::new(BUFFERED_REQUESTS))
            .with_layer(&RetryLayer::new(RetryAfter::default()))
            .build(),
    };
    Ok(Connection { client, server })
}

/// The configuration, and the name of the context that it comes from. Without a choice, a service account is the second.
async fn load(choice: &ClusterChoice) -> Result<(Config, Option<String>), ClientError> {
    let ClusterChoice { kubeconfig, context } = choice;
    let fault = match from_kubeconfig(choice).await {
        Ok((config, context)) => return Ok((config, Some(context))),
        Err(fault) if kubeconfig.is_some() || context.is_some() => {
            return Err(ClientError::Kubeconfig(fault));
        }
        Err(fault) => fault,
    };
    match Config::incluster() {
        Ok(config) => Ok((config, None)),
        // Outside a cluster only the kubeconfig matters.
        Err(InClusterError::ReadEnvironmentVariable(_)) => Err(ClientError::Infer { why: fault.to_string() }),
        Err(error) => Err(ClientError::Infer { why: format!("{error}; {fault}") }),
    }
}

async fn from_kubeconfig(choice: &ClusterChoice) -> Result<(Config, String), KubeconfigFault> {
    let ClusterChoice { kubeconfig, context } = choice;
    let mut kubeconfig = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path)?,
        None => kubeconfig::read()?,
    };
    let context = kubeconfig::complete(&mut kubeconfig, context.as_deref())?;
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    Ok((Config::from_custom_kubeconfig(kubeconfig, &options).await?, context))
}
