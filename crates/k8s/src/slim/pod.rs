//! Pods.

use std::borrow::Cow;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use tagwatch_core::text::UntrustedText;

use super::pod_spec::ScheduledImages;
use super::pod_status::WirePodStatus;
use super::text::TextVisitor;
use super::{PodImages, Sighting, SlimObject, meta};
use crate::kind::WatchedKind;
use crate::owner::OwnerId;

/// A pod. Decoded, read into an index and dropped: a cluster has a hundred thousand of them.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimPod {
    #[serde(default, deserialize_with = "meta::deserialize")]
    metadata: ObjectMeta,
    spec: Option<ScheduledImages>,
    #[serde(default)]
    status: Option<WirePodStatus>,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PodPhase {
    /// Not all of its containers have started; also a pod whose status nobody has written yet.
    #[default]
    Pending,
    /// At least one container runs, or is starting or restarting.
    Running,
    /// Every container has ended well.
    Succeeded,
    /// Every container has ended, at least one of them badly.
    Failed,
    /// The node does not answer, or a phase that this version does not know.
    Unknown,
}

impl<'de> Deserialize<'de> for PodPhase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|phase: &str| match phase {
            "" | "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }))
    }
}

impl SlimPod {
    /// How far the pod has come.
    pub fn phase(&self) -> PodPhase {
        self.status.as_ref().and_then(|status| status.phase).unwrap_or_default()
    }

    /// The node that it runs on, once it is scheduled.
    pub fn node(&self) -> Option<&str> {
        self.spec.as_ref()?.node.as_ref().map(UntrustedText::raw)
    }

    /// What its containers' statuses tell of their images, in the order of its spec.
    pub fn sightings(&self) -> Vec<Sighting> {
        match (&self.spec, &self.status) {
            (Some(spec), Some(status)) => status.sightings(&spec.images, self.metadata.generation),
            _ => Vec::new(),
        }
    }

    /// Somebody has asked for its deletion, and its containers are being stopped.
    pub fn is_terminating(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// The API server's image of a static pod, which the kubelet runs from a file of its own.
    pub fn is_mirror(&self) -> bool {
        self.metadata
            .annotations
            .as_ref()
            .is_some_and(|annotations| annotations.contains_key(meta::MIRROR_POD))
    }
}

impl SlimObject for SlimPod {
    fn watched_kind(&self) -> WatchedKind {
        WatchedKind::Pod
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn images(&self) -> Option<&PodImages> {
        self.spec.as_ref().map(|spec| &spec.images)
    }

    fn is_finished(&self) -> bool {
        matches!(self.phase(), PodPhase::Succeeded | PodPhase::Failed)
    }

    fn owner(&self) -> Option<OwnerId> {
        OwnerId::controller_of(&self.metadata).filter(|_| !self.is_mirror())
    }
}

impl kube_core::Resource for SlimPod {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dynamic: &()) -> Cow<'_, str> {
        Pod::kind(dynamic)
    }

    fn group(dynamic: &()) -> Cow<'_, str> {
        Pod::group(dynamic)
    }

    fn version(dynamic: &()) -> Cow<'_, str> {
        Pod::version(dynamic)
    }

    fn plural(dynamic: &()) -> Cow<'_, str> {
        Pod::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
