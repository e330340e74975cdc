//! Namespaces, of which the name, the labels and the exempting annotations are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::api::core::v1::Namespace as Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::Resource;
use serde::{Deserialize, Deserializer};
use tagwatch_core::workload::Namespace;

use super::meta::{self, KeptAnnotations};

/// A namespace: its labels, and its annotations that exempt.
#[derive(Debug, Clone)]
pub struct SlimNamespace {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    metadata: WireMeta,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireMeta {
    name: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<KeptAnnotations>,
}

impl<'de> Deserialize<'de> for SlimNamespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireMeta { name, uid, resource_version, labels, annotations } =
            Wire::deserialize(deserializer)?.metadata;
        let annotations = annotations.map(|kept| kept.0).filter(|kept| !kept.is_empty());
        let metadata =
            ObjectMeta { name, uid, resource_version, labels, annotations, ..ObjectMeta::default() };
        Ok(Self { metadata })
    }
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

impl Resource for SlimNamespace {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind(dynamic: &()) -> Cow<'_, str> {
        Kind::kind(dynamic)
    }

    fn group(dynamic: &()) -> Cow<'_, str> {
        Kind::group(dynamic)
    }

    fn version(dynamic: &()) -> Cow<'_, str> {
        Kind::version(dynamic)
    }

    fn plural(dynamic: &()) -> Cow<'_, str> {
        Kind::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
