//! What the pods of one controller run, counted.

use super::nodes::PlatformId;
use super::pods::{PlaceId, State, What};
use super::references::ReferenceId;

/// Containers of one place that show the same on one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) place: PlaceId,
    pub(super) what: What,
    pub(super) platform: Option<PlatformId>,
    pub(super) pods: u32,
    /// The earliest of them and of those before, back to when there was none: at least one pod has shown it since then.
    pub(super) since: u32,
}

/// The runs of one controller; most have one for each container.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A container shows this. Returns whether that tells something new of the workload.
    pub(super) fn enter(&mut self, state: State, platform: Option<PlatformId>) -> bool {
        if let Some(run) = self.find(state, platform) {
            run.pods += 1;
            run.since = run.since.min(state.since);
            return false;
        }
        let State { place, what, since, image: _ } = state;
        self.0.push(Run { place, what, platform, pods: 1, since });
        self.matters(place, what)
    }

    /// A container no longer shows this. Returns whether that tells something new of the workload, and the run where
    /// that was the last pod of it.
    pub(super) fn leave(&mut self, state: State, platform: Option<PlatformId>) -> (bool, Option<Run>) {
        let Some(run) = self.find(state, platform) else { return (false, None) };
        run.pods -= 1;
        if run.pods > 0 {
            return (false, None);
        }
        let ended = *run;
        let matters = self.matters(state.place, state.what);
        self.0.retain(|run| run.pods > 0);
        (matters, Some(ended))
    }

    pub(super) fn runs_reference(&self, reference: ReferenceId) -> bool {
        self.0.iter().any(|run| matches!(run.what, What::Ran(of, _) if of == reference))
    }

    fn find(&mut self, state: State, platform: Option<PlatformId>) -> Option<&mut Run> {
        self.0
            .iter_mut()
            .find(|run| run.place == state.place && run.what == state.what && run.platform == platform)
    }

    /// One digest alone is what everybody expects, and changes no verdict.
    fn matters(&self, place: PlaceId, what: What) -> bool {
        let What::Ran(reference, slot) = what else { return true };
        let is_other = |run: &Run| {
            run.place == place && matches!(run.what, What::Ran(of, other) if of == reference && other != slot)
        };
        self.0.iter().any(is_other)
    }
}
