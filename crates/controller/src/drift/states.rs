//! From what a pod's status tells to what the index keeps of it.

use tagwatch_core::reference::Reference;
use tagwatch_k8s::slim::{Seen, Sighting};

use super::index::DriftIndex;
use super::pods::{ImageHash, PlaceId, PodRecord, State, What, keeps_earlier, place_name, seconds};

/// A status does not tell since when a pull fails; that the pod is not ready comes nearest, but the pod may have waited
/// for something else until now. Where that was no longer than this, in seconds, it is near enough, and the same after
/// our restart.
const NEAR: u32 = 60;

impl DriftIndex {
    /// What the containers of a live pod show; `known` is what is known of this very pod.
    pub(super) fn states(
        &mut self,
        sightings: &[Sighting],
        known: Option<&PodRecord>,
        now: u32,
    ) -> Vec<State> {
        let mut states = Vec::with_capacity(sightings.len());
        for sighting in sightings {
            let place = self.place_of(sighting);
            let image = ImageHash::of(sighting.image.raw());
            let before = known.and_then(|known| known.states.iter().find(|state| state.place == place));
            let is_first = known.is_none();
            states.extend(match &sighting.seen {
                Seen::Ran { digest, since, .. } => {
                    let since = since.map_or(now, seconds).min(now);
                    self.ran(sighting, digest, (since, now)).map(|what| match before {
                        // A restart of the same image is no news.
                        Some(before) if before.what == what => State { image, ..*before },
                        _ => State { place, image, what, since },
                    })
                }
                Seen::PullFails { reason, since } => {
                    let failing = before
                        .filter(|before| matches!(before.what, What::Fails(..)) && before.image == image);
                    let unready = since.map_or(now, seconds).min(now);
                    let is_near = now - unready <= NEAR;
                    let since = match failing {
                        Some(failing) => failing.since,
                        None if is_first || is_near => unready,
                        // It was seen, and its pull did not fail.
                        None => now,
                    };
                    let what = What::Fails(*reason, self.failing.id(sighting.image.raw()));
                    Some(State { place, image, what, since })
                }
                Seen::Nothing(why) => {
                    before.filter(|before| before.image == image && keeps_earlier(*why, before.what)).copied()
                }
            });
        }
        states
    }

    /// The number of what a container ran, seen from the first to the last of these times.
    pub(super) fn ran(&mut self, sighting: &Sighting, digest: &str, times: (u32, u32)) -> Option<What> {
        let canonical = Reference::parse(sighting.image.raw()).ok()?.canonical();
        let (reference, slot) = self.references.slot(&canonical, digest, times)?;
        Some(What::Ran(reference, slot))
    }

    fn place_of(&mut self, sighting: &Sighting) -> PlaceId {
        let name = place_name(sighting.container_type, sighting.container.raw());
        if let Some(known) = self.places.get(&*name) {
            return *known;
        }
        let next = PlaceId(self.next_place);
        self.next_place = self.next_place.wrapping_add(1);
        self.places.insert(name.into(), next);
        next
    }
}
