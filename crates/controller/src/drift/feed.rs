//! From watched objects to the drift index, and from there to the workloads that are reported.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tagwatch_k8s::slim::{SlimNode, SlimObject, SlimPod};

use super::pods::{PodFacts, seconds};
use crate::index::{Index, WorkloadKey, key_of, key_of_owner, place};

impl Index {
    /// Takes in what a pod shows of its images.
    pub(crate) fn apply_pod_drift(&mut self, pod: &SlimPod, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (namespace, _) = place(SlimObject::metadata(pod));
        let controller = pod.owner().map_or_else(|| key_of(pod), |owner| key_of_owner(&owner, namespace));
        let affected = self.drift.apply(PodFacts::of(pod, controller), seconds(now));
        self.reported(affected)
    }

    /// Forgets a pod.
    pub(crate) fn delete_pod_drift(&mut self, pod: &SlimPod, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (namespace, name) = place(SlimObject::metadata(pod));
        let affected = self.drift.delete(namespace, name, seconds(now));
        self.reported(affected)
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain_pods_drift(
        &mut self,
        scope: Option<&str>,
        listed: &HashSet<(Arc<str>, Box<str>)>,
        now: Timestamp,
    ) -> BTreeSet<WorkloadKey> {
        let affected = self.drift.retain(scope, listed, seconds(now));
        self.reported(affected)
    }

    /// Takes in a node of a list that goes on. Its pods are counted when the list is complete: in the order of the
    /// list, each node would look through all pods.
    pub(super) fn see_node(&mut self, node: &SlimNode, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (platform, images) = (node.platform(), node.images_with_several_digests());
        let affected = self.drift.see_node(node.name(), platform.as_ref(), &images, seconds(now));
        self.reported(affected)
    }

    /// The list of nodes is complete.
    pub(super) fn retain_nodes(
        &mut self,
        listed: &HashSet<Box<str>>,
        now: Timestamp,
    ) -> BTreeSet<WorkloadKey> {
        self.drift.retain_nodes(listed);
        let affected = self.drift.count_nodes(seconds(now));
        self.reported(affected)
    }

    /// Takes a node in.
    pub(super) fn apply_node(&mut self, node: &SlimNode, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (platform, images) = (node.platform(), node.images_with_several_digests());
        let affected = self.drift.apply_node(node.name(), platform.as_ref(), &images, seconds(now));
        self.reported(affected)
    }

    /// A node is gone.
    pub(super) fn delete_node(&mut self, node: &SlimNode) {
        self.drift.delete_node(node.name());
    }

    /// Nothing is known of any node any more.
    pub(super) fn forget_nodes(&mut self, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let affected = self.drift.forget_nodes(seconds(now));
        self.reported(affected)
    }

    /// Forgets what is older than proofs last.
    pub(super) fn expire_drift(&mut self, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let affected = self.drift.expire(seconds(now));
        self.reported(affected)
    }

    /// Takes in what a registry answered.
    pub(crate) fn answered(
        &mut self,
        canonical: String,
        digest: Result<String, String>,
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let users = self.drift.users_of(&canonical);
        let is_new = self.drift.answers.insert(canonical, digest, now);
        if is_new { self.reported(users) } else { BTreeSet::new() }
    }

    /// Forgets answers of a registry that nobody wants any more.
    pub(crate) fn forget_answers(
        &mut self,
        registry: &str,
        wanted: &BTreeSet<String>,
    ) -> BTreeSet<WorkloadKey> {
        let gone = self.drift.answers.keep(registry, wanted);
        let users = gone.iter().flat_map(|canonical| self.drift.users_of(canonical)).collect();
        self.reported(users)
    }

    fn reported(&self, controllers: BTreeSet<WorkloadKey>) -> BTreeSet<WorkloadKey> {
        self.tops(&controllers.into_iter().collect::<Vec<_>>())
    }
}
