//! Who counts for a workload, and which images its pods name.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::Container;

use super::pods::seconds;
use crate::index::{Index, WorkloadKey};
use crate::stores::Stores;

/// How deep dependents are followed down from a workload.
const MAX_DEPTH: usize = 8;
/// Images that evidence names beside the one that the template names.
const MAX_OTHERS: usize = 3;

/// Who counts for a workload.
#[derive(Debug)]
pub(super) struct Scene {
    /// Controllers of pods of the rollout that is in force; a StatefulSet or DaemonSet is one and the same over all
    /// rollouts.
    pub(super) current: BTreeSet<WorkloadKey>,
    /// Those and the ones before.
    pub(super) all: BTreeSet<WorkloadKey>,
    pub(super) is_rolled_out: bool,
    /// When its pods were last restarted, in Unix seconds.
    pub(super) restarted: Option<u32>,
}

impl Scene {
    pub(super) fn of(key: &WorkloadKey, index: &Index, stores: &Stores) -> Self {
        let (mut current, mut all) = (BTreeSet::from([key.clone()]), BTreeSet::from([key.clone()]));
        dependents(key, index, MAX_DEPTH, true, &mut current);
        dependents(key, index, MAX_DEPTH, false, &mut all);
        let object = stores.get(key);
        let is_rolled_out = match &object {
            Some(object) => object.is_rolled_out(),
            None => is_at_rest(key, &current, index, stores),
        };
        let restarted = object.and_then(|object| object.restarted_at()).map(seconds);
        Self { current, all, is_rolled_out, restarted }
    }

    /// Controllers whose pods' references are judged: while a rollout is in progress also those of the pods before it,
    /// so that a finding about them does not come and go with each rollout.
    pub(super) fn judged(&self) -> &BTreeSet<WorkloadKey> {
        if self.is_rolled_out { &self.current } else { &self.all }
    }

    /// Images that live pods name in the place of a container, and no container of the workload does. While a rollout
    /// is in progress they are what everybody expects.
    pub(super) fn other_images(
        &self,
        container: &Container,
        containers: &[Container],
        index: &Index,
    ) -> Vec<UntrustedText> {
        if !self.is_rolled_out {
            return Vec::new();
        }
        let shapes = self.all.iter().flat_map(|controller| index.pods.shapes(controller));
        let of_pods = shapes.flat_map(|(shape, _)| shape.containers.iter());
        let others: BTreeSet<&UntrustedText> = of_pods
            .filter(|of_pod| is_same_place(of_pod, container))
            .filter(|of_pod| !is_named(of_pod.image.raw(), container, containers))
            .map(|of_pod| &of_pod.image)
            .collect();
        others.into_iter().take(MAX_OTHERS).cloned().collect()
    }
}

/// Of an owner that nobody reads: what is under it is rolled out, and not two ReplicaSets of one owner ask for pods.
/// Other dependents stand side by side for good, such as the Jobs of a `JobSet`.
fn is_at_rest(key: &WorkloadKey, current: &BTreeSet<WorkloadKey>, index: &Index, stores: &Stores) -> bool {
    let asking = index.owners.children(key).filter(|child| child.wants_pods && is_replica_set(&child.key));
    let is_over = |key: &WorkloadKey| stores.get(key).is_none_or(|object| object.is_rolled_out());
    asking.count() <= 1 && current.iter().all(is_over)
}

fn is_replica_set(key: &WorkloadKey) -> bool {
    key.is_of("apps", "ReplicaSet")
}

/// The pods' controllers under a workload, of the newest revision alone or of all. Only dependents of one kind take each
/// other's place.
fn dependents(
    key: &WorkloadKey,
    index: &Index,
    depth: usize,
    newest_alone: bool,
    into: &mut BTreeSet<WorkloadKey>,
) {
    let mut newest: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for child in index.owners.children(key) {
        let revision = newest.entry((child.key.group(), child.key.kind())).or_default();
        *revision = child.revision.max(*revision);
    }
    for child in index.owners.children(key) {
        let is_newest = newest.get(&(child.key.group(), child.key.kind())) == Some(&child.revision);
        if newest_alone && !is_newest {
            continue;
        }
        into.insert(child.key.clone());
        if depth > 0 {
            dependents(&child.key, index, depth - 1, newest_alone, into);
        }
    }
}

/// Whether two containers stand in one place of a pod spec; a sidecar is an init container that goes on running.
pub(super) fn is_same_place(one: &Container, other: &Container) -> bool {
    one.name == other.name && one.container_type.list_field() == other.container_type.list_field()
}

/// Whether a container in this place names an image.
pub(super) fn is_named(image: &str, place: &Container, containers: &[Container]) -> bool {
    let mut here = containers.iter().filter(|container| is_same_place(container, place));
    here.any(|container| means_same(image, container.image.raw()))
}

/// Whether an image of a pod is what the template names: in other words, or with its digest beside it.
pub(super) fn means_same(of_pod: &str, of_template: &str) -> bool {
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
