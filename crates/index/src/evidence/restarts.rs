//! Whether a restart of a workload brought the same images.

use std::collections::BTreeSet;

use tagwatch_core::drift::images;
use tagwatch_k8s::key::WorkloadKey;

use super::rollout_view::RolloutView;
use crate::pods::{ContainerState, PlaceId, PlatformId, PodIndex, Ran};

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
        let now = self.current_states(key, view);
        let is_over = view.is_rolled_out && !now.is_empty() && now.iter().all(|(state, _)| state.since >= at);
        let same = if is_over { self.same_places(before, &now) } else { BTreeSet::new() };
        let awaited = if is_over { Vec::new() } else { view.all.iter().cloned().collect() };
        self.restarts.awaits_from_now_on(key, awaited);
        same
    }

    /// What ran at this time. What has run since before then without a break did so.
    fn ran_at(&self, at: u32, view: &RolloutView) -> BTreeSet<Ran> {
        let runs = view.all.iter().flat_map(|controller| self.runs(controller));
        let running = runs.filter(|run| run.since < at);
        let running = running.filter_map(|run| self.what_ran((run.place, run.image_state), run.platform));
        running.chain(self.restarts.ended_after(at, &view.all).cloned()).collect()
    }

    fn current_states(
        &self,
        key: &WorkloadKey,
        view: &RolloutView,
    ) -> Vec<(ContainerState, Option<PlatformId>)> {
        let pods = self.in_namespace(key.namespace()).into_values();
        let current = pods.filter(|pod| view.current.contains(&pod.controller));
        current.flat_map(|pod| pod.states.iter().map(|state| (*state, pod.platform))).collect()
    }

    fn same_places(
        &self,
        before: &BTreeSet<Ran>,
        now: &[(ContainerState, Option<PlatformId>)],
    ) -> BTreeSet<PlaceId> {
        let is_same = |place: &PlaceId| {
            let now = now.iter().filter(|(state, _)| state.place == *place);
            let now: Option<Vec<Ran>> = now
                .map(|(state, platform)| self.what_ran((state.place, state.image_state), *platform))
                .collect();
            let Some(now) = now.filter(|now| !now.is_empty()) else { return false };
            let both = || before.iter().filter(|ran| ran.place == *place).chain(&now);
            let references: BTreeSet<&str> = both().map(|ran| &*ran.reference).collect();
            let images = images(&self.same, both().map(|ran| (&*ran.digest, ran.platform)));
            let images: BTreeSet<&str> = images.into_values().collect();
            references.len() == 1 && images.len() == 1
        };
        before.iter().map(|ran| ran.place).filter(is_same).collect()
    }
}
