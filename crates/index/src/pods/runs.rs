//! What the pods of one controller run, counted.

use super::nodes::PlatformId;
use super::record::{ContainerState, ImageState, PlaceId};
use super::references::ReferenceId;

/// Containers of one place that show the same on one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) place: PlaceId,
    pub(crate) image_state: ImageState,
    pub(crate) platform: Option<PlatformId>,
    pub(crate) pods: u32,
    /// The earliest of them and of those before, back to when there was none: at least one pod has shown it since then.
    pub(crate) since: u32,
}

/// The runs of one controller; most have one for each container.
#[derive(Debug, Default)]
pub(crate) struct Runs(Vec<Run>);

impl Runs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.0.iter()
    }

    /// A container shows this. Returns whether that is news of the workload.
    pub(crate) fn enter(&mut self, state: ContainerState, platform: Option<PlatformId>) -> bool {
        if let Some(run) = self.find(state, platform) {
            run.pods += 1;
            run.since = run.since.min(state.since);
            return false;
        }
        let ContainerState { place, image_state, since, start: _ } = state;
        // Most controllers have one for each of a few containers.
        self.0.reserve_exact(1);
        self.0.push(Run { place, image_state, platform, pods: 1, since });
        self.matters(place, image_state)
    }

    /// A container no longer shows this. Returns whether that is news of the workload, and the run where
    /// that was the last pod of it.
    pub(crate) fn leave(
        &mut self,
        state: ContainerState,
        platform: Option<PlatformId>,
    ) -> (bool, Option<Run>) {
        let Some(run) = self.find(state, platform) else { return (false, None) };
        run.pods -= 1;
        if run.pods > 0 {
            return (false, None);
        }
        let ended = *run;
        let matters = self.matters(state.place, state.image_state);
        self.0.retain(|run| run.pods > 0);
        (matters, Some(ended))
    }

    pub(crate) fn runs_reference(&self, reference: ReferenceId) -> bool {
        self.0.iter().any(|run| matches!(run.image_state, ImageState::Ran(of, _) if of == reference))
    }

    fn find(&mut self, state: ContainerState, platform: Option<PlatformId>) -> Option<&mut Run> {
        self.0.iter_mut().find(|run| {
            run.place == state.place && run.image_state == state.image_state && run.platform == platform
        })
    }

    /// One digest alone is expected, and changes no verdict.
    fn matters(&self, place: PlaceId, image_state: ImageState) -> bool {
        let ImageState::Ran(reference, slot) = image_state else { return true };
        let is_other = |run: &Run| {
            run.place == place
                && matches!(run.image_state, ImageState::Ran(of, other) if of == reference && other != slot)
        };
        self.0.iter().any(is_other)
    }
}
