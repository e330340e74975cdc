//! Pods that are reported on their own though they name a controller.

use std::collections::BTreeSet;

use tagwatch_k8s::key::WorkloadKey;

use super::name::PodName;
use super::record::{NamedPod, controls_pods, pod_key};
use super::{PodChanges, PodIndex, PodRecord, PodShape};

impl PodIndex {
    /// Whether there is a live pod of this key.
    pub(crate) fn is_live(&self, key: &WorkloadKey) -> bool {
        let pods = self.pods.get(key.namespace());
        let named = pods.and_then(|pods| pods.get(key.name()));
        named.is_some_and(|NamedPod(record)| record.name == PodName::new(key.name(), key.uid()))
    }

    /// The controllers that pods name and under which they are not reported.
    pub(crate) fn unfollowed(&self) -> BTreeSet<WorkloadKey> {
        self.shapes.iter().filter_map(|shape| shape.unfollowed.clone()).collect()
    }

    /// Counts the pods of a controller that is missing each for itself.
    pub(crate) fn leave_controller(&mut self, controller: &WorkloadKey, now: u32) -> PodChanges {
        let is_its = |record: &PodRecord| record.controller == *controller;
        self.recount(controller.namespace(), is_its, now, |namespace, record| {
            let unfollowed = Some(controller.clone());
            let own = pod_key(namespace, record.name.name(), &record.name.uid());
            (own, PodShape { unfollowed, ..PodShape::clone(&record.shape) })
        })
    }

    /// Counts the pods that name a controller for it again, unless its kind never controls any.
    pub(crate) fn join_controller(&mut self, controller: &WorkloadKey, now: u32) -> PodChanges {
        let controls_pods = controls_pods(controller);
        let is_its =
            |record: &PodRecord| controls_pods && record.shape.unfollowed.as_ref() == Some(controller);
        self.recount(controller.namespace(), is_its, now, |_, record| {
            (controller.clone(), PodShape { unfollowed: None, ..PodShape::clone(&record.shape) })
        })
    }

    fn recount(
        &mut self,
        namespace: &str,
        is_concerned: impl Fn(&PodRecord) -> bool,
        now: u32,
        place: impl Fn(&str, &PodRecord) -> (WorkloadKey, PodShape),
    ) -> PodChanges {
        let pods = self.pods.get(namespace).into_iter().flatten();
        let mut concerned: Vec<PodRecord> = pods
            .filter(|NamedPod(record)| is_concerned(record))
            .map(|NamedPod(record)| PodRecord::clone(record))
            .collect();
        concerned.sort_unstable_by(|one, other| one.name.name().cmp(other.name.name()));
        let mut changes = PodChanges::default();
        for before in concerned {
            let (controller, shape) = place(namespace, &before);
            let record = PodRecord { controller, shape: self.shapes.share(shape), ..before.clone() };
            changes.extend(self.enter(&record, now));
            self.put(namespace, record);
            changes.extend(self.leave(&before, now));
        }
        changes
    }
}
