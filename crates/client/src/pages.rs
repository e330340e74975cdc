//! Lists in pages, so that a client holds one page at a time.

use std::fmt::Debug;

use kube::Api;
use kube::api::ListParams;
use serde::de::DeserializeOwned;

use crate::call::{CallError, LIST_LIMIT, call};

/// Calls `read` for each page of a list, with at most `page` objects in an answer; of those with these labels, if any are
/// given. Returns the resource version of the list. Each request has [`LIST_LIMIT`].
///
/// # Errors
/// When a request fails. What was read before stays read.
pub async fn each_page<K>(
    api: &Api<K>,
    labels: &str,
    page: u32,
    mut read: impl FnMut(Vec<K>),
) -> Result<String, CallError>
where
    K: Clone + Debug + DeserializeOwned,
{
    let mut params = ListParams::default().limit(page);
    if !labels.is_empty() {
        params = params.labels(labels);
    }
    loop {
        let answer = call(LIST_LIMIT, api.list(&params)).await?;
        read(answer.items);
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(answer.metadata.resource_version.unwrap_or_default()),
        }
    }
}
