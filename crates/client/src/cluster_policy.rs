//! The `TagPolicy` of a cluster, read once by commands.

use std::collections::BTreeMap;

use kube::{Api, Client};
use serde::Deserialize;
use tagwatch_core::policy::TagPolicySpec;
use tagwatch_k8s::tag_policy::TagPolicy;
use thiserror::Error;

use crate::call::{CallError, LIST_LIMIT, call};

/// Why the policy of a cluster could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReadPolicyError {
    #[error("cannot read the TagPolicy {name}: {source}")]
    Call { name: String, source: CallError },
    #[error("the spec of the TagPolicy {name} cannot be read: {source}")]
    Spec { name: String, source: serde_json::Error },
}

/// A policy as the cluster stores it.
#[derive(Debug, Clone, Default)]
pub struct ClusterPolicy {
    /// Labels of the object.
    pub labels: BTreeMap<String, String>,
    /// The spec as written, not yet compiled.
    pub spec: TagPolicySpec,
}

/// Reads a policy by name; `None` when there is no such object, or no `CustomResourceDefinition` for policies.
///
/// # Errors
/// When the request fails, or this version cannot read the spec.
pub async fn read_policy(client: &Client, name: &str) -> Result<Option<ClusterPolicy>, ReadPolicyError> {
    let api: Api<TagPolicy> = Api::all(client.clone());
    let found = call(LIST_LIMIT, api.get_opt(name)).await;
    let found = found.map_err(|source| ReadPolicyError::Call { name: name.to_owned(), source })?;
    let Some(policy) = found.filter(|policy| !policy.spec.is_null()) else { return Ok(None) };
    let labels = policy.metadata.labels.unwrap_or_default();
    TagPolicySpec::deserialize(policy.spec)
        .map(|spec| Some(ClusterPolicy { labels, spec }))
        .map_err(|source| ReadPolicyError::Spec { name: name.to_owned(), source })
}
