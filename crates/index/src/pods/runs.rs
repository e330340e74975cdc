//! What the pods of one controller run, counted.

use super::nodes::PlatformId;
use super::record::{ContainerState, ImageState, PlaceId};
use super::references::SlotId;
use crate::small_map::SmallMap;

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

type RunKey = (PlaceId, ImageState, Option<PlatformId>);

#[derive(Debug, Clone, Copy)]
struct RunCount {
    pods: u32,
    since: u32,
}

/// The runs of one controller; most have one for each container. In order: those of one place, and in it of one reference,
/// follow each other.
#[derive(Debug, Default)]
pub(crate) struct Runs(SmallMap<RunKey, RunCount>);

/// What a change of one container is to its workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunChange {
    /// Its evidence is another one now.
    pub(crate) is_news: bool,
    /// The run, where it began or ended.
    pub(crate) run: Option<Run>,
}

impl Runs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Run> {
        self.0.iter().map(|(key, count)| run(key, *count))
    }

    /// A container shows this.
    pub(crate) fn enter(&mut self, state: ContainerState, platform: Option<PlatformId>) -> RunChange {
        let ContainerState { place, image_state, since, start: _ } = state;
        let key = (place, image_state, platform);
        if let Some(count) = self.0.get_mut(&key) {
            count.pods += 1;
            count.since = count.since.min(since);
            return RunChange { is_news: false, run: None };
        }
        let count = RunCount { pods: 1, since };
        self.0.insert(key, count);
        RunChange { is_news: self.matters(place, image_state), run: Some(run(&key, count)) }
    }

    /// A container no longer shows this.
    pub(crate) fn leave(&mut self, state: ContainerState, platform: Option<PlatformId>) -> RunChange {
        let unchanged = RunChange { is_news: false, run: None };
        let key = (state.place, state.image_state, platform);
        let Some(count) = self.0.get_mut(&key) else { return unchanged };
        count.pods -= 1;
        if count.pods > 0 {
            return unchanged;
        }
        let ended = run(&key, *count);
        let is_news = self.matters(state.place, state.image_state);
        self.0.remove(&key);
        RunChange { is_news, run: Some(ended) }
    }

    /// One digest alone is expected, and changes no verdict.
    fn matters(&self, place: PlaceId, image_state: ImageState) -> bool {
        let ImageState::Ran(reference, slot) = image_state else { return true };
        let first = (place, ImageState::Ran(reference, SlotId::FIRST), None);
        let of_it = self.0.iter_from(&first).map(|((place, state, _), _)| (*place, *state)).map_while(
            |(of_place, state)| match state {
                ImageState::Ran(of, slot) if of_place == place && of == reference => Some(slot),
                _ => None,
            },
        );
        let mut others = of_it.filter(|other| *other != slot);
        others.next().is_some()
    }
}

fn run(key: &RunKey, count: RunCount) -> Run {
    let (place, image_state, platform) = *key;
    let RunCount { pods, since } = count;
    Run { place, image_state, platform, pods, since }
}
