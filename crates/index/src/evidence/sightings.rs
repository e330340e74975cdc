//! Pods by name, as examples of what they run. A namespace may hold twenty thousand of them, so they are looked through once
//! for all containers of a workload, and only up to a limit: the numbers beside the names are complete all the same.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use tagwatch_core::drift::PodSighting;

use super::rollout_view::RolloutView;
use crate::owners::RolloutId;
use crate::pods::{ImageState, PlaceId, PodIndex, PodRecord, ReferenceId, ReferenceRecord, SlotId};

/// Pods that evidence names of a digest.
pub(super) const MAX_NAMED: usize = 5;
/// Most containers of pods that are looked at for names: of the pods of one workload, and of other pods of its namespace.
const MAX_LOOKED_AT: usize = 20_000;

type Pods<'a> = Vec<&'a PodRecord>;

/// The pods that a workload's evidence names.
pub(super) struct Sightings<'a> {
    index: &'a PodIndex,
    view: &'a RolloutView,
    namespace: &'a str,
    /// References of which pods are to be named, whichever workload they are of.
    wanted: BTreeSet<ReferenceId>,
    own: OnceCell<HashMap<(PlaceId, ImageState, RolloutId), Pods<'a>>>,
    in_namespace: OnceCell<HashMap<(ReferenceId, SlotId), Pods<'a>>>,
}

impl<'a> Sightings<'a> {
    pub(super) fn new(
        index: &'a PodIndex,
        view: &'a RolloutView,
        namespace: &'a str,
        wanted: BTreeSet<ReferenceId>,
    ) -> Self {
        Self { index, view, namespace, wanted, own: OnceCell::new(), in_namespace: OnceCell::new() }
    }

    /// Pods of a rollout in force that show this in a place.
    pub(super) fn own(
        &self,
        place: PlaceId,
        state: ImageState,
        rollout: RolloutId,
    ) -> impl Iterator<Item = PodSighting> {
        let pods = self.own.get_or_init(|| self.look_at_own()).get(&(place, state, rollout));
        pods.into_iter().flatten().map(|pod| self.sighting(pod))
    }

    /// Pods of the namespace that run this, those of the workload first.
    pub(super) fn in_namespace(
        &self,
        reference: ReferenceId,
        slot: SlotId,
    ) -> impl Iterator<Item = PodSighting> {
        let pods = self.in_namespace.get_or_init(|| self.look_at_namespace()).get(&(reference, slot));
        pods.into_iter().flatten().map(|pod| self.sighting(pod))
    }

    fn look_at_own(&self) -> HashMap<(PlaceId, ImageState, RolloutId), Pods<'a>> {
        let mut found: HashMap<(PlaceId, ImageState, RolloutId), Pods<'a>> = HashMap::new();
        for pod in bounded(self.view.compared().flat_map(|(key, _)| self.index.of_controller(key))) {
            let Some(rollout) = self.view.rollout_of(&pod.controller) else { continue };
            for state in pod.shown() {
                add(found.entry((state.place, state.image_state, rollout)).or_default(), pod);
            }
        }
        found
    }

    fn look_at_namespace(&self) -> HashMap<(ReferenceId, SlotId), Pods<'a>> {
        let mut found: HashMap<(ReferenceId, SlotId), Pods<'a>> = HashMap::new();
        // How many are still to be found: of each digest five, or all.
        let records = self.wanted.iter().filter_map(|id| self.index.references.get(*id));
        let live = records.flat_map(ReferenceRecord::slots).map(|slot| slot.live);
        let mut missing: usize =
            live.map(|live| usize::try_from(live).unwrap_or(usize::MAX).min(MAX_NAMED)).sum();
        let own = self.view.all.iter().flat_map(|key| self.index.of_controller(key));
        let others = self.index.in_namespace(self.namespace);
        for pod in bounded(own).chain(bounded(others)) {
            if missing == 0 {
                break;
            }
            for state in &pod.states {
                if let ImageState::Ran(reference, slot) = state.image_state
                    && self.wanted.contains(&reference)
                {
                    missing -= usize::from(add(found.entry((reference, slot)).or_default(), pod));
                }
            }
        }
        found
    }

    fn sighting(&self, pod: &PodRecord) -> PodSighting {
        let node = pod.node.map_or("", |node| self.index.nodes.name(node));
        PodSighting { pod: pod.name.name().into(), node: node.into() }
    }
}

/// As many as are named, in order.
pub(super) fn first(pods: impl Iterator<Item = PodSighting>) -> Vec<PodSighting> {
    let pods: BTreeSet<PodSighting> = pods.collect();
    pods.into_iter().take(MAX_NAMED).collect()
}

/// As many pods as [`MAX_LOOKED_AT`] admits.
fn bounded<'a>(pods: impl Iterator<Item = &'a PodRecord>) -> impl Iterator<Item = &'a PodRecord> {
    let mut left = MAX_LOOKED_AT;
    pods.take_while(move |pod| {
        let is_within = left > 0;
        left = left.saturating_sub(pod.states.len().max(1));
        is_within
    })
}

/// Adds a pod unless it is there, or there are enough. Returns whether it was added.
fn add<'a>(pods: &mut Pods<'a>, pod: &'a PodRecord) -> bool {
    let is_new = pods.len() < MAX_NAMED && !pods.iter().any(|known| std::ptr::eq(*known, pod));
    if is_new {
        pods.push(pod);
    }
    is_new
}
