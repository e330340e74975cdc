//! Which pods count for a workload, and which images they name.

use std::collections::BTreeSet;

use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::Container;
use tagwatch_k8s::key::WorkloadKey;

use crate::owners::{OwnerIndex, Revisions};
use crate::pods::{PodIndex, seconds};
use crate::store::ObjectStore;

/// Images that evidence names beside the one that the template names.
const MAX_OTHERS: usize = 3;

/// The controllers whose pods count for a workload.
#[derive(Debug)]
pub(crate) struct RolloutView {
    /// Controllers of pods of the rollout that is in force; a StatefulSet or DaemonSet is one and the same over all
    /// rollouts.
    pub(crate) current: BTreeSet<WorkloadKey>,
    /// The same in groups whose pods are of one rollout and can be compared.
    pub(crate) rollouts: Vec<BTreeSet<WorkloadKey>>,
    /// Those and the ones before.
    pub(crate) all: BTreeSet<WorkloadKey>,
    pub(crate) is_rolled_out: bool,
    /// When its pods were last restarted, in Unix seconds.
    pub(crate) restarted: Option<u32>,
}

impl RolloutView {
    pub(crate) fn of(key: &WorkloadKey, owners: &OwnerIndex, store: &dyn ObjectStore) -> Self {
        let controllers = |revisions| owners.with_dependents(key, revisions).into_iter().collect();
        let (current, all): (BTreeSet<_>, _) = (controllers(Revisions::Newest), controllers(Revisions::All));
        let object = store.get(key);
        let is_rolled_out = object.as_ref().and_then(|object| object.is_rolled_out());
        let restarted = object.and_then(|object| object.restarted_at()).map(seconds);
        let is_rolled_out = is_rolled_out.unwrap_or_else(|| is_at_rest(key, &current, owners, store));
        let rollouts = owners.rollouts(key, Revisions::Newest);
        Self { current, rollouts, all, is_rolled_out, restarted }
    }

    /// Controllers whose pods' references are judged: while a rollout is in progress also those of the pods before it,
    /// so that a finding about them does not come and go with each rollout.
    pub(crate) fn judged(&self) -> &BTreeSet<WorkloadKey> {
        if self.is_rolled_out { &self.current } else { &self.all }
    }

    /// Images that live pods name in the place of a container, and no container of the workload does. While a rollout
    /// is in progress they are expected.
    pub(crate) fn other_images(
        &self,
        container: &Container,
        containers: &[Container],
        pods: &PodIndex,
    ) -> Vec<UntrustedText> {
        if !self.is_rolled_out {
            return Vec::new();
        }
        let shapes = self.all.iter().flat_map(|controller| pods.shapes(controller));
        let of_pods = shapes.flat_map(|(shape, _)| shape.containers());
        let others: BTreeSet<UntrustedText> = of_pods
            .filter(|of_pod| is_same_place(of_pod, container))
            .filter(|of_pod| !is_named(of_pod.image.raw(), container, containers))
            .map(|of_pod| of_pod.image)
            .collect();
        others.into_iter().take(MAX_OTHERS).collect()
    }
}

/// Of an owner whose status does not say: what is under it is rolled out, and not two `ReplicaSet`s of one owner ask for
/// pods. Other dependents exist side by side for good, such as the Jobs of a `JobSet`.
fn is_at_rest(
    key: &WorkloadKey,
    current: &BTreeSet<WorkloadKey>,
    owners: &OwnerIndex,
    store: &dyn ObjectStore,
) -> bool {
    let is_asking_replica_set = |(child, node): &(&WorkloadKey, &crate::owners::OwnedObject)| {
        node.wants_pods && child.is_of("apps", "ReplicaSet")
    };
    let is_over =
        |key: &WorkloadKey| store.get(key).is_none_or(|object| object.is_rolled_out() != Some(false));
    owners.children(key).filter(is_asking_replica_set).count() <= 1 && current.iter().all(is_over)
}

/// Whether two containers have one place in a pod spec; a sidecar is an init container that keeps running.
pub(crate) fn is_same_place(one: &Container, other: &Container) -> bool {
    one.name == other.name && one.container_type.list_field() == other.container_type.list_field()
}

/// Whether a container in this place names an image.
pub(crate) fn is_named(image: &str, place: &Container, containers: &[Container]) -> bool {
    let mut here = containers.iter().filter(|container| is_same_place(container, place));
    here.any(|container| means_same(image, container.image.raw()))
}

/// Whether an image of a pod is what the template names: in other words, or with its digest beside it.
pub(crate) fn means_same(of_pod: &str, of_template: &str) -> bool {
    if of_pod == of_template {
        return true;
    }
    let (Ok(of_pod), Ok(of_template)) = (Reference::parse(of_pod), Reference::parse(of_template)) else {
        return false;
    };
    if of_pod.canonical() == of_template.canonical() {
        return true;
    }
    let is_pinned = of_pod.digest().is_some() && of_template.digest().is_none();
    let is_tag_alike = of_pod.tag().is_none() || of_pod.tag_or_default() == of_template.tag_or_default();
    is_pinned && of_pod.name() == of_template.name() && is_tag_alike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_other_words_or_pinned_is_the_same() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (of_pod, of_template, same) in [
            ("nginx:1.27", "nginx:1.27", true),
            ("docker.io/library/nginx:1.27", "nginx:1.27", true),
            ("nginx:latest", "nginx", true),
            (&format!("nginx:1.27@{digest}"), "nginx:1.27", true),
            (&format!("nginx@{digest}"), "nginx:1.27", true),
            (&format!("nginx:1.26@{digest}"), "nginx:1.27", false),
            ("nginx:1.26", "nginx:1.27", false),
            ("mirror.example/nginx:1.27", "nginx:1.27", false),
            ("nginx:1.27", &format!("nginx:1.27@{digest}"), false),
            ("$IMAGE", "$IMAGE", true),
            ("$IMAGE", "nginx", false),
        ] {
            assert_eq!(means_same(of_pod, of_template), same, "{of_pod} {of_template}");
        }
    }
}
