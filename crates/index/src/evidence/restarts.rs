//! Whether a restart of a workload brought the same images.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::drift::images;
use tagwatch_k8s::key::WorkloadKey;

use super::rollout_view::RolloutView;
use crate::pods::{ContainerState, PlaceId, PlatformId, PodIndex, Ran};

/// Most containers of pods that are compared with what ran before a restart. Of a workload with more, it is not said that
/// a restart brought the same images.
const MAX_STATES: usize = 100_000;

type States = BTreeMap<PlaceId, Vec<(ContainerState, Option<PlatformId>)>>;

impl PodIndex {
    /// Remembers what the pods of a workload ran at its last restart, while that is known, and returns in which places
    /// the restart is over and every pod runs again what all of them ran before.
    pub(crate) fn restarted_same(&mut self, key: &WorkloadKey, view: &RolloutView) -> BTreeSet<PlaceId> {
        let Some(at) = view.restarted else {
            self.restarts.forget(key);
            return BTreeSet::new();
        };
        if self.restarts.before(key, at).is_none() {
            let before = self.ran_at(at, view);
            self.restarts.begin(key, at, before);
        }
        let Some(before) = self.restarts.before(key, at) else { return BTreeSet::new() };
        if before.is_empty() {
            return BTreeSet::new();
        }
        let now = self.current_states(view).filter(|now| {
            let mut states = now.values().flatten();
            view.is_rolled_out && !now.is_empty() && states.all(|(state, _)| state.since >= at)
        });
        let is_over = now.is_some();
        let same = now.map(|now| self.same_places(before, &now)).unwrap_or_default();
        let awaited = if is_over { Vec::new() } else { view.all.iter().cloned().collect() };
        self.restarts.set_awaited(key, awaited);
        same
    }

    /// What ran at this time. What has run since before then without a break did so.
    fn ran_at(&self, at: u32, view: &RolloutView) -> BTreeSet<Ran> {
        let runs = view.all.iter().flat_map(|controller| self.runs(controller));
        let running = runs.filter(|run| run.since < at);
        let running = running.filter_map(|run| self.what_ran((run.place, run.image_state), run.platform));
        running.chain(self.restarts.ended_after(at, &view.all).cloned()).collect()
    }

    /// What the pods of the rollout in force show, by place; `None` where there are too many of them to look at.
    fn current_states(&self, view: &RolloutView) -> Option<States> {
        let mut states = States::new();
        let mut left = MAX_STATES;
        for pod in view.current.keys().flat_map(|controller| self.of_controller(controller)) {
            left = left.checked_sub(pod.states.len().max(1))?;
            for state in pod.shown() {
                states.entry(state.place).or_default().push((*state, pod.platform));
            }
        }
        Some(states)
    }

    fn same_places(&self, before: &BTreeSet<Ran>, now: &States) -> BTreeSet<PlaceId> {
        let mut ran_before: BTreeMap<PlaceId, Vec<&Ran>> = BTreeMap::new();
        for ran in before {
            ran_before.entry(ran.place).or_default().push(ran);
        }
        let is_same = |(place, before): &(PlaceId, Vec<&Ran>)| {
            let now = now.get(place).into_iter().flatten();
            let now: Option<Vec<Ran>> = now
                .map(|(state, platform)| self.what_ran((state.place, state.image_state), *platform))
                .collect();
            let Some(now) = now.filter(|now| !now.is_empty()) else { return false };
            let both = || before.iter().copied().chain(&now);
            let references: BTreeSet<&str> = both().map(|ran| &*ran.reference).collect();
            let images = images(&self.same, both().map(|ran| (&*ran.digest, ran.platform)));
            let images: BTreeSet<&str> = images.into_values().collect();
            references.len() == 1 && images.len() == 1
        };
        ran_before.into_iter().filter(is_same).map(|(place, _)| place).collect()
    }
}
