//! Whether the API server serves a resource. Discovery tells it also for an aggregated server, which has no
//! definition object.

use kube::Client;

use super::{CallError, LIST_LIMIT, call};

/// Whether a resource is served in a `group/version`.
pub(crate) async fn is_served(client: &Client, group_version: &str, plural: &str) -> Result<bool, CallError> {
    match call(LIST_LIMIT, client.list_api_group_resources(group_version)).await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == plural)),
        Err(error) if error.code() == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}
