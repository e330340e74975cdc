//! What the index keeps of a pod.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::drift::PullFailureReason;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{ContainerImageStatus, NoImageReason, SlimPod};

use super::leaving::reported_from;
use super::name::PodName;
use super::nodes::{NodeId, PlatformId};
use super::references::{ReferenceId, SlotId};
use super::shapes::PodShape;
use super::starts::{START_SETTLES_IN, Start};

/// Group and kind of pods.
const POD: (&str, &str) = ("", "Pod");

/// Names a pod.
pub(crate) fn pod_key(namespace: &str, name: &str, uid: &str) -> WorkloadKey {
    WorkloadKey::new("v1", POD.1, namespace, name, uid)
}

/// Whether objects of a controller's kind control pods, as far as is known.
pub(super) fn controls_pods(controller: &WorkloadKey) -> bool {
    controller.may_control(POD.0, POD.1)
}

/// A pod as the watch reports it, read.
#[derive(Debug)]
pub struct PodFacts<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    /// What the pod is counted for: its controller, else the pod itself.
    pub(crate) controller: WorkloadKey,
    pub(crate) shape: PodShape,
    pub(crate) node: Option<&'a str>,
    pub(crate) statuses: Vec<ContainerImageStatus>,
    /// Whether its spec may be another one than the one that it was created with.
    pub(crate) may_have_changed: bool,
    /// How long after a change of its spec no container runs that was started before it, in seconds.
    pub(crate) settles_in: u32,
    /// Neither finished nor being deleted.
    pub(crate) is_live: bool,
    /// Of one that is being deleted and may still run: from when on it is reported on its own.
    pub(crate) reported_from: Option<u32>,
}

impl<'a> From<&'a SlimPod> for PodFacts<'a> {
    /// Reads a pod. It may have a thousand containers, so this is done before an index is locked.
    fn from(pod: &'a SlimPod) -> Self {
        let (namespace, name) = pod.place();
        let mut facts = Self {
            namespace,
            name,
            uid: pod.uid(),
            controller: pod.owner().unwrap_or_else(|| pod.key()),
            shape: PodShape::of(pod),
            node: pod.node(),
            statuses: pod.image_statuses(),
            may_have_changed: pod.may_have_changed(),
            settles_in: START_SETTLES_IN.saturating_add(pod.grace()),
            is_live: !pod.is_finished() && !pod.is_terminating(),
            reported_from: reported_from(pod),
        };
        if !controls_pods(&facts.controller) {
            facts.stand_alone();
        }
        facts
    }
}

impl PodFacts<'_> {
    /// The key of the pod itself.
    pub(crate) fn own_key(&self) -> WorkloadKey {
        pod_key(self.namespace, self.name, self.uid)
    }

    /// From now on it is counted for itself, whatever controller it names.
    pub(crate) fn stand_alone(&mut self) {
        let own = self.own_key();
        if own != self.controller {
            self.shape.unfollowed = Some(std::mem::replace(&mut self.controller, own));
        }
    }
}

/// A live pod. There are a hundred thousand of them: numbers instead of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodRecord {
    pub(crate) name: PodName,
    pub(crate) controller: WorkloadKey,
    pub(super) shape: Arc<PodShape>,
    pub(crate) node: Option<NodeId>,
    /// The node's platform under which the pod is counted.
    pub(crate) platform: Option<PlatformId>,
    pub(crate) states: Box<[ContainerState]>,
}

/// A pod as it is found by its name, in its namespace and under its controller: both hold the same record. A tree is a third
/// empty on average, so its entries are no more than a pointer.
#[derive(Debug, Clone)]
pub(super) struct NamedPod(pub(super) Arc<PodRecord>);

impl Borrow<str> for NamedPod {
    fn borrow(&self) -> &str {
        self.0.name.name()
    }
}

impl PartialEq for NamedPod {
    fn eq(&self, other: &Self) -> bool {
        self.0.name.name() == other.0.name.name()
    }
}

impl Eq for NamedPod {}

impl PartialOrd for NamedPod {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NamedPod {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.name().cmp(other.0.name.name())
    }
}

/// What one container of a pod shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContainerState {
    pub(crate) place: PlaceId,
    pub(super) start: Start,
    pub(crate) image_state: ImageState,
    /// In Unix seconds, which fit until 2106.
    pub(crate) since: u32,
}

/// An image that a node cannot pull, as the spec of a pod names it, by number: it may be no reference at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ImageId(pub(super) u32);

/// A container of a pod spec by its kind and name, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlaceId(pub(super) u32);

/// The text of an image, as a number: enough to notice that it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageHash(u32);

impl ImageHash {
    /// It is not known which image.
    pub(super) const UNSURE: Self = Self(0);

    pub(super) fn of(image: &str) -> Self {
        // The upper half is as good as the lower.
        Self(u32::try_from(hash(image) >> 32).unwrap_or_default().max(1))
    }
}

/// A text as a number that stays the same for as long as the process lives.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What a node did with the image of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ImageState {
    /// The reference resolved to one of its digests.
    Ran(ReferenceId, SlotId),
    /// The kubelet cannot pull this image.
    PullFailing(PullFailureReason, ImageId),
    /// What it ran before the pod's spec named another image; counted nowhere, like [`Self::Unknown`].
    Earlier(ReferenceId, SlotId),
    /// Nothing that could be compared. Kept for what is known of the last start.
    Unknown,
}

impl ImageState {
    /// Whether it says something of the image that the pod's spec names.
    pub(super) fn is_counted(self) -> bool {
        matches!(self, Self::Ran(..) | Self::PullFailing(..))
    }
}

impl PodRecord {
    /// Whether any of its containers was started.
    pub(crate) fn has_started(&self) -> bool {
        self.states
            .iter()
            .any(|state| state.start.is_known() || matches!(state.image_state, ImageState::Ran(..)))
    }

    /// The revision of its `StatefulSet` that it was made from.
    pub(crate) fn revision(&self) -> Option<&str> {
        self.shape.revision.as_deref()
    }

    /// The states that say something of an image.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &ContainerState> {
        self.states.iter().filter(|state| state.image_state.is_counted())
    }
}

/// The name by which a place is numbered.
pub(crate) fn place_name(kind: ContainerType, name: &str) -> String {
    [kind.list_field(), "/", name].concat()
}

/// Seconds as a record keeps them.
pub(crate) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// The time of such seconds.
pub(crate) fn time(seconds: u32) -> Timestamp {
    Timestamp::from_second(seconds.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a container that shows nothing now may still be counted for what it showed before: what it ran is what it
/// ran while it waits for its next start, and everything is as it was while the kubelet has not seen the spec.
pub(super) fn keeps_earlier(why: NoImageReason, before: ImageState) -> bool {
    match why {
        NoImageReason::Outdated => before.is_counted(),
        NoImageReason::NotRun => matches!(before, ImageState::Ran(..)),
        NoImageReason::NoStatus | NoImageReason::InvalidImage | NoImageReason::ImageId(_) => false,
    }
}
