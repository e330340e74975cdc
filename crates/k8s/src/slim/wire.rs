//! Objects of every watched kind as the API server sends them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube_core::DynamicResourceScope;
use kube_core::discovery::ApiResource;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::meta::DatedMeta;

/// An object as the API server sends it, with slim metadata and the text of every other field. It is read by
/// [`super::SlimObject::read`] and dropped at once.
///
/// It decodes from JSON text, and from a watch event whose `type` comes before its `object`, as API servers write it.
#[derive(Debug, Clone, Default)]
pub struct WireObject {
    pub(super) metadata: ObjectMeta,
    /// When its spec or its status was last written, as `managedFields` say.
    pub(super) written: Option<Timestamp>,
    fields: BTreeMap<String, Box<RawValue>>,
}

impl WireObject {
    /// The JSON of a field.
    pub(super) fn field(&self, name: &str) -> Option<&RawValue> {
        self.fields.get(name).map(|field| &**field)
    }

    /// Every field but the metadata and the status.
    pub(super) fn content(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.fields
            .iter()
            .filter(|(name, _)| *name != "status")
            .map(|(name, field)| (name.as_str(), &**field))
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = WireObject;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireObject, A::Error> {
        let mut object = WireObject::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let DatedMeta { metadata, written } = map.next_value()?;
                    (object.metadata, object.written) = (metadata, written);
                }
                "apiVersion" | "kind" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    object.fields.insert(key, map.next_value()?);
                }
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for WireObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl kube_core::Resource for WireObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
