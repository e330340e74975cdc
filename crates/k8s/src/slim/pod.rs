//! Pods, of which the owner, the node, the phase and the images of the containers are kept.

use k8s_openapi::Resource as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, IgnoreAnnotations};

use super::pod_spec::{DEFAULT_GRACE, ScheduledImages};
use super::pod_status::WirePodStatus;
use super::resource::resource_of;
use super::text::TextVisitor;
use super::{ContainerImageStatus, PodImages, meta};
use crate::key::WorkloadKey;

/// A pod. Decoded, read into an index and dropped: a cluster has a hundred thousand of them.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimPod {
    #[serde(default, deserialize_with = "meta::deserialize_of_pod")]
    metadata: ObjectMeta,
    spec: Option<ScheduledImages>,
    #[serde(default)]
    status: Option<WirePodStatus>,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PodPhase {
    /// Not all of its containers have started; also a pod whose status has not been written yet.
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

/// The deletion of a pod, as the API server fills it in when it is asked for
/// (`BeforeDelete` in `k8s.io/apiserver/pkg/registry/rest/delete.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodDeletion {
    /// `metadata.deletionTimestamp`: by then, every container is killed.
    pub deadline: Timestamp,
    /// `metadata.deletionGracePeriodSeconds`: how long that was ahead when the deletion was asked for.
    pub grace: Option<u64>,
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
    /// Namespace and name; empty only for a pod that no API server has stored.
    pub fn place(&self) -> (&str, &str) {
        let ObjectMeta { namespace, name, .. } = &self.metadata;
        (namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default())
    }

    /// `metadata.uid`, which differs for a pod that was created again under the same name.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The key of the pod as a workload of its own.
    pub fn key(&self) -> WorkloadKey {
        WorkloadKey::of(Pod::API_VERSION, Pod::KIND, &self.metadata)
    }

    /// Its controller. A mirror pod has none: its owner reference names its Node, which is no workload.
    pub fn owner(&self) -> Option<WorkloadKey> {
        WorkloadKey::controller_of(&self.metadata).filter(|_| !self.is_mirror())
    }

    /// The `ControllerRevision` that it was made from, as the controller of a `StatefulSet` or `DaemonSet` labels it.
    pub fn revision(&self) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(meta::CONTROLLER_REVISION).map(String::as_str)
    }

    /// The images of its spec.
    pub fn images(&self) -> PodImages {
        self.spec.as_ref().map(|spec| spec.images.clone()).unwrap_or_default()
    }

    /// The model that the engine judges.
    pub fn containers(&self) -> Vec<Container> {
        self.images().containers(PodImages::PATH_IN_POD)
    }

    /// Its own annotations that exempt.
    pub fn ignore(&self) -> IgnoreAnnotations {
        self.metadata.annotations.as_ref().map(meta::ignore_of).unwrap_or_default()
    }

    /// Nothing will be pulled for it any more: it has succeeded or failed.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase(), PodPhase::Succeeded | PodPhase::Failed)
    }

    /// How far the pod has come.
    pub fn phase(&self) -> PodPhase {
        self.status.as_ref().and_then(|status| status.phase).unwrap_or_default()
    }

    /// The node that it runs on, once it is scheduled.
    pub fn node(&self) -> Option<&str> {
        self.spec.as_ref()?.node.as_ref().map(UntrustedText::raw)
    }

    /// What its containers' statuses say of their images, in the order of its spec.
    pub fn image_statuses(&self) -> Vec<ContainerImageStatus> {
        match (&self.spec, &self.status) {
            (Some(spec), Some(status)) => status.image_statuses(&spec.images, self.metadata.generation),
            _ => Vec::new(),
        }
    }

    /// Its deletion was asked for, and its containers are being stopped.
    pub fn is_terminating(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// For how long a container that is to end may run on, in seconds: a kubelet starts one of another image then.
    pub fn grace(&self) -> u32 {
        let grace = self.spec.as_ref().map_or(DEFAULT_GRACE, |spec| spec.grace);
        u32::try_from(grace.max(0)).unwrap_or(u32::MAX)
    }

    /// When its containers are killed, if its deletion was asked for.
    pub fn deletion(&self) -> Option<PodDeletion> {
        let deadline = self.metadata.deletion_timestamp.as_ref()?.0;
        let grace = self.metadata.deletion_grace_period_seconds;
        Some(PodDeletion { deadline, grace: grace.map(|seconds| u64::try_from(seconds).unwrap_or(0)) })
    }

    /// Whether its spec may be another one than the one that it was created with. API servers count its changes since
    /// Kubernetes 1.33 (KEP-5067), and a deletion as one. Earlier ones say when a field of the spec was last written; where
    /// they do not, it may have changed.
    pub fn may_have_changed(&self) -> bool {
        if let Some(generation) = self.metadata.generation {
            return generation > 1 + i64::from(self.is_terminating());
        }
        let created = self.metadata.creation_timestamp.as_ref();
        let written = self.metadata.managed_fields.iter().flatten().find_map(|entry| entry.time.as_ref());
        // The server notes the fields of a new object before it gives it its time, both in whole seconds.
        !matches!((created, written), (Some(created), Some(written)) if written.0 <= created.0)
    }

    /// The API server's image of a static pod, which the kubelet runs from a file of its own.
    pub fn is_mirror(&self) -> bool {
        self.metadata
            .annotations
            .as_ref()
            .is_some_and(|annotations| annotations.contains_key(meta::MIRROR_POD))
    }
}

resource_of!(SlimPod, Pod);
