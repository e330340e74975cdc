//! A namespace of its own for each test.

use std::{fmt, time::Duration};

use anyhow::{Context, Result};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{self, ServiceAccount},
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, ObjectMeta, PostParams},
};

use crate::eventually;

/// The controller manager needs about a second to begin its work.
const ACCOUNT_LIMIT: Duration = Duration::from_secs(30);

/// A namespace with a generated name. [`delete`](Self::delete) removes it; dropping it does so without waiting.
pub struct Namespace {
    client: Client,
    name: String,
    deleted: bool,
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name).finish()
    }
}

impl Namespace {
    /// Creates a namespace whose name begins with `prefix`, and waits until pods can be created in it: the
    /// API server refuses them until there is a default service account.
    ///
    /// # Errors
    /// It could not be created, or the controller manager made no service account in time.
    pub async fn create(client: &Client, prefix: &str) -> Result<Self> {
        let wanted = v1::Namespace {
            metadata: ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() },
            ..v1::Namespace::default()
        };
        let created = Api::all(client.clone()).create(&PostParams::default(), &wanted).await?;
        let name = created.metadata.name.context("the API server gave the namespace no name")?;
        let namespace = Self { client: client.clone(), name, deleted: false };
        let accounts: Api<ServiceAccount> = namespace.api();
        eventually(ACCOUNT_LIMIT, "a default service account", || async {
            Ok(accounts.get("default").await?)
        })
        .await?;
        Ok(namespace)
    }

    /// Unique in the control plane.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client that created it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// An API for one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Asks for the deletion, which the controller manager carries out.
    ///
    /// # Errors
    /// The API server refused.
    pub async fn delete(mut self) -> Result<()> {
        delete(self.client.clone(), self.name.clone()).await?;
        self.deleted = true;
        Ok(())
    }
}

async fn delete(client: Client, name: String) -> Result<()> {
    let namespaces: Api<v1::Namespace> = Api::all(client);
    match namespaces.delete(&name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        outcome => outcome.map(drop).with_context(|| format!("delete namespace {name}")),
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A failed test did not delete it. Without a runtime the whole control plane is about to end.
        if let (false, Ok(runtime)) = (self.deleted, tokio::runtime::Handle::try_current()) {
            runtime.spawn(delete(self.client.clone(), std::mem::take(&mut self.name)));
        }
    }
}
