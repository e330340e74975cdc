//! From templates and pods to the containers of one workload. A user decides how many there are, so each of them is looked
//! at a bounded number of times.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, ObservedPods};
use tagwatch_k8s::slim::{ImagePlace, PodImages};

use crate::pods::CountedShape;

/// A container of a pod spec by its type and name.
type Place<'a> = (ContainerType, &'a str);

/// Each image of each container once: roles of one object can share both. Where they differ in the pull policy alone,
/// the one that pulls less speaks.
pub(super) fn distinct(containers: Vec<Container>) -> Vec<Container> {
    let mut all: Vec<Container> = Vec::with_capacity(containers.len());
    let mut known: HashMap<(ContainerType, UntrustedText, UntrustedText), usize> = HashMap::new();
    for container in containers {
        let key = (container.container_type, container.name.clone(), container.image.clone());
        match known.get(&key).and_then(|at| all.get_mut(*at)) {
            Some(known) if known.effective_pull_policy() < container.effective_pull_policy() => {
                *known = container;
            }
            Some(_) => {}
            None => {
                known.insert(key, all.len());
                all.push(container);
            }
        }
    }
    all
}

/// Each distinct image of each container once, in an order that does not depend on which came first. Where they differ in
/// the pull policy alone, the one that pulls less speaks.
pub(super) fn union(containers: impl Iterator<Item = Container>) -> Vec<Container> {
    let mut all: BTreeMap<(ContainerType, UntrustedText, UntrustedText), Container> = BTreeMap::new();
    for container in containers {
        let key = (container.container_type, container.name.clone(), container.image.clone());
        match all.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(container)),
            Entry::Occupied(mut entry) if entry.get().pull_policy < container.pull_policy => {
                entry.insert(container);
            }
            Entry::Occupied(_) => {}
        }
    }
    all.into_values().collect()
}

/// The same of pods.
pub(super) fn union_of_pods(shapes: &[CountedShape]) -> Vec<Container> {
    places_of_pods(shapes.iter(), |_| true)
}

/// The same in the places that are wanted.
pub(super) fn places_of_pods<'a>(
    shapes: impl Iterator<Item = &'a CountedShape>,
    is_wanted: impl Fn(Place<'_>) -> bool,
) -> Vec<Container> {
    let mut all: BTreeMap<(ContainerType, &str, &str), ImagePlace<'_>> = BTreeMap::new();
    let places = shapes.flat_map(|(shape, _)| shape.images.iter());
    for place in places.filter(|place| is_wanted((place.container_type, place.name))) {
        match all.entry((place.container_type, place.name, place.image)) {
            Entry::Vacant(entry) => drop(entry.insert(place)),
            Entry::Occupied(mut entry) if entry.get().pull_policy < place.pull_policy => {
                entry.insert(place);
            }
            Entry::Occupied(_) => {}
        }
    }
    all.into_values().map(|place| place.to_container(PodImages::PATH_IN_POD)).collect()
}

/// The template's containers with what its pods show of each, and behind them the containers that only pods
/// have, those of its newest rollout and others that stay: injected sidecars and ephemeral containers.
pub(super) fn with_pods<'a>(
    mut template: Vec<Container>,
    shapes: &'a [CountedShape],
    others: impl Iterator<Item = &'a CountedShape>,
) -> Vec<Container> {
    let mut places: HashMap<Place<'_>, PlaceObservations<'_>> = HashMap::new();
    for container in &template {
        let place = places.entry((container.container_type, container.name.raw())).or_default();
        place.by_image.entry(container.image.raw()).or_default();
    }
    for (shape, pods) in shapes {
        for running in shape.images.iter() {
            if let Some(place) = places.get_mut(&(running.container_type, running.name)) {
                place.add(running, *pods);
            }
        }
    }
    let added = places_of_pods(shapes.iter().chain(others), |place| !places.contains_key(&place));
    let observed: Vec<Option<ObservedPods>> = template
        .iter()
        .map(|container| {
            let place = places.get(&(container.container_type, container.name.raw()))?;
            place.of(container.image.raw())
        })
        .collect();
    drop(places);
    for (container, observed) in template.iter_mut().zip(observed) {
        container.observed = observed;
    }
    template.extend(added);
    template
}

/// What pods show in one place. Where several templates of one workload have a container of that name, a pod with the
/// image of one of them shows that one; a pod with the image of none, which admission wrote, shows all of them.
#[derive(Default)]
struct PlaceObservations<'a> {
    /// By the images that templates name.
    by_image: HashMap<&'a str, ObservedPods>,
    of_other_images: ObservedPods,
}

impl PlaceObservations<'_> {
    fn add(&mut self, running: ImagePlace<'_>, pods: u32) {
        let observed = self.by_image.get_mut(running.image).unwrap_or(&mut self.of_other_images);
        observed.pods += pods;
        let written = running.pull_policy.and_then(|policy| PullPolicy::parse(policy.raw()));
        if written == Some(PullPolicy::Always) {
            observed.always += pods;
        }
        // Few images hold an `@`, and none without one has a digest.
        let has_digest = running.image.contains('@')
            && Reference::parse(running.image).is_ok_and(|reference| reference.digest().is_some());
        if has_digest {
            observed.by_digest += pods;
        }
    }

    fn of(&self, image: &str) -> Option<ObservedPods> {
        let ObservedPods { pods, always, by_digest } = self.of_other_images;
        let own = self.by_image.get(image).copied().unwrap_or_default();
        let observed = ObservedPods {
            pods: own.pods + pods,
            always: own.always + always,
            by_digest: own.by_digest + by_digest,
        };
        (observed.pods > 0).then_some(observed)
    }
}
