//! From what a pod's status says to what the index keeps of it.

use std::collections::HashMap;

use tagwatch_core::reference::Reference;
use tagwatch_k8s::slim::{ContainerImageStatus, ImageStatus};

use super::PodIndex;
use super::record::{
    ContainerState, ImageHash, ImageId, ImageState, PlaceId, PodRecord, keeps_earlier, place_name, seconds,
};

/// A status does not say since when a pull fails; that the pod is not ready comes nearest, but the pod may have waited
/// for something else until now. Where that was no longer than this, in seconds, it is near enough, and the same after
/// our restart.
const NEAR: u32 = 60;

impl PodIndex {
    /// What the containers of a live pod show; `known` is what is known of this very pod.
    pub(super) fn states(
        &mut self,
        statuses: &[ContainerImageStatus],
        known: Option<&PodRecord>,
        now: u32,
    ) -> Vec<ContainerState> {
        let mut states = Vec::with_capacity(statuses.len());
        // A pod may have a thousand containers.
        let known_states: HashMap<PlaceId, &ContainerState> =
            known.iter().flat_map(|known| &known.states).map(|state| (state.place, state)).collect();
        for status in statuses {
            let image = ImageHash::of(status.image.raw());
            let place_name = place_name(status.container_type, status.container.raw());
            let before = self.place(&place_name).and_then(|place| known_states.get(&place).copied());
            if before.is_none() && matches!(status.image_status, ImageStatus::Unknown(_)) {
                // Its name is not worth remembering: a pod that is never scheduled would leave it behind.
                continue;
            }
            let place = PlaceId(self.places.find_or_insert(&place_name, |_| ()));
            let is_first = known.is_none();
            states.extend(match &status.image_status {
                ImageStatus::Ran { digest, since, .. } => {
                    let since = since.map_or(now, seconds).min(now);
                    self.ran(status, digest, (since, now)).map(|image_state| match before {
                        // A restart of the same image is no news.
                        Some(before) if before.image_state == image_state => {
                            ContainerState { image, ..*before }
                        }
                        _ => ContainerState { place, image, image_state, since },
                    })
                }
                ImageStatus::PullFailing { reason, since } => {
                    let failing = before.filter(|before| {
                        matches!(before.image_state, ImageState::PullFailing(..)) && before.image == image
                    });
                    let unready = since.map_or(now, seconds).min(now);
                    let is_near = now - unready <= NEAR;
                    let since = match failing {
                        Some(failing) => failing.since,
                        None if is_first || is_near => unready,
                        // It was seen, and its pull did not fail.
                        None => now,
                    };
                    let image_state =
                        ImageState::PullFailing(*reason, self.failing_image_id(status.image.raw()));
                    Some(ContainerState { place, image, image_state, since })
                }
                ImageStatus::Unknown(why) => before
                    .filter(|before| before.image == image && keeps_earlier(*why, before.image_state))
                    .copied(),
            });
        }
        states
    }

    /// The number of what a container ran, seen from the first to the last of these times.
    pub(super) fn ran(
        &mut self,
        status: &ContainerImageStatus,
        digest: &str,
        times: (u32, u32),
    ) -> Option<ImageState> {
        let canonical = Reference::parse(status.image.raw()).ok()?.canonical();
        let (reference, slot) = self.references.slot(&canonical, digest, times)?;
        Some(ImageState::Ran(reference, slot))
    }

    fn failing_image_id(&mut self, image: &str) -> ImageId {
        ImageId(self.failing.find_or_insert(image, |_| ()))
    }
}
