//! Metadata of watched objects: what identifies, dates and owns them.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, OwnerReference, Time};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use tagwatch_core::kinds::REVISION_ANNOTATIONS;
use tagwatch_core::workload::{Contacts, IgnoreAnnotations};

use super::text::TextVisitor;

/// Annotations that tagwatch reads. The first is a prefix: everything under our own domain.
const KEPT_PREFIX: &str = "tagwatch.dev/";
/// Set by the kubelet on the API server's image of a static pod.
pub(super) const MIRROR_POD: &str = "kubernetes.io/config.mirror";
/// Set by the controller of a `StatefulSet`: the `ControllerRevision` that a pod was made from.
pub(super) const CONTROLLER_REVISION: &str = "controller-revision-hash";

/// Set on a pod template by `kubectl rollout restart`.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Decodes metadata into the type that kube asks for, with labels, `managedFields`, finalizers, foreign
/// annotations and non-controlling owners left out.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Option::<WireMeta<IgnoredAny>>::deserialize(deserializer).map(|wire| wire.unwrap_or_default().into())
}

/// As [`deserialize`], with the labels, and with the annotations that name contacts.
pub(super) fn deserialize_namespace<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ObjectMeta, D::Error> {
    let wire = Option::<WireMeta<BTreeMap<String, String>, NamespaceAnnotations>>::deserialize(deserializer)?;
    let mut wire = wire.unwrap_or_default();
    let labels = wire.labels.take();
    Ok(ObjectMeta { labels, ..wire.into() })
}

/// As [`deserialize`], with the label that names the revision of a pod, and of `managedFields` one entry: when a field of
/// the spec was last written.
pub(super) fn deserialize_of_pod<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let wire = Option::<WireMeta<RevisionLabel, KeptAnnotations, Vec<WireManagedFields>>>::deserialize(
        deserializer,
    )?;
    let mut wire = wire.unwrap_or_default();
    let revision = wire.labels.take().and_then(|label| label.0);
    let labels = revision.map(|revision| BTreeMap::from([(CONTROLLER_REVISION.to_owned(), revision)]));
    let written = wire.managed_fields.take().unwrap_or_default();
    let written = written.into_iter().filter(WireManagedFields::owns_spec).map(WireManagedFields::time).max();
    let managed_fields =
        written.map(|time| vec![ManagedFieldsEntry { time: Some(Time(time)), ..Default::default() }]);
    Ok(ObjectMeta { labels, managed_fields, ..wire.into() })
}

/// Metadata as [`deserialize`] decodes it, and when a field of the spec or the status was last written.
pub(super) struct DatedMeta {
    pub(super) metadata: ObjectMeta,
    pub(super) written: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for DatedMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Wire = WireMeta<IgnoredAny, KeptAnnotations, Vec<WireManagedFields>>;
        let mut wire = Option::<Wire>::deserialize(deserializer)?.unwrap_or_default();
        let written = wire.managed_fields.take().unwrap_or_default();
        let written = written.into_iter().filter(|entry| entry.owns_spec() || entry.is_of_status());
        Ok(Self { written: written.map(WireManagedFields::time).max(), metadata: wire.into() })
    }
}

/// Metadata as the API server sends it. `L` is what the labels decode into, `A` what the annotations do and `M` what
/// `managedFields` do, so that they are skipped where they are not kept.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireMeta<L, A = KeptAnnotations, M = IgnoredAny> {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<WireTime>,
    deletion_timestamp: Option<WireTime>,
    deletion_grace_period_seconds: Option<i64>,
    owner_references: Option<Vec<OwnerReference>>,
    labels: Option<L>,
    annotations: Option<A>,
    managed_fields: Option<M>,
}

impl<L, A: Into<BTreeMap<String, String>>, M> From<WireMeta<L, A, M>> for ObjectMeta {
    fn from(wire: WireMeta<L, A, M>) -> Self {
        Self {
            name: wire.name,
            namespace: wire.namespace,
            uid: wire.uid,
            resource_version: wire.resource_version,
            generation: wire.generation,
            creation_timestamp: wire.creation_timestamp.and_then(|time| time.0).map(Time),
            // That an object is being deleted matters more than when: a time that we cannot read still counts.
            deletion_timestamp: wire.deletion_timestamp.map(|time| Time(time.0.unwrap_or(Timestamp::MAX))),
            deletion_grace_period_seconds: wire.deletion_grace_period_seconds,
            owner_references: wire.owner_references.and_then(controller_only),
            annotations: wire.annotations.map(Into::into).filter(|kept: &BTreeMap<_, _>| !kept.is_empty()),
            ..Self::default()
        }
    }
}

fn controller_only(owners: Vec<OwnerReference>) -> Option<Vec<OwnerReference>> {
    let controller = owners.into_iter().find(|owner| owner.controller == Some(true))?;
    Some(vec![controller])
}

/// Metadata of a pod template, of which the annotations that exempt count.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct TemplateMeta {
    annotations: Option<KeptAnnotations>,
}

impl TemplateMeta {
    pub(super) fn ignore(&self) -> IgnoreAnnotations {
        self.annotations.as_ref().map(|kept| ignore_of(&kept.0)).unwrap_or_default()
    }

    /// When the pods were last restarted.
    pub(super) fn restarted_at(&self) -> Option<Timestamp> {
        self.annotations.as_ref()?.0.get(RESTARTED_AT)?.parse().ok()
    }
}

/// Annotations that exempt findings, in little space: few objects have any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SlimIgnore(Option<Box<IgnoreAnnotations>>);

impl SlimIgnore {
    /// The annotations of the object; all `None` where it has none.
    pub fn get(&self) -> IgnoreAnnotations {
        self.0.as_deref().cloned().unwrap_or_default()
    }
}

impl From<IgnoreAnnotations> for SlimIgnore {
    fn from(ignore: IgnoreAnnotations) -> Self {
        Self((ignore != IgnoreAnnotations::default()).then(|| Box::new(ignore)))
    }
}

/// The annotations that exempt findings.
pub(super) fn ignore_of(annotations: &BTreeMap<String, String>) -> IgnoreAnnotations {
    IgnoreAnnotations::from_annotations(|key| annotations.get(key).map(String::as_str))
}

/// A time that never fails an object, and with it the list that it is in: Go formats times beyond the year 9999,
/// and our calendar ends there.
#[derive(Debug, Clone)]
pub(super) struct WireTime(pub(super) Option<Timestamp>);

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|text: &str| text.parse().ok())).map(Self)
    }
}

/// Of the labels of a pod, the one that names its revision.
#[derive(Default)]
struct RevisionLabel(Option<String>);

impl<'de> Deserialize<'de> for RevisionLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor).map(Self)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut revision = None;
        while let Some(IsRevision(is_revision)) = map.next_key()? {
            if is_revision {
                revision = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(revision)
    }
}

/// The key of a label: whether it names a revision.
struct IsRevision(bool);

impl<'de> Deserialize<'de> for IsRevision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|key: &str| key == CONTROLLER_REVISION)).map(Self)
    }
}

/// An entry of `managedFields`: when one manager last changed a field that it owns (KEP-555, "Server-side apply").
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireManagedFields {
    time: Option<WireTime>,
    /// Whether a field of the spec is among them.
    fields_v1: Option<OwnsSpec>,
    /// Through which subresource they were written.
    subresource: Option<IsStatus>,
}

impl WireManagedFields {
    fn owns_spec(&self) -> bool {
        self.fields_v1.as_ref().is_some_and(|fields| fields.0)
    }

    fn is_of_status(&self) -> bool {
        self.subresource.as_ref().is_some_and(|subresource| subresource.0)
    }

    /// A time that is not there, or that we cannot read, may be any.
    fn time(self) -> Timestamp {
        self.time.and_then(|time| time.0).unwrap_or(Timestamp::MAX)
    }
}

/// Of a subresource, whether it is the status.
struct IsStatus(bool);

impl<'de> Deserialize<'de> for IsStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|name: &str| name == "status")).map(Self)
    }
}

/// Of a set of fields, whether it holds one of the spec.
#[derive(Default)]
struct OwnsSpec(bool);

impl<'de> Deserialize<'de> for OwnsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldSetVisitor).map(Self)
    }
}

struct FieldSetVisitor;

impl<'de> Visitor<'de> for FieldSetVisitor {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a set of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut owns_spec = false;
        while let Some(IsSpec(is_spec)) = map.next_key()? {
            owns_spec |= is_spec;
            map.next_value::<IgnoredAny>()?;
        }
        Ok(owns_spec)
    }
}

/// A key of a set of fields: whether it is the spec.
struct IsSpec(bool);

impl<'de> Deserialize<'de> for IsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|key: &str| key == "f:spec")).map(Self)
    }
}

/// The annotations of an object that tagwatch reads.
#[derive(Default)]
pub(super) struct KeptAnnotations(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for KeptAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_kept = |key: &str| {
            key.starts_with(KEPT_PREFIX)
                || [MIRROR_POD, RESTARTED_AT].contains(&key)
                || REVISION_ANNOTATIONS.contains(&key)
        };
        deserializer.deserialize_map(AnnotationsVisitor(is_kept)).map(Self)
    }
}

impl From<KeptAnnotations> for BTreeMap<String, String> {
    fn from(KeptAnnotations(kept): KeptAnnotations) -> Self {
        kept
    }
}

/// The annotations of a namespace that tagwatch reads.
#[derive(Default)]
struct NamespaceAnnotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for NamespaceAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_kept = |key: &str| key.starts_with(KEPT_PREFIX) || Contacts::KEYS.contains(&key);
        deserializer.deserialize_map(AnnotationsVisitor(is_kept)).map(Self)
    }
}

impl From<NamespaceAnnotations> for BTreeMap<String, String> {
    fn from(NamespaceAnnotations(kept): NamespaceAnnotations) -> Self {
        kept
    }
}

/// Keeps the annotations whose key is admitted; values of others are skipped.
struct AnnotationsVisitor(fn(&str) -> bool);

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(key) = map.next_key_seed(KeptKey(self.0))? {
            match key {
                Some(key) => {
                    kept.insert(key, map.next_value::<Option<String>>()?.unwrap_or_default());
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(kept)
    }
}

/// The key of an annotation, if it is kept.
struct KeptKey(fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for KeptKey {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(TextVisitor(|key: &str| self.0(key).then(|| key.to_owned())))
    }
}
