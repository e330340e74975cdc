//! Pods that are reported on their own though they name a controller.

use std::sync::Arc;

use tagwatch_k8s::key::WorkloadKey;

use super::name::PodName;
use super::record::{NamedPod, controls_pods, pod_key};
use super::{PodChanges, PodIndex, PodRecord, PodShape};

/// Most pods that are counted anew at once. A user decides how many name one controller.
pub(crate) const MAX_RECOUNTED: usize = 1_000;

impl PodIndex {
    /// Whether there is a live pod of this key.
    pub(crate) fn is_live(&self, key: &WorkloadKey) -> bool {
        let pods = self.pods.get(key.namespace());
        let named = pods.and_then(|pods| pods.get(key.name()));
        named.is_some_and(|NamedPod(record)| record.name == PodName::new(key.name(), key.uid()))
    }

    /// The controller for which a pod is counted; its own key, where it has none.
    pub(crate) fn controller_of(&self, namespace: &str, name: &str) -> Option<&WorkloadKey> {
        self.pods.get(namespace)?.get(name).map(|known| &known.0.controller)
    }

    /// The controller that a live pod names, as far as that is followed.
    pub(crate) fn named_controller(&self, pod: &WorkloadKey) -> Option<&WorkloadKey> {
        let NamedPod(record) = self.pods.get(pod.namespace())?.get(pod.name())?;
        Some(record.shape.claimed().unwrap_or(&record.controller))
    }

    /// Whether pods name a controller and are not counted for it.
    pub(crate) fn has_claims(&self, controller: &WorkloadKey) -> bool {
        self.claims.contains_key(controller)
    }

    /// Counts pods of a controller that is missing each for itself, at most [`MAX_RECOUNTED`] of them.
    pub(crate) fn detach_pods(&mut self, controller: &WorkloadKey, now: u32) -> PodChanges {
        let pods = self.controllers.get(controller).into_iter().flat_map(|pods| pods.pods.iter());
        let concerned: Vec<Arc<PodRecord>> =
            pods.map(|(NamedPod(record), ())| Arc::clone(record)).take(MAX_RECOUNTED).collect();
        let namespace = controller.namespace();
        self.recount(namespace, concerned, now, |record| {
            let unfollowed = Some(controller.clone());
            let own = pod_key(namespace, record.name.name(), &record.name.uid());
            (own, PodShape { unfollowed, ..PodShape::clone(&record.shape) })
        })
    }

    /// Whether pods are to be counted for a controller again: it is there, and its kind controls pods.
    pub(crate) fn is_to_attach(&self, controller: &WorkloadKey) -> bool {
        self.has_claims(controller) && controls_pods(controller)
    }

    /// Counts pods that name a controller for it again, at most [`MAX_RECOUNTED`] of them, unless its kind never controls any.
    pub(crate) fn attach_pods(&mut self, controller: &WorkloadKey, now: u32) -> PodChanges {
        if !self.is_to_attach(controller) {
            return PodChanges::default();
        }
        let pods = self.pods.get(controller.namespace());
        let record = |own: &WorkloadKey| Some(Arc::clone(&pods?.get(own.name())?.0));
        let claims = self.claims.get(controller).into_iter().flatten();
        let concerned: Vec<Arc<PodRecord>> = claims.take(MAX_RECOUNTED).filter_map(record).collect();
        self.recount(controller.namespace(), concerned, now, |record| {
            (controller.clone(), PodShape { unfollowed: None, ..PodShape::clone(&record.shape) })
        })
    }

    fn recount(
        &mut self,
        namespace: &str,
        concerned: Vec<Arc<PodRecord>>,
        now: u32,
        place: impl Fn(&PodRecord) -> (WorkloadKey, PodShape),
    ) -> PodChanges {
        let mut changes = PodChanges::default();
        for before in concerned {
            let (controller, shape) = place(&before);
            let shape = self.shapes.share(shape);
            let record = PodRecord { controller, shape, ..PodRecord::clone(&before) };
            changes.extend(self.replace(namespace, Some(before), record, now));
        }
        changes
    }
}
