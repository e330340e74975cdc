//! Images that live pods name in a container of the template, and the template does not: a user who may create pods must not
//! hide one behind another's workload (`docs/design/verdicts.md`, "Where images are found").

use std::collections::HashMap;
use std::sync::Arc;

use tagwatch_core::drift::DriftEvidence;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};
use tagwatch_k8s::key::WorkloadKey;

use super::union::places_of_pods;
use crate::evidence::{ParsedImage, PlaceImages, RolloutView, is_replica_set};
use crate::index::Index;
use crate::pods::CountedShape;
use crate::store::ObjectStore;

/// A container in a pod spec; a sidecar is an init container that keeps running.
fn place(container_type: ContainerType, name: &str) -> (&'static str, &str) {
    (container_type.list_field(), name)
}

/// What the template names in one place.
struct OfTemplate<'a> {
    first: &'a UntrustedText,
    images: PlaceImages,
}

/// The containers of these pods that run another image than the template names for them, each image once.
pub(super) fn other_images(template: &[Container], shapes: &[CountedShape]) -> Vec<Container> {
    let mut named: HashMap<(&str, &str), OfTemplate<'_>> = HashMap::new();
    for container in template {
        let place = place(container.container_type, container.name.raw());
        let first = || OfTemplate { first: &container.image, images: PlaceImages::default() };
        named.entry(place).or_insert_with(first).images.add(&ParsedImage::of(&container.image));
    }
    let found = places_of_pods(shapes.iter(), |(kind, name)| named.contains_key(&place(kind, name)));
    let other = |container: Container| {
        let own = named.get(&place(container.container_type, container.name.raw()))?;
        if own.images.names(&ParsedImage::of(&container.image)) {
            return None;
        }
        let drift = DriftEvidence { template_image: Some(own.first.clone()), ..DriftEvidence::default() };
        Some(Container { drift: Some(Arc::new(drift)), ..container })
    };
    found.into_iter().filter_map(other).collect()
}

impl Index {
    /// The shapes of the pods whose images are held against the template's: while a rollout is in progress, of those of its
    /// newest revision, and once it is stalled, of all.
    pub(super) fn shapes_of_template(
        &self,
        key: &WorkloadKey,
        view: &RolloutView,
        store: &dyn ObjectStore,
        now: u32,
    ) -> Vec<CountedShape> {
        let object = store.get(key);
        if object.as_ref().is_some_and(|object| !object.is_template_seen()) {
            return Vec::new();
        }
        let is_stalled = object.and_then(|object| object.stalled_from()).is_some_and(|from| from <= now);
        let revision = self.owners.node(key).map_or(0, |node| node.revision);
        let is_of_it = |controller: &&WorkloadKey| {
            let node = self.owners.node(controller).filter(|_| is_replica_set(controller));
            match node {
                // The pods of one that asks for none are about to go.
                Some(set) if view.is_rolled_out || is_stalled || *controller == key => set.wants_pods,
                Some(set) => revision > 0 && set.revision == revision,
                None => view.is_rolled_out,
            }
        };
        // Where its own status says that a workload is rolled out, what still asks for pods beside the newest revision is of
        // a user's making, and where a rollout is stalled, it stays. Elsewhere it may be a rollout that begins, or one that
        // was aborted.
        if is_stalled || (view.is_rolled_out && view.has_status) {
            return self.shapes_under(view.all.iter().filter(is_of_it));
        }
        let mut shapes = self.shapes_under(view.current.keys().filter(is_of_it));
        shapes.extend(
            self.pods
                .shapes(key)
                .filter(|(shape, _)| view.is_after_rollout(shape.revision.as_deref()))
                .cloned(),
        );
        shapes
    }
}
