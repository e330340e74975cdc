//! What the pods of a workload ran when they were restarted (`kubectl rollout restart`), for as long as that
//! restart is the last one.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tagwatch_k8s::key::WorkloadKey;

use super::{ImageState, PlaceId, PlatformId, PodIndex, Run};

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
pub(crate) struct Ran {
    pub(crate) place: PlaceId,
    pub(crate) reference: Arc<str>,
    pub(crate) digest: Arc<str>,
    pub(crate) platform: Option<PlatformId>,
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

    fn push_ended(&mut self, ended: Ended) {
        let now = ended.until;
        self.ended.push_back(ended);
        while self.ended.len() > MAX_ENDED
            || self.ended.front().is_some_and(|first| first.until.saturating_add(KEPT) < now)
        {
            self.ended.pop_front();
        }
    }

    /// What the workload ran at this restart, if that is remembered.
    pub(crate) fn before(&self, key: &WorkloadKey, at: u32) -> Option<&BTreeSet<Ran>> {
        self.known.get(key).filter(|known| known.at == at).map(|known| &known.before)
    }

    /// Remembers what a workload ran at its last restart.
    pub(crate) fn begin(&mut self, key: &WorkloadKey, at: u32, before: BTreeSet<Ran>) {
        self.forget(key);
        self.known.insert(key.clone(), Restart { at, before, awaits: Vec::new() });
    }

    /// What these controllers ran at this time whose pods are gone.
    pub(crate) fn ended_after(
        &self,
        at: u32,
        controllers: &BTreeSet<WorkloadKey>,
    ) -> impl Iterator<Item = &Ran> {
        let ran_then = move |ended: &&Ended| ended.since < at && ended.until >= at;
        let ended = self.ended.iter().filter(ran_then);
        ended.filter(|ended| controllers.contains(&ended.controller)).map(|ended| &ended.ran)
    }

    /// Nothing is reported of a workload any more.
    pub(crate) fn forget(&mut self, key: &WorkloadKey) {
        if let Some(restart) = self.known.remove(key) {
            self.await_no_more(&restart.awaits);
        }
    }

    /// The pods of these controllers may end the restart of a workload.
    pub(crate) fn set_awaited(&mut self, key: &WorkloadKey, controllers: Vec<WorkloadKey>) {
        let Some(restart) = self.known.get_mut(key) else { return };
        let before = std::mem::replace(&mut restart.awaits, controllers.clone());
        self.await_no_more(&before);
        self.awaited.extend(controllers);
    }

    fn await_no_more(&mut self, controllers: &[WorkloadKey]) {
        for controller in controllers {
            self.awaited.remove(controller);
        }
    }
}

impl PodIndex {
    /// A controller has no pod any more that shows this.
    pub(super) fn run_ended(&mut self, controller: &WorkloadKey, run: &Run, now: u32) {
        if let Some(ran) = self.what_ran((run.place, run.image_state), run.platform) {
            self.restarts.push_ended(Ended {
                controller: controller.clone(),
                ran,
                since: run.since,
                until: now,
            });
        }
    }

    /// The reference and digest that a container runs.
    pub(crate) fn what_ran(
        &self,
        (place, image_state): (PlaceId, ImageState),
        platform: Option<PlatformId>,
    ) -> Option<Ran> {
        let ImageState::Ran(reference, slot) = image_state else { return None };
        let record = self.references.get(reference)?;
        let digest = Arc::clone(&record.at(slot)?.digest);
        Some(Ran { place, reference: Arc::clone(&record.name), digest, platform })
    }
}
