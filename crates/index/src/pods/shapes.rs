//! What the specs of pods say: pods of one template share one shape.

use std::collections::HashSet;
use std::sync::Arc;

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{PodImages, SlimIgnore, SlimPod};

/// What a pod says that its verdicts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct PodShape {
    /// The images of its spec.
    pub(crate) images: PodImages,
    /// Its annotations that exempt: its own, or those of the template that it was made from.
    pub(crate) ignore: SlimIgnore,
    /// Whether a kubelet runs it from a file of its own.
    pub(crate) is_mirror: bool,
    /// Whether it is being deleted.
    pub(crate) is_terminating: bool,
    /// The controller that it names and under which it is not reported.
    pub(crate) unfollowed: Option<WorkloadKey>,
    /// The revision of its `StatefulSet` that it was made from.
    pub(crate) revision: Option<Box<str>>,
}

/// A shape with the number of pods that have it.
pub(crate) type CountedShape = (Arc<PodShape>, u32);

impl PodShape {
    pub(crate) fn of(pod: &SlimPod) -> Self {
        Self {
            images: pod.images(),
            ignore: pod.ignore().into(),
            is_mirror: pod.is_mirror(),
            is_terminating: false,
            unfollowed: None,
            revision: revision_of(pod),
        }
    }

    /// The controller under which it is to be reported once that is there.
    pub(super) fn claimed(&self) -> Option<&WorkloadKey> {
        self.unfollowed.as_ref().filter(|_| !self.is_terminating)
    }
}

/// Of a pod whose controller names revisions in its status; elsewhere the label would distinguish what is alike.
fn revision_of(pod: &SlimPod) -> Option<Box<str>> {
    pod.revision()
        .filter(|_| pod.owner().is_some_and(|owner| owner.is_of("apps", "StatefulSet")))
        .map(Into::into)
}

/// Every shape that a pod has.
#[derive(Debug, Default)]
pub(super) struct Shapes(HashSet<Arc<PodShape>>);

impl Shapes {
    pub(super) fn share(&mut self, shape: PodShape) -> Arc<PodShape> {
        if let Some(known) = self.0.get(&shape) {
            return Arc::clone(known);
        }
        let shape = Arc::new(shape);
        self.0.insert(Arc::clone(&shape));
        shape
    }

    /// Drops a shape that nothing but this table and the caller holds any more.
    pub(super) fn release(&mut self, shape: &Arc<PodShape>) {
        if Arc::strong_count(shape) == 2 {
            self.0.remove(shape);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
