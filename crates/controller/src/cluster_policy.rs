//! The policy of a cluster, read once: what commands start from.

use std::collections::BTreeMap;

use kube::{Api, Client};
use serde::Deserialize;
use tagwatch_core::policy::TagPolicySpec;
use tagwatch_k8s::tag_policy::TagPolicy;
use thiserror::Error;

use crate::api::{CallError, LIST_LIMIT, call};

/// Why the policy of a cluster could not be read.
#[derive(Debug, Error)]
pub enum ReadPolicyError {
    /// The API server did not give it.
    #[error("cannot read the TagPolicy {name}: {source}")]
    Call {
        /// Its name.
        name: String,
        /// Why not.
        source: CallError,
    },
    /// It holds what this version does not know.
    #[error("the spec of the TagPolicy {name} cannot be read: {source}")]
    Spec {
        /// Its name.
        name: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// A policy as it is in the cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterPolicy {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What somebody wrote.
    pub spec: TagPolicySpec,
}

/// A policy by its name; `None` where there is none of that name, or no definition of policies.
///
/// # Errors
/// When the API server refuses, or the spec is none that this version knows.
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
