//! Images that live pods name in a container of the template, and the template does not: a user who may create pods must not
//! hide one behind another's workload (`docs/design/verdicts.md`, "Where images are found").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tagwatch_core::drift::DriftEvidence;
use tagwatch_core::workload::Container;
use tagwatch_k8s::key::WorkloadKey;

use super::union;
use crate::evidence::{RolloutView, means_same};
use crate::index::Index;
use crate::store::ObjectStore;

/// A container in a pod spec; a sidecar is an init container that keeps running.
type Place<'a> = (&'static str, &'a str);

fn place(container: &Container) -> Place<'_> {
    (container.container_type.list_field(), container.name.raw())
}

impl Index {
    /// The containers of live pods that run another image than the template names for them, each image once.
    pub(super) fn of_pods_alone(
        &self,
        key: &WorkloadKey,
        template: &[Container],
        store: &dyn ObjectStore,
    ) -> Vec<Container> {
        let mut named: BTreeMap<Place<'_>, Vec<&Container>> = BTreeMap::new();
        for container in template {
            named.entry(place(container)).or_default().push(container);
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for controller in self.controllers_that_count(key, store) {
            let shapes = self.pods.shapes(&controller).iter();
            for container in shapes.flat_map(|(shape, _)| shape.containers()) {
                let Some(own) = named.get(&place(&container)) else { continue };
                let is_first =
                    seen.insert((container.container_type, container.name.clone(), container.image.clone()));
                if !is_first || own.iter().any(|own| means_same(container.image.raw(), own.image.raw())) {
                    continue;
                }
                let template_image = own.first().map(|own| own.image.clone());
                let drift = DriftEvidence { template_image, ..DriftEvidence::default() };
                found.push(Container { drift: Some(Arc::new(drift)), ..container });
            }
        }
        union(found.into_iter())
    }

    /// The controllers whose pods are known not to be of an earlier template: while a rollout is in progress, those of its
    /// newest revision.
    fn controllers_that_count(&self, key: &WorkloadKey, store: &dyn ObjectStore) -> BTreeSet<WorkloadKey> {
        let is_seen = store.get(key).is_none_or(|object| object.is_template_seen());
        if !is_seen {
            return BTreeSet::new();
        }
        let view = RolloutView::of(key, &self.owners, store);
        let revision = self.owners.node(key).map_or(0, |node| node.revision);
        let (mut controllers, is_rolled_out) =
            if view.is_rolled_out { (view.all, true) } else { (view.current, false) };
        controllers.retain(|controller| {
            let node = self.owners.node(controller).filter(|_| controller.is_of("apps", "ReplicaSet"));
            match node {
                // The pods of one that asks for none are about to go.
                Some(set) if is_rolled_out || controller == key => set.wants_pods,
                Some(set) => revision > 0 && set.revision == revision,
                None => is_rolled_out,
            }
        });
        controllers
    }
}
