//! From what a pod's status says to what the index keeps of it.

use std::collections::HashMap;

use tagwatch_core::reference::Reference;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::slim::{ContainerImageStatus, ImageStatus, PodImages};

use super::PodIndex;
use super::record::{
    ContainerState, ImageHash, ImageId, ImageState, PlaceId, PodRecord, keeps_earlier, place_name, seconds,
};
use super::starts::{Before, Start};

/// A status does not say since when a pull fails; that the pod is not ready comes nearest, but the pod may have waited
/// for something else until now. Where that was no longer than this, in seconds, it is near enough, and the same after
/// our restart.
const NEAR: u32 = 60;

impl PodIndex {
    /// What the containers of a live pod with these images show; `known` is what is known of this very pod, whose spec may
    /// have changed before it was first seen.
    pub(super) fn record_states(
        &mut self,
        images: &PodImages,
        (statuses, may_have_changed): (&[ContainerImageStatus], bool),
        known: Option<&PodRecord>,
        now: u32,
    ) -> Vec<ContainerState> {
        let mut states = Vec::with_capacity(statuses.len());
        let known_states = by_place(known);
        let images_before = images_before(known, images);
        for status in statuses {
            let before = self.state_of(status, &known_states);
            let place = (status.container_type, status.container.raw());
            let may_have_changed = match known {
                None => may_have_changed,
                Some(_) => images_before.get(&place).is_some_and(|before| *before != status.image.raw()),
            };
            let start = self.start_of(status, before, may_have_changed, now);
            if before.is_none() && !start.matters() && matches!(status.image_status, ImageStatus::Unknown(_))
            {
                // Its name is not worth remembering: a pod that is never scheduled would leave it behind.
                continue;
            }
            let place = self.place_of(status);
            let is_of_spec = start.image == ImageHash::of(status.image.raw());
            let shown = match &status.image_status {
                ImageStatus::Ran { digest, since, .. } if is_of_spec => {
                    let since = since.map_or(now, seconds).min(now);
                    self.record_run(status, digest, (since, now)).map(|image_state| match before {
                        // A restart of the same image is no news.
                        Some(before) if before.image_state == image_state => (image_state, before.since),
                        _ => (image_state, since),
                    })
                }
                ImageStatus::Ran { .. } => None,
                ImageStatus::PullFailing { reason, since } => {
                    let image = self.failing_image_id(status.image.raw());
                    let failing = before.filter(|before| {
                        matches!(before.image_state, ImageState::PullFailing(_, known) if known == image)
                    });
                    let unready = since.map_or(now, seconds).min(now);
                    let is_near = now - unready <= NEAR;
                    let since = match failing {
                        Some(failing) => failing.since,
                        None if known.is_none() || is_near => unready,
                        // It was seen, and its pull did not fail.
                        None => now,
                    };
                    Some((ImageState::PullFailing(*reason, image), since))
                }
                ImageStatus::Unknown(why) => before
                    .filter(|before| self.is_of(status, before) && keeps_earlier(*why, before.image_state))
                    .map(|before| (before.image_state, before.since)),
            };
            let unknown = start.matters().then(|| {
                let ran = before.map(|before| before.image_state);
                let image_state = match ran {
                    Some(ImageState::Ran(reference, slot) | ImageState::Earlier(reference, slot)) => {
                        ImageState::Earlier(reference, slot)
                    }
                    _ => ImageState::Unknown,
                };
                let is_as_before =
                    |before: &&ContainerState| before.start == start && !before.image_state.is_counted();
                (image_state, before.filter(is_as_before).map_or(now, |before| before.since))
            });
            let state = shown.or(unknown);
            states.extend(state.map(|(image_state, since)| ContainerState {
                place,
                start,
                image_state,
                since,
            }));
        }
        states
    }

    /// The last start of a container once this status is there.
    pub(super) fn start_of(
        &self,
        status: &ContainerImageStatus,
        before: Option<&ContainerState>,
        may_have_changed: bool,
        now: u32,
    ) -> Start {
        let digest = before.and_then(|before| match before.image_state {
            ImageState::Ran(reference, slot) | ImageState::Earlier(reference, slot) => {
                Some(&*self.references.get(reference)?.at(slot)?.digest)
            }
            ImageState::PullFailing(..) | ImageState::Unknown => None,
        });
        Start::after(status, Before { state: before, digest, may_have_changed }, now)
    }

    /// Whether what a container showed before is of the image that the spec names now.
    fn is_of(&self, status: &ContainerImageStatus, before: &ContainerState) -> bool {
        match before.image_state {
            ImageState::PullFailing(_, image) => self.failing_image(image) == status.image.raw(),
            ImageState::Ran(..) | ImageState::Earlier(..) | ImageState::Unknown => {
                before.start.image == ImageHash::of(status.image.raw())
            }
        }
    }

    /// The number of what a container ran, seen from the first to the last of these times.
    pub(super) fn record_run(
        &mut self,
        status: &ContainerImageStatus,
        digest: &str,
        times: (u32, u32),
    ) -> Option<ImageState> {
        let canonical = Reference::parse(status.image.raw()).ok()?.canonical();
        let (reference, slot) = self.references.claim_slot(&canonical, digest, times)?;
        Some(ImageState::Ran(reference, slot))
    }

    /// What was known of the container of a status.
    pub(super) fn state_of<'a>(
        &self,
        status: &ContainerImageStatus,
        known: &HashMap<PlaceId, &'a ContainerState>,
    ) -> Option<&'a ContainerState> {
        let place = self.place(&place_name(status.container_type, status.container.raw()))?;
        known.get(&place).copied()
    }

    fn place_of(&mut self, status: &ContainerImageStatus) -> PlaceId {
        let name = place_name(status.container_type, status.container.raw());
        PlaceId(self.places.find_or_insert(&name, |_| ()))
    }

    fn failing_image_id(&mut self, image: &str) -> ImageId {
        ImageId(self.failing.find_or_insert(image, |_| ()))
    }
}

/// What the spec of a pod named in each place until now; empty where it still names the same, and where no node had the pod
/// that could have begun with that.
fn images_before<'a>(
    known: Option<&'a PodRecord>,
    images: &PodImages,
) -> HashMap<(ContainerType, &'a str), &'a str> {
    let known = known.filter(|known| known.node.is_some());
    let changed = known.map(|known| &known.shape.images).filter(|before| *before != images);
    let places = changed.into_iter().flat_map(PodImages::iter);
    places.map(|place| ((place.container_type, place.name), place.image)).collect()
}

/// The states of a pod by place: it may have a thousand containers.
pub(super) fn by_place(known: Option<&PodRecord>) -> HashMap<PlaceId, &ContainerState> {
    known.into_iter().flat_map(|known| &known.states).map(|state| (state.place, state)).collect()
}
