//! Clients and kubeconfigs with other rights than the administrator's.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client,
    api::PostParams,
    config::{AuthInfo, Kubeconfig, NamedAuthInfo},
};

use super::ControlPlane;

/// Tokens of service accounts live for a day, longer than any test.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// A user or service account of the API server.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    /// The owner of this bearer token.
    Token(&'a str),
    /// A service account, by a token that is requested for it.
    ServiceAccount {
        /// Namespace of the service account.
        namespace: &'a str,
        /// Name of the service account.
        name: &'a str,
    },
}

impl ControlPlane {
    /// A new client with the rights of `identity`.
    ///
    /// # Errors
    /// There is no such service account.
    pub async fn client_as(&self, identity: Identity<'_>) -> Result<Client> {
        let token = token(&self.client().await?, identity).await?;
        let mut config = self.admin_config().await?;
        config.auth_info = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
        Ok(Client::try_from(config)?)
    }

    /// A bearer token of `identity`.
    ///
    /// # Errors
    /// There is no such service account.
    pub async fn token_of(&self, identity: Identity<'_>) -> Result<String> {
        token(&self.client().await?, identity).await
    }

    /// Writes a kubeconfig with the rights of `identity` into `folder`, and returns its path.
    ///
    /// # Errors
    /// There is no such service account, or the file cannot be written.
    pub async fn kubeconfig_as(&self, identity: Identity<'_>, folder: &Path) -> Result<PathBuf> {
        kubeconfig_as(&self.kubeconfig, &self.client().await?, identity, folder).await
    }
}

/// Writes a kubeconfig with the rights of `identity` into `folder`, and returns its path. It is that of `admin`,
/// whose `client` asks for tokens, with another user in its first context.
///
/// # Errors
/// There is no such service account, or the file cannot be written.
pub async fn kubeconfig_as(
    admin: &Kubeconfig,
    client: &Client,
    identity: Identity<'_>,
    folder: &Path,
) -> Result<PathBuf> {
    let token = token(client, identity).await?;
    let mut kubeconfig = admin.clone();
    let user = kubeconfig.contexts.first().and_then(|named| named.context.as_ref()?.user.clone());
    kubeconfig.auth_infos = vec![NamedAuthInfo {
        name: user.context("the administrator's kubeconfig names no user")?,
        auth_info: Some(AuthInfo { token: Some(token.into()), ..AuthInfo::default() }),
        ..NamedAuthInfo::default()
    }];
    let file = tempfile::Builder::new().prefix("kubeconfig-").tempfile_in(folder)?;
    serde_json::to_writer(&file, &kubeconfig)?;
    let (_, path) = file.keep()?;
    Ok(path)
}

async fn token(client: &Client, identity: Identity<'_>) -> Result<String> {
    let (namespace, name) = match identity {
        Identity::Token(token) => return Ok(token.to_owned()),
        Identity::ServiceAccount { namespace, name } => (namespace, name),
    };
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(name, &PostParams::default(), &request)
        .await
        .with_context(|| format!("a token for service account {namespace}/{name}"))?;
    answer.status.and_then(|status| status.token).context("the API server gave no token")
}
