//! Images that live pods name in a container of the template, and the template does not: a user who may create pods must not
//! hide one behind another's workload (`docs/design/verdicts.md`, "Where images are found").

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tagwatch_core::drift::{DriftEvidence, OlderRevision};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, WorkloadId, resource_name};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::PodImages;

use super::union::places_of_pods;
use crate::evidence::{ParsedImage, PlaceImages, RolloutView, is_replica_set};
use crate::index::Index;
use crate::owners::OwnedObject;
use crate::pods::{CountedShape, PodRecord};

/// A container in a pod spec; a sidecar is an init container that keeps running.
fn place(container_type: ContainerType, name: &str) -> (&'static str, &str) {
    (container_type.list_field(), name)
}

/// What the template names in one place.
struct OfTemplate<'a> {
    first: &'a UntrustedText,
    images: PlaceImages,
}

/// A shape of pods whose images are held against the template's.
#[derive(Debug, Clone)]
pub(super) struct TemplateShape {
    pub(super) shape: CountedShape,
    /// The revision that made the pods, where a newer one is there.
    pub(super) older: Option<Arc<OlderRevision>>,
}

/// The containers of these pods that have another image than the template names for them, each image once. One that pods of
/// the newest revision have too is theirs.
pub(super) fn other_images(template: &[Container], shapes: &[TemplateShape]) -> Vec<Container> {
    let mut named: HashMap<(&str, &str), OfTemplate<'_>> = HashMap::new();
    for container in template {
        let place = place(container.container_type, container.name.raw());
        let first = || OfTemplate { first: &container.image, images: PlaceImages::default() };
        named.entry(place).or_insert_with(first).images.add(&ParsedImage::of(&container.image));
    }
    let mut all: BTreeMap<(ContainerType, UntrustedText, UntrustedText), Container> = BTreeMap::new();
    for (older, shapes) in by_revision(shapes) {
        let found = places_of_pods(shapes.into_iter(), |(kind, name)| named.contains_key(&place(kind, name)));
        for container in found {
            let Some(own) = named.get(&place(container.container_type, container.name.raw())) else {
                continue;
            };
            if own.images.names(&ParsedImage::of(&container.image)) {
                continue;
            }
            let drift = DriftEvidence {
                template_image: Some(own.first.clone()),
                older_revision: older.cloned(),
                ..DriftEvidence::default()
            };
            let key = (container.container_type, container.name.clone(), container.image.clone());
            all.entry(key).or_insert_with(|| Container { drift: Some(Arc::new(drift)), ..container });
        }
    }
    all.into_values().collect()
}

/// The shapes of the newest revision, then those of each older one, the newest of them first.
fn by_revision(
    shapes: &[TemplateShape],
) -> impl Iterator<Item = (Option<&OlderRevision>, Vec<&CountedShape>)> {
    let mut groups: BTreeMap<_, (_, Vec<_>)> = BTreeMap::new();
    for TemplateShape { shape, older } in shapes {
        let older = older.as_deref();
        let key = older.map_or((true, 0, ""), |older| (false, older.revision, older.name.raw()));
        groups.entry(Reverse(key)).or_insert_with(|| (older, Vec::new())).1.push(shape);
    }
    groups.into_values()
}

/// Of the containers that only pods have, by their places, those that no pod of the newest revision has: each with the
/// revision of its pods.
pub(super) fn of_older_revisions(
    containers: &[Container],
    newest: &[CountedShape],
    shapes: &[TemplateShape],
) -> Vec<(usize, OlderRevision)> {
    if shapes.iter().all(|shape| shape.older.is_none()) {
        return Vec::new();
    }
    let mut revisions: HashMap<(ContainerType, &str, &str), Option<&OlderRevision>> = HashMap::new();
    let newest = std::iter::once((None, newest.iter().collect()));
    for (older, shapes) in newest.chain(by_revision(shapes)) {
        for found in shapes.into_iter().flat_map(|(shape, _)| shape.images.iter()) {
            revisions.entry((found.container_type, found.name, found.image)).or_insert(older);
        }
    }
    let older = containers.iter().enumerate().filter(|(_, container)| is_of_pod(container));
    let older = older.filter_map(|(at, container)| {
        let key = (container.container_type, container.name.raw(), container.image.raw());
        Some((at, (*revisions.get(&key)?)?.clone()))
    });
    older.collect()
}

/// Whether a container was read from a pod, beside a template: its path shows it.
fn is_of_pod(container: &Container) -> bool {
    let in_pod = container.field_path.strip_prefix(PodImages::PATH_IN_POD);
    let list = in_pod.and_then(|rest| rest.strip_prefix('.'));
    list.is_some_and(|rest| rest.starts_with(container.container_type.list_field()))
}

impl Index {
    /// The shapes of the pods whose images are held against the template's: while a rollout is in progress, of those of its
    /// newest revision, and once it is stalled, of all. Those of a `ReplicaSet` in deletion always are.
    pub(super) fn shapes_of_template(&self, key: &WorkloadKey, view: &RolloutView) -> Vec<TemplateShape> {
        if view.unseen_for.is_some() {
            return Vec::new();
        }
        let revision = self.owners.node(key).map_or(0, |node| node.revision);
        let newest = |shape| TemplateShape { shape, older: None };
        let is_of_it = |controller: &&WorkloadKey| {
            let node = self.owners.node(controller).filter(|_| is_replica_set(controller));
            match node {
                // No controller ends its pods, whatever becomes of the rollout.
                Some(set) if set.is_in_deletion() => true,
                // The pods of one that asks for none are about to go.
                Some(set) if view.is_rolled_out || view.keeps_earlier || *controller == key => {
                    set.wants_pods()
                }
                Some(set) => revision > 0 && set.revision == revision,
                None => view.is_rolled_out,
            }
        };
        // Where its own status says that a workload is rolled out, what still asks for pods beside the newest revision is of
        // a user's making, and where a rollout is stalled, it stays. Elsewhere it may be a rollout that begins, or one that
        // was aborted.
        if view.keeps_earlier || (view.is_rolled_out && view.has_status) {
            let of_set = |controller: &WorkloadKey| {
                let older = self.older_revision(key, controller, revision, view.is_rolled_out).map(Arc::new);
                let shapes = self.pods.shapes(controller).cloned();
                shapes.map(|shape| TemplateShape { shape, older: older.clone() }).collect::<Vec<_>>()
            };
            return view.all.iter().filter(is_of_it).flat_map(of_set).collect();
        }
        let is_held = |set: &&WorkloadKey| {
            is_replica_set(set)
                && !view.current.contains_key(*set)
                && self.owners.node(set).is_some_and(OwnedObject::is_in_deletion)
        };
        let held = view.all.iter().filter(is_held);
        let mut shapes = self.shapes_under(view.current.keys().filter(is_of_it).chain(held));
        shapes.extend(
            self.pods
                .shapes(key)
                .filter(|(shape, _)| view.is_after_rollout(shape.revision.as_deref()))
                .cloned(),
        );
        shapes.into_iter().map(newest).collect()
    }

    /// What a controller of pods is to a workload of which the newest revision has this number, if it is an older one that
    /// the rollout is to end.
    fn older_revision(
        &self,
        key: &WorkloadKey,
        controller: &WorkloadKey,
        newest: u32,
        is_rolled_out: bool,
    ) -> Option<OlderRevision> {
        let node =
            self.owners.node(controller).filter(|_| controller != key && is_replica_set(controller))?;
        // How to end a rollout is no advice on one in deletion.
        if node.revision >= newest || node.is_in_deletion() {
            return None;
        }
        let WorkloadId { api_version, kind, namespace, name } = key.workload_id();
        let set = controller.workload_id();
        Some(OlderRevision {
            owner: resource_name(&api_version, &kind, &name).into(),
            namespace: namespace.unwrap_or_default(),
            kind: set.kind,
            name: set.name,
            revision: node.revision,
            is_rolled_out,
            has_started: self.pods.of_controller(controller).any(PodRecord::has_started),
        })
    }
}
