//! What the drift index takes of a pod.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::drift::PullFailureReason;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::slim::{Sighting, SlimObject, SlimPod, Untold};

use super::failing::ImageId;
use super::nodes::{NodeId, PlatformId};
use super::references::{ReferenceId, SlotId};
use crate::index::WorkloadKey;

/// A pod as the watch gives it.
#[derive(Debug)]
pub(crate) struct PodFacts<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    /// What the pod counts for: its controller, else the pod itself.
    pub(crate) controller: WorkloadKey,
    pub(crate) node: Option<&'a str>,
    pub(crate) sightings: Vec<Sighting>,
    /// Neither finished nor being deleted.
    pub(crate) is_live: bool,
}

impl<'a> PodFacts<'a> {
    pub(crate) fn of(pod: &'a SlimPod, controller: WorkloadKey) -> Self {
        let metadata = SlimObject::metadata(pod);
        Self {
            namespace: metadata.namespace.as_deref().unwrap_or_default(),
            name: metadata.name.as_deref().unwrap_or_default(),
            uid: metadata.uid.as_deref().unwrap_or_default(),
            controller,
            node: pod.node(),
            sightings: pod.sightings(),
            is_live: !pod.is_finished() && !pod.is_terminating(),
        }
    }
}

/// A pod in the index. There are a hundred thousand of them: numbers in place of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodRecord {
    /// Tells the pod from another one that has its name later.
    pub(super) uid: u64,
    pub(super) controller: WorkloadKey,
    pub(super) node: Option<NodeId>,
    /// The node's platform under which the pod is counted.
    pub(super) platform: Option<PlatformId>,
    pub(super) states: Box<[State]>,
}

/// What one container of a pod shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) place: PlaceId,
    /// What the pod's spec names.
    pub(super) image: ImageHash,
    pub(super) what: What,
    /// In Unix seconds, which fit until 2106.
    pub(super) since: u32,
}

/// A container of a pod spec by its kind and name, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(pub(super) u32);

/// The text of an image, as a number: enough to tell that it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageHash(u32);

impl ImageHash {
    pub(super) fn of(image: &str) -> Self {
        // The upper half is as good as the lower.
        Self(u32::try_from(hash(image) >> 32).unwrap_or_default())
    }
}

/// A text as a number that stays the same for as long as the process lives.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What came of a container's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// The reference resolved to one of its digests.
    Ran(ReferenceId, SlotId),
    /// The kubelet does not get this image.
    Fails(PullFailureReason, ImageId),
}

/// The name by which a place is numbered.
pub(super) fn place_name(kind: ContainerType, name: &str) -> String {
    [kind.list_field(), "/", name].concat()
}

/// Seconds as a record keeps them.
pub(crate) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// The time of such seconds.
pub(super) fn time(seconds: u32) -> Timestamp {
    Timestamp::from_second(seconds.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a container that shows nothing now may still be counted for what it showed before: what it ran is what it
/// ran while it waits for its next start, and everything is as it was while the kubelet has not seen the spec.
pub(super) fn keeps_earlier(why: Untold, before: What) -> bool {
    match why {
        Untold::Outdated => true,
        Untold::NotRun => matches!(before, What::Ran(..)),
        Untold::NoStatus | Untold::InvalidImage | Untold::ImageId(_) => false,
    }
}
