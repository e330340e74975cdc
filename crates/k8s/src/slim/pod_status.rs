//! What the statuses of a pod's containers say of its images (`docs/design/verdicts.md`, "Proof from the cluster").

use std::collections::HashMap;

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use tagwatch_core::drift::{Discarded, PullFailureReason, manifest_digest};
use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use super::meta::WireTime;
use super::pod_spec::PodImages;
use super::text::Text;

/// What a pod showed of the image of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerImageStatus {
    /// Name of the container.
    pub container: UntrustedText,
    /// What kind of container it is.
    pub container_type: ContainerType,
    /// What the pod's own spec names.
    pub image: UntrustedText,
    /// The `containerID` of its last start, which another start changes.
    pub container_id: Option<UntrustedText>,
    /// Whether the node got it.
    pub image_status: ImageStatus,
    /// Its last start, where the status says nothing of the image now.
    pub last_run: Option<LastRun>,
}

/// The last start of a container that waits for the next one, or whose kubelet has not seen the spec. Which image the spec named
/// then is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The manifest digest of the repository that the spec names now.
    pub digest: String,
    /// When the container started.
    pub since: Option<Timestamp>,
}

/// What a node did with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageStatus {
    /// The tag resolved to a manifest digest, and the container ran it.
    Ran {
        /// The manifest digest as `algorithm:hex`.
        digest: String,
        /// When the container started.
        since: Option<Timestamp>,
        /// When it ended, if it has; where the status does not say when that was, as it started.
        until: Option<Timestamp>,
    },
    /// The kubelet cannot pull it.
    PullFailing {
        /// The reason that it gives.
        reason: PullFailureReason,
        /// Since when the pod is not ready.
        since: Option<Timestamp>,
    },
    /// The status does not say.
    Unknown(NoImageReason),
}

/// Why a status says nothing of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoImageReason {
    /// The kubelet has not seen the spec as it is.
    Outdated,
    /// There is no status of the container yet.
    NoStatus,
    /// The container has not run: it waits for something else than its image, or ended without a start.
    NotRun,
    /// The pod's spec names no valid reference.
    InvalidImage,
    /// The `imageID` is of no use.
    ImageId(Discarded),
}

/// `status` of a pod, as far as images go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WirePodStatus {
    pub(super) phase: Option<super::PodPhase>,
    observed_generation: Option<i64>,
    start_time: Option<WireTime>,
    conditions: Option<Vec<WireCondition>>,
    container_statuses: Option<Vec<WireContainerStatus>>,
    init_container_statuses: Option<Vec<WireContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<WireContainerStatus>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCondition {
    r#type: Option<Text>,
    status: Option<Text>,
    last_transition_time: Option<WireTime>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContainerStatus {
    name: Option<Text>,
    #[serde(rename = "imageID")]
    image_id: Option<Text>,
    #[serde(rename = "containerID")]
    container_id: Option<Text>,
    state: Option<WireState>,
    last_state: Option<WireState>,
}

#[derive(Debug, Clone, Deserialize)]
struct WireState {
    running: Option<WireTimes>,
    terminated: Option<WireTimes>,
    waiting: Option<WireWaiting>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTimes {
    started_at: Option<WireTime>,
    finished_at: Option<WireTime>,
}

#[derive(Debug, Clone, Deserialize)]
struct WireWaiting {
    reason: Option<Text>,
}

impl WireContainerStatus {
    /// `imageID` is that of the last start, also while the container waits.
    fn last_run(&self, image: &str) -> Option<LastRun> {
        let reference = Reference::parse(image).ok()?;
        let digest = manifest_digest(self.image_id.as_ref()?.0.raw(), &reference).ok()?;
        let states = [&self.state, &self.last_state].into_iter().flatten();
        let times = states.flat_map(|state| [&state.running, &state.terminated]).flatten();
        let mut times = times.filter_map(|times| times.started_at.as_ref()?.0);
        // A container that never started has Go's zero time.
        let since = times.find(|started| *started > Timestamp::UNIX_EPOCH);
        let was_started = self.container_id.as_ref().is_some_and(|id| !id.0.raw().is_empty());
        was_started.then_some(LastRun { digest, since })
    }
}

impl WirePodStatus {
    /// Whether the kubelet had seen this generation of the spec when it wrote the status. Kubelets before 1.33 do
    /// not say.
    fn is_of(&self, generation: Option<i64>) -> bool {
        match self.observed_generation {
            None | Some(0) => true,
            Some(observed) => generation.is_none_or(|generation| generation == observed),
        }
    }

    /// One for each container.
    pub(super) fn image_statuses(
        &self,
        images: &PodImages,
        generation: Option<i64>,
    ) -> Vec<ContainerImageStatus> {
        let is_outdated = !self.is_of(generation);
        let statuses = self.by_place();
        let places = images.iter().filter(|place| place.container_type != ContainerType::ImageVolume);
        places
            .map(|place| {
                let list = place.container_type.list_field();
                let status = statuses.get(&(list, place.name)).copied();
                let id = status.and_then(|status| status.container_id.as_ref());
                let image_status = match status {
                    _ if is_outdated => ImageStatus::Unknown(NoImageReason::Outdated),
                    Some(status) => self.read(status, place.image),
                    None => ImageStatus::Unknown(NoImageReason::NoStatus),
                };
                let last_run = match image_status {
                    ImageStatus::Unknown(NoImageReason::Outdated | NoImageReason::NotRun) => status,
                    _ => None,
                };
                ContainerImageStatus {
                    container: place.name.into(),
                    container_type: place.container_type,
                    image: place.image.into(),
                    container_id: id.map(|id| id.0.clone()).filter(|id| !id.raw().is_empty()),
                    image_status,
                    last_run: last_run.and_then(|status| status.last_run(place.image)),
                }
            })
            .collect()
    }

    /// The statuses by the list that holds the container, and by its name; of two with one name, the first.
    fn by_place(&self) -> HashMap<(&'static str, &str), &WireContainerStatus> {
        let lists = [
            (ContainerType::Container, &self.container_statuses),
            (ContainerType::Init, &self.init_container_statuses),
            (ContainerType::Ephemeral, &self.ephemeral_container_statuses),
        ];
        let mut statuses = HashMap::new();
        for (kind, list) in lists {
            for status in list.iter().flatten() {
                if let Some(name) = &status.name {
                    statuses.entry((kind.list_field(), name.0.raw())).or_insert(status);
                }
            }
        }
        statuses
    }

    /// Of the image of a waiting container the status says only that its pull fails: its `imageID` is that of an earlier start.
    fn read(&self, status: &WireContainerStatus, image: &str) -> ImageStatus {
        let Some(state) = &status.state else { return ImageStatus::Unknown(NoImageReason::NotRun) };
        if let Some(waiting) = &state.waiting {
            let reason = waiting.reason.as_ref().and_then(|reason| PullFailureReason::parse(reason.0.raw()));
            return match reason {
                Some(reason) => ImageStatus::PullFailing { reason, since: self.unready_since() },
                None => ImageStatus::Unknown(NoImageReason::NotRun),
            };
        }
        let time = |time: &Option<WireTime>| time.as_ref().and_then(|time| time.0);
        let (since, until) = match (&state.running, &state.terminated) {
            (Some(running), _) => (time(&running.started_at), None),
            (None, Some(terminated)) => match time(&terminated.started_at) {
                // A container that never started has Go's zero time.
                Some(started) if started > Timestamp::UNIX_EPOCH => {
                    (Some(started), time(&terminated.finished_at).max(Some(started)))
                }
                _ => return ImageStatus::Unknown(NoImageReason::NotRun),
            },
            (None, None) => return ImageStatus::Unknown(NoImageReason::NotRun),
        };
        let Ok(reference) = Reference::parse(image) else {
            return ImageStatus::Unknown(NoImageReason::InvalidImage);
        };
        let image_id = status.image_id.as_ref().map_or("", |id| id.0.raw());
        match manifest_digest(image_id, &reference) {
            Ok(digest) => ImageStatus::Ran { digest, since, until },
            Err(why) => ImageStatus::Unknown(NoImageReason::ImageId(why)),
        }
    }

    /// A status does not say since when a container waits; that the pod is not ready comes nearest.
    fn unready_since(&self) -> Option<Timestamp> {
        let is_unready = |condition: &&WireCondition| {
            let is =
                |text: &Option<Text>, wanted: &str| text.as_ref().is_some_and(|text| text.0.raw() == wanted);
            is(&condition.r#type, "ContainersReady") && is(&condition.status, "False")
        };
        let condition = self.conditions.iter().flatten().find(is_unready);
        let since = condition.and_then(|condition| condition.last_transition_time.as_ref());
        since.or(self.start_time.as_ref()).and_then(|time| time.0)
    }
}
