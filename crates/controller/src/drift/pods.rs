//! What the drift index takes of a pod.

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::drift::PullFailureReason;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::slim::{Seen, Sighting, SlimObject, SlimPod, Untold};

use super::nodes::{NodeId, PlatformId};
use super::references::{ReferenceId, SlotId};
use crate::index::WorkloadKey;

/// A pod as the watch gives it.
#[derive(Debug)]
pub(crate) struct PodFacts<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
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
    pub(super) what: What,
    /// In Unix seconds, which fit until 2106.
    pub(super) since: u32,
}

/// A container of a pod spec by its kind and name, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(pub(super) u32);

/// What came of a container's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// The reference resolved to one of its digests.
    Ran(ReferenceId, SlotId),
    /// The kubelet does not get the image.
    Fails(PullFailureReason),
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

/// Whether a container that shows nothing now may still be counted for what it showed before: it waits for its next
/// start, and what it ran is what it ran.
pub(super) fn keeps_earlier(seen: &Seen) -> bool {
    matches!(seen, Seen::Nothing(Untold::NotRun | Untold::ImageId(_)))
}
