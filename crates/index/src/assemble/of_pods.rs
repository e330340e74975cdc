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
use crate::evidence::{ParsedImage, PlaceImages, RolloutView, Standing};
use crate::index::Index;
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
    /// The shapes of the pods whose images are held against the template's.
    pub(super) fn shapes_of_template(&self, view: &RolloutView) -> Vec<TemplateShape> {
        let mut found = Vec::new();
        let with_pods = view.all.iter().filter(|controller| self.pods.shapes(controller).next().is_some());
        for controller in with_pods {
            let (of_revision, older) = match view.standing(controller, &self.owners) {
                Standing::Outgoing => continue,
                Standing::Held { revision } => (revision, None),
                Standing::Older { set, owner, is_rolled_out } => {
                    (None, Some(Arc::new(self.older_revision(set, owner, is_rolled_out))))
                }
            };
            let shapes = self.pods.shapes(controller).filter(|(shape, _)| {
                of_revision.is_none_or(|revision| shape.revision.as_deref() == Some(revision))
            });
            found.extend(shapes.map(|shape| TemplateShape { shape: shape.clone(), older: older.clone() }));
        }
        found
    }

    /// A `ReplicaSet` of an earlier revision that a rollout of its owner is to end.
    fn older_revision(&self, set: &WorkloadKey, owner: &WorkloadKey, is_rolled_out: bool) -> OlderRevision {
        let WorkloadId { api_version, kind, namespace, name } = owner.workload_id();
        let id = set.workload_id();
        OlderRevision {
            owner: resource_name(&api_version, &kind, &name).into(),
            namespace: namespace.unwrap_or_default(),
            kind: id.kind,
            name: id.name,
            revision: self.owners.revision(set),
            is_rolled_out,
            has_started: self.pods.of_controller(set).any(PodRecord::has_started),
        }
    }
}
