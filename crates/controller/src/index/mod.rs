//! What the controller knows of the cluster, beside the stores of kube-runtime's reflectors: who controls
//! whom, and which containers run. Plain structs: `apply`, `delete` and `retain` take a change in and return
//! the workloads that it can matter to; nothing here waits or talks.

mod custom;
mod key;
mod namespaces;
mod owners;
mod pods;
mod watched;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tagwatch_k8s::kind::{TemplateKind, WatchedKind};
use tagwatch_k8s::owner::OwnerId;
use tagwatch_k8s::slim::{PodImages, SlimObject, SlimPod, SlimWorkload};

use crate::drift::DriftIndex;

pub(crate) use custom::{CustomIndex, custom_node};
pub(crate) use key::WorkloadKey;
pub(crate) use namespaces::NamespaceIndex;
pub(crate) use owners::{Node, NodeKind, OwnerIndex, Top};
pub(crate) use pods::{PodIndex, PodShape, Shape};

/// Owners, pods, objects of custom kinds and namespaces together.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) owners: OwnerIndex,
    pub(crate) pods: PodIndex,
    pub(crate) custom: CustomIndex,
    pub(crate) drift: DriftIndex,
    pub(crate) namespaces: NamespaceIndex,
}

impl Index {
    /// Takes a pod in, or lets it go when nothing will be pulled for it any more.
    pub(crate) fn apply_pod(&mut self, pod: &SlimPod) -> BTreeSet<WorkloadKey> {
        let (namespace, name) = place(pod.metadata());
        let controllers = if pod.is_finished() || pod.is_terminating() {
            self.pods.delete(namespace, name)
        } else {
            let controller = pod.owner().map_or_else(|| key_of(pod), |owner| key_of_owner(&owner, namespace));
            self.pods.apply(namespace, name, controller, shape_of(pod))
        };
        self.tops(&controllers)
    }

    /// Forgets a pod.
    pub(crate) fn delete_pod(&mut self, pod: &SlimPod) -> BTreeSet<WorkloadKey> {
        let (namespace, name) = place(pod.metadata());
        let controllers = self.pods.delete(namespace, name);
        self.tops(&controllers)
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain_pods(
        &mut self,
        scope: Option<&str>,
        listed: &HashSet<(Arc<str>, Box<str>)>,
    ) -> BTreeSet<WorkloadKey> {
        let controllers = self.pods.retain(scope, listed);
        self.tops(&controllers)
    }

    /// Everything that could have a report: workload objects, and the controllers of live pods.
    pub(crate) fn candidates(&self) -> BTreeSet<WorkloadKey> {
        let mut candidates = self.owners.tops();
        candidates.extend(self.tops(&self.pods.controllers().cloned().collect::<Vec<_>>()));
        candidates
    }

    /// Kinds that control live pods and that nobody reads, and those whose templates are not where they are looked
    /// for, as `Kind.group`, safe for a terminal.
    pub(crate) fn unread_kinds(&self) -> BTreeSet<String> {
        let controllers: Vec<WorkloadKey> = self.pods.controllers().cloned().collect();
        let unread = |key: &WorkloadKey| {
            WatchedKind::find(key.api_version(), key.kind()).is_none() && self.owners.node(key).is_none()
        };
        let mut kinds: BTreeSet<String> = self
            .tops(&controllers)
            .iter()
            .filter(|key| unread(key))
            .map(WorkloadKey::kind_and_group)
            .collect();
        kinds.extend(self.custom.unread_kinds().into_keys());
        kinds
    }

    /// The workloads under which these are reported, as far as they are known by now.
    pub(crate) fn tops(&self, keys: &[WorkloadKey]) -> BTreeSet<WorkloadKey> {
        keys.iter().filter_map(|key| self.top(key)).collect()
    }

    /// The workload under which an object is reported, if that is known by now.
    fn top(&self, key: &WorkloadKey) -> Option<WorkloadKey> {
        // A pod without a controller is its own key, of a kind that the owner index does not hold.
        if WatchedKind::find(key.api_version(), key.kind()) == Some(WatchedKind::Pod) {
            return Some(key.clone());
        }
        match self.owners.top(key) {
            Top::Workload(top) => Some(top),
            Top::Unknown => None,
        }
    }
}

fn shape_of(pod: &SlimPod) -> PodShape {
    PodShape {
        containers: pod.containers().into(),
        ignore: pod.ignore(),
        has_pull_secrets: pod.images().is_some_and(PodImages::has_pull_secrets),
        is_mirror: pod.is_mirror(),
    }
}

/// The owner index's node for a workload object.
pub(crate) fn node_of<K: TemplateKind>(object: &SlimWorkload<K>) -> Node {
    let namespace = place(SlimObject::metadata(object)).0;
    Node {
        key: key_of(object),
        kind: NodeKind::BuiltIn(K::WATCHED),
        controller: object.owner().map(|owner| key_of_owner(&owner, namespace)),
        wants_pods: !object.is_finished() && object.replicas() != Some(0),
        revision: object.revision(),
    }
}

/// The key of a watched object.
pub(crate) fn key_of(object: &(impl SlimObject + ?Sized)) -> WorkloadKey {
    let kind = object.watched_kind();
    let (namespace, name) = place(object.metadata());
    WorkloadKey::new(kind.api_version(), kind.kind(), namespace, name, object.uid())
}

/// Namespace and name; empty only for objects that no API server has stored.
pub(crate) fn place(metadata: &ObjectMeta) -> (&str, &str) {
    (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// An owner is looked for in the namespace of what it owns: all watched kinds are namespaced, and a
/// cluster-scoped owner's report has to live somewhere.
pub(crate) fn key_of_owner(owner: &OwnerId, namespace: &str) -> WorkloadKey {
    let [api_version, kind] = [&owner.api_version, &owner.kind].map(|text| text.raw().to_owned());
    WorkloadKey::new(api_version, kind, namespace, owner.name.raw(), owner.uid.raw())
}
