//! From what a pod's status says to what the index keeps of it.

use std::collections::HashMap;

use tagwatch_core::reference::Reference;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::slim::{ContainerImageStatus, ImageStatus, LastRun, PodImages};

use super::PodIndex;
use super::record::{
    ContainerState, ImageHash, ImageId, ImageState, PlaceId, PodRecord, keeps_earlier, place_name, seconds,
};
use super::starts::{Before, ImagesBefore, Start};

/// A status does not say since when a pull fails; that the pod is not ready comes nearest, but the pod may have waited
/// for something else until now. Where that was no longer than this, in seconds, it is near enough, and the same after
/// our restart.
const NEAR: u32 = 60;

impl PodIndex {
    /// What the containers of a live pod show.
    pub(super) fn record_states(
        &mut self,
        statuses: &[ContainerImageStatus],
        known: &KnownPod<'_>,
        now: u32,
    ) -> Vec<ContainerState> {
        let mut states = Vec::with_capacity(statuses.len());
        for status in statuses {
            let before_start = self.before(status, known);
            let start = Start::after(status, before_start, now);
            let before = before_start.state;
            if before.is_none() && !start.matters() && matches!(status.image_status, ImageStatus::Unknown(_))
            {
                // Its name is not worth remembering: a pod that is never scheduled would leave it behind.
                continue;
            }
            let place = self.place_of(status);
            let shown = match &status.image_status {
                ImageStatus::Ran { digest, since, .. } if self.is_of_spec(start, status, digest) => {
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
                        None if known.is_new || is_near => unready,
                        // It was seen, and its pull did not fail.
                        None => now,
                    };
                    Some((ImageState::PullFailing(*reason, image), since))
                }
                ImageStatus::Unknown(why) => before
                    .filter(|before| self.is_of(status, before) && keeps_earlier(*why, before.image_state))
                    .map(|before| (before.image_state, before.since))
                    .or_else(|| self.restored_run(status, now).filter(|_| known.is_new)),
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

    /// Whether a container that ran this digest is counted for the image that the spec names: it was started from it or, where
    /// that is unknown, it is stored that the image resolved to this digest. Then nothing new is said of the image, and what
    /// still ran when we were started again has not ended.
    pub(super) fn is_of_spec(&self, start: Start, status: &ContainerImageStatus, digest: &str) -> bool {
        let image = status.image.raw();
        let is_restored = |named: Reference| self.references.is_restored(&named.canonical(), digest);
        start.image == ImageHash::of(image)
            || (start.image == ImageHash::UNSURE && Reference::parse(image).is_ok_and(is_restored))
    }

    /// What a container ran last, where it is stored that the image which the spec names now resolved to that.
    fn restored_run(&mut self, status: &ContainerImageStatus, now: u32) -> Option<(ImageState, u32)> {
        let LastRun { digest, since } = status.last_run.as_ref()?;
        let named = Reference::parse(status.image.raw()).ok()?;
        if !self.references.is_restored(&named.canonical(), digest) {
            return None;
        }
        let since = since.map_or(now, seconds).min(now);
        Some((self.record_run(status, digest, (since, now))?, since))
    }

    /// Whether what a container showed before is of the image that the spec names now.
    fn is_of(&self, status: &ContainerImageStatus, before: &ContainerState) -> bool {
        match before.image_state {
            ImageState::PullFailing(_, image) => self.failing_image(image) == status.image.raw(),
            ImageState::Ran(reference, _) if before.start.image == ImageHash::UNSURE => {
                let named = Reference::parse(status.image.raw());
                named.is_ok_and(|named| self.references.find(&named.canonical()) == Some(reference))
            }
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
    pub(super) fn before<'a>(&self, status: &ContainerImageStatus, known: &KnownPod<'a>) -> Before<'a> {
        let (kind, name) = (status.container_type, status.container.raw());
        let place = self.place(&place_name(kind, name));
        let state = place.and_then(|place| known.states.get(&place).copied());
        let images = match known.images.get(&(kind, name)) {
            _ if known.is_unknown_spec => ImagesBefore::Unknown,
            Some(before) if *before != status.image.raw() => ImagesBefore::Another,
            _ => ImagesBefore::Same,
        };
        Before { state, images, settles_in: known.settles_in }
    }

    fn place_of(&mut self, status: &ContainerImageStatus) -> PlaceId {
        let name = place_name(status.container_type, status.container.raw());
        PlaceId(self.places.find_or_insert(&name, |_| ()))
    }

    fn failing_image_id(&mut self, image: &str) -> ImageId {
        ImageId(self.failing.find_or_insert(image, |_| ()))
    }
}

/// What is known of the containers of a pod, before what the watch shows now.
pub(super) struct KnownPod<'a> {
    /// By place: a pod may have a thousand containers.
    states: HashMap<PlaceId, &'a ContainerState>,
    /// What the spec named in each place until now; empty where it still names the same, and where no node had the pod that
    /// could have begun with that.
    images: HashMap<(ContainerType, &'a str), &'a str>,
    /// Whether nothing is known of it.
    is_new: bool,
    is_unknown_spec: bool,
    settles_in: u32,
}

impl<'a> KnownPod<'a> {
    /// `known` is what is known of this very pod, and `images` are those of its spec now, which `may_have_changed` before the
    /// pod was first seen. `settles_in` is that of [`PodFacts`](super::PodFacts).
    pub(super) fn of(
        known: Option<&'a PodRecord>,
        images: &PodImages,
        may_have_changed: bool,
        settles_in: u32,
    ) -> Self {
        let states = known.into_iter().flat_map(|known| &known.states).map(|state| (state.place, state));
        let on_node = known.filter(|known| known.node.is_some());
        let changed = on_node.map(|known| &known.shape.images).filter(|before| *before != images);
        let places = changed.into_iter().flat_map(PodImages::iter);
        Self {
            states: states.collect(),
            images: places.map(|place| ((place.container_type, place.name), place.image)).collect(),
            is_new: known.is_none(),
            is_unknown_spec: known.is_none() && may_have_changed,
            settles_in,
        }
    }
}
