//! Namespaces, of which the name, the labels and the exempting annotations are kept.

use k8s_openapi::api::core::v1::Namespace as Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use tagwatch_core::workload::Namespace;

use super::meta;
use super::resource::resource_of;

/// A namespace: its labels, and its annotations that exempt.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimNamespace {
    #[serde(default, deserialize_with = "meta::deserialize_with_labels")]
    metadata: ObjectMeta,
}

impl SlimNamespace {
    /// Its name; empty only for an object that no API server has stored.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// What judging asks of a namespace.
    pub fn to_namespace(&self) -> Namespace {
        Namespace {
            labels: self.metadata.labels.clone().unwrap_or_default(),
            ignore: self.metadata.annotations.as_ref().map(meta::ignore_of).unwrap_or_default(),
        }
    }
}

resource_of!(SlimNamespace, Kind);
