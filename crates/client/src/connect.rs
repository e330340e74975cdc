//! Configures the Kubernetes client: where the API server is, the user agent, and the layers of a request.

use http::{HeaderValue, header::USER_AGENT};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use thiserror::Error;

use crate::clock::ServerClock;
use crate::telemetry::{RequestCounter, TelemetryLayer};

/// Why there is no client.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    #[error("no cluster to talk to: {0}; set KUBECONFIG, pass --context, or run inside a cluster")]
    Infer(#[source] kube::config::InferConfigError),
    #[error("cannot use the kubeconfig: {0}")]
    Kubeconfig(#[source] kube::config::KubeconfigError),
    #[error("cannot make a client from the configuration: {0}")]
    Build(#[source] kube::Error),
}

/// Builds a client from the kubeconfig (`KUBECONFIG`, `~/.kube/config`) or, inside a cluster, from the service account;
/// `context` selects another context of the kubeconfig than the current one. Sends nothing yet.
///
/// Every answer updates `requests` and `clock`.
///
/// kube sends no `User-Agent` of its own and retries 429 and 503 silently for minutes. Here every request has one, and
/// the caller sees a refusal at once and retries with its own backoff.
pub async fn connect(
    context: Option<&str>,
    user_agent: &str,
    requests: RequestCounter,
    clock: ServerClock,
) -> Result<Client, ClientError> {
    let mut config = load(context).await?;
    config.default_retry = false;
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        config.headers.push((USER_AGENT, value));
    }
    let builder = ClientBuilder::try_from(config).map_err(ClientError::Build)?;
    Ok(builder.with_layer(&TelemetryLayer::new(requests, clock)).build())
}

async fn load(context: Option<&str>) -> Result<Config, ClientError> {
    let Some(context) = context else {
        return Config::infer().await.map_err(ClientError::Infer);
    };
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let kubeconfig = Kubeconfig::read().map_err(ClientError::Kubeconfig)?;
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(ClientError::Kubeconfig)
}
