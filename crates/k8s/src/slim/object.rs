//! What all slim objects have in common.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, IgnoreAnnotations, WorkloadId};

use super::{PodImages, meta};
use crate::kind::WatchedKind;
use crate::owner::OwnerId;

/// A watched object of any kind.
pub trait SlimObject {
    /// Its kind.
    fn watched_kind(&self) -> WatchedKind;

    /// Its metadata: name, namespace, UID, versions, times, the controller's owner reference and the few
    /// annotations that tagwatch reads.
    fn metadata(&self) -> &ObjectMeta;

    /// The images of its pod spec or pod template; `None` where it has none, or where it was dropped because
    /// a watched owner has the same.
    fn images(&self) -> Option<&PodImages>;

    /// Nothing will be pulled for it any more: a completed or failed Job, a succeeded or failed pod.
    fn is_finished(&self) -> bool;

    /// No rollout is in progress: every pod is of the template as it is now.
    fn is_rolled_out(&self) -> bool {
        true
    }

    /// A change of its template reaches no pod until somebody deletes the pod (the update strategy `OnDelete`).
    fn is_updated_by_hand(&self) -> bool {
        false
    }

    /// When somebody last restarted its pods (`kubectl rollout restart`).
    fn restarted_at(&self) -> Option<Timestamp> {
        None
    }

    /// Its controller. A mirror pod has none: its owner reference names its Node, which is no workload.
    fn owner(&self) -> Option<OwnerId> {
        OwnerId::controller_of(self.metadata())
    }

    /// Its identity, as findings and reports name it.
    fn workload_id(&self) -> WorkloadId {
        let metadata = self.metadata();
        WorkloadId {
            api_version: self.watched_kind().api_version().into(),
            kind: self.watched_kind().kind().into(),
            namespace: metadata.namespace.as_deref().map(UntrustedText::from),
            name: metadata.name.as_deref().unwrap_or_default().into(),
        }
    }

    /// Its own annotations that exempt.
    fn ignore(&self) -> IgnoreAnnotations {
        self.metadata().annotations.as_ref().map(meta::ignore_of).unwrap_or_default()
    }

    /// Those of its pod template; none for a pod, which has no template.
    fn template_ignore(&self) -> IgnoreAnnotations {
        IgnoreAnnotations::default()
    }

    /// Its UID; empty only for an object that no API server has stored.
    fn uid(&self) -> &str {
        self.metadata().uid.as_deref().unwrap_or_default()
    }

    /// The model that the engine judges, in the order `containers`, `initContainers`, `ephemeralContainers`,
    /// `volumes[].image`.
    fn containers(&self) -> Vec<Container> {
        self.images().map(|images| images.containers(self.watched_kind())).unwrap_or_default()
    }
}
