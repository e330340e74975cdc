//! What the pods of a workload ran when they were restarted (`kubectl rollout restart`), for as long as that
//! restart is the last one.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tagwatch_core::drift::images;
use tagwatch_k8s::key::WorkloadKey;

use super::rollout_view::RolloutView;
use crate::pods::{ContainerState, ImageState, PlaceId, PlatformId, PodIndex, Run};

/// How long it is remembered what a controller ran whose pods are gone, in seconds: they may go before we learn that
/// it is a restart which takes them away.
const KEPT: u32 = 600;
/// Of how many that is remembered at most, the last ones.
const MAX_ENDED: usize = 2_000;

/// What restarts began with.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    known: HashMap<WorkloadKey, Restart>,
    ended: VecDeque<Ended>,
    awaited: HashSet<WorkloadKey>,
}

/// The last restart of a workload.
#[derive(Debug)]
struct Restart {
    at: u32,
    before: BTreeSet<Ran>,
    /// Controllers whose pods come and go until it is over.
    awaits: Vec<WorkloadKey>,
}

/// A reference in one place of a pod spec, and what it resolved to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Ran {
    place: PlaceId,
    reference: Arc<str>,
    digest: Arc<str>,
    platform: Option<PlatformId>,
}

/// What the pods of a controller ran until the last of them was gone.
#[derive(Debug)]
struct Ended {
    controller: WorkloadKey,
    ran: Ran,
    since: u32,
    until: u32,
}

impl Restarts {
    /// Whether every pod of this controller that starts or ends may be the one that ends a restart.
    pub(crate) fn awaits(&self, controller: &WorkloadKey) -> bool {
        self.awaited.contains(controller)
    }

    /// The places that are remembered.
    pub(crate) fn places(&self) -> impl Iterator<Item = PlaceId> {
        let before = self.known.values().flat_map(|restart| &restart.before);
        before.chain(self.ended.iter().map(|ended| &ended.ran)).map(|ran| ran.place)
    }

    #[cfg(test)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.awaited.is_empty()
    }

    fn ended(&mut self, ended: Ended) {
        let now = ended.until;
        self.ended.push_back(ended);
        while self.ended.len() > MAX_ENDED
            || self.ended.front().is_some_and(|first| first.until.saturating_add(KEPT) < now)
        {
            self.ended.pop_front();
        }
    }

    fn forget(&mut self, key: &WorkloadKey) {
        if let Some(restart) = self.known.remove(key) {
            self.awaited.retain(|controller| !restart.awaits.contains(controller));
        }
    }

    fn awaits_from_now_on(&mut self, key: &WorkloadKey, controllers: Vec<WorkloadKey>) {
        let Some(restart) = self.known.get_mut(key) else { return };
        self.awaited.retain(|controller| !restart.awaits.contains(controller));
        self.awaited.extend(controllers.iter().cloned());
        restart.awaits = controllers;
    }
}

impl PodIndex {
    /// A controller has no pod any more that shows this.
    pub(crate) fn run_ended(&mut self, controller: &WorkloadKey, run: &Run, now: u32) {
        if let Some(ran) = self.what_ran((run.place, run.image_state), run.platform) {
            self.restarts.ended(Ended { controller: controller.clone(), ran, since: run.since, until: now });
        }
    }

    fn what_ran(
        &self,
        (place, image_state): (PlaceId, ImageState),
        platform: Option<PlatformId>,
    ) -> Option<Ran> {
        let ImageState::Ran(reference, slot) = image_state else { return None };
        let record = self.references.get(reference)?;
        let digest = Arc::clone(&record.at(slot)?.digest);
        Some(Ran { place, reference: Arc::clone(&record.name), digest, platform })
    }

    /// Takes down what the pods of a workload ran at its last restart, while that is known, and says in which places
    /// the restart is over and every pod runs again what all of them ran before.
    pub(crate) fn restarted_same(&mut self, key: &WorkloadKey, view: &RolloutView) -> BTreeSet<PlaceId> {
        let Some(at) = view.restarted else {
            self.restarts.forget(key);
            return BTreeSet::new();
        };
        if self.restarts.known.get(key).is_none_or(|known| known.at != at) {
            self.restarts.forget(key);
            let restart = Restart { at, before: self.ran_at(at, view), awaits: Vec::new() };
            self.restarts.known.insert(key.clone(), restart);
        }
        let Some(Restart { before, .. }) = self.restarts.known.get(key) else { return BTreeSet::new() };
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
        let ended =
            self.restarts.ended.iter().filter(|ended| {
                ended.since < at && ended.until >= at && view.all.contains(&ended.controller)
            });
        running.chain(ended.map(|ended| ended.ran.clone())).collect()
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

    /// Nothing is reported of a workload any more.
    pub(crate) fn forget_restart(&mut self, key: &WorkloadKey) {
        self.restarts.forget(key);
    }
}
