//! Namespaces, of which the name, the labels, and the annotations that exempt or name contacts are kept.

use k8s_openapi::api::core::v1::Namespace as Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use tagwatch_core::workload::{Contacts, Namespace};

use super::meta;
use super::resource::resource_of;

/// A namespace: its labels, and its annotations that exempt or name contacts.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimNamespace {
    #[serde(default, deserialize_with = "meta::deserialize_namespace")]
    metadata: ObjectMeta,
}

impl SlimNamespace {
    /// Its name; empty only for an object that no API server has stored.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// What judging asks of a namespace.
    pub fn to_namespace(&self) -> Namespace {
        let annotations = self.metadata.annotations.as_ref();
        let annotation = |key: &str| annotations?.get(key).map(String::as_str);
        Namespace {
            labels: self.metadata.labels.clone().unwrap_or_default(),
            ignore: annotations.map(meta::ignore_of).unwrap_or_default(),
            contacts: Contacts::from_annotations(annotation),
        }
    }
}

resource_of!(SlimNamespace, Kind);
