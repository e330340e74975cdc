//! Whether the API server serves a resource. Discovery answers this for an aggregated API server too, which has no
//! `CustomResourceDefinition` object.

use kube::Client;

use crate::call::{CallError, LIST_LIMIT, call};

/// Whether the API server serves `plural` in a `group/version`.
pub async fn is_served(client: &Client, group_version: &str, plural: &str) -> Result<bool, CallError> {
    match call(LIST_LIMIT, client.list_api_group_resources(group_version)).await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == plural)),
        Err(error) if error.code() == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}
