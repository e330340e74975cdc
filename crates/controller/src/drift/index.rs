//! The index itself: pods, what their controllers run, references and nodes. `apply`, `delete` and `retain` take a
//! change in and return the controllers whose evidence may be another now; a status that changes nothing of images
//! returns none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::{Platform, SameImage};
use tagwatch_core::reference::Reference;
use tagwatch_k8s::slim::{Seen, Sighting};

use super::frozen::Frozen;
use super::nodes::{NodeId, Nodes};
use super::pods::{PlaceId, PodFacts, PodRecord, State, What, keeps_earlier, place_name, seconds};
use super::references::{ReferenceId, References};
use super::runs::Runs;
use crate::index::WorkloadKey;
use crate::registry::Answers;

type Pods = HashMap<Box<str>, PodRecord>;

/// What really runs in the cluster.
#[derive(Debug, Default)]
pub(crate) struct DriftIndex {
    pub(super) pods: HashMap<Arc<str>, Pods>,
    pub(super) controllers: HashMap<WorkloadKey, Runs>,
    places: HashMap<Box<str>, PlaceId>,
    next_place: u32,
    pub(super) references: References,
    pub(super) nodes: Nodes,
    pub(super) same: SameImage,
    pub(super) frozen: Frozen,
    /// What registries have answered.
    pub(crate) answers: Answers,
    /// Counts changes of what is proven.
    version: u64,
}

impl DriftIndex {
    /// Takes a pod in. `now` is in Unix seconds.
    pub(crate) fn apply(&mut self, pod: PodFacts<'_>, now: u32) -> BTreeSet<WorkloadKey> {
        let PodFacts { namespace, name, controller, node, sightings, is_live } = pod;
        let node = node.and_then(|node| self.nodes.id(node));
        let platform = node.and_then(|node| self.nodes.platform_of(node));
        let known = self.pods.get(namespace).and_then(|pods| pods.get(name)).cloned();
        let states = self.states(&sightings, known.as_ref(), now);
        if !is_live {
            return self.note_and_forget(namespace, name, platform, &states, now);
        }
        let record = PodRecord { controller: self.shared(controller), node, platform, states: states.into() };
        if known.as_ref() == Some(&record) || (known.is_none() && record.states.is_empty()) {
            return BTreeSet::new();
        }
        // In this order, so that a digest that stays is never without a pod.
        let mut affected = self.enter(&record, now);
        if let Some(known) = known {
            affected.extend(self.leave(&known, now));
        }
        self.put(namespace, name, record);
        affected
    }

    /// Forgets a pod that is gone.
    pub(crate) fn delete(&mut self, namespace: &str, name: &str, now: u32) -> BTreeSet<WorkloadKey> {
        let Some(pods) = self.pods.get_mut(namespace) else { return BTreeSet::new() };
        let Some(record) = pods.remove(name) else { return BTreeSet::new() };
        if pods.is_empty() {
            self.pods.remove(namespace);
        }
        self.leave(&record, now)
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain(
        &mut self,
        scope: Option<&str>,
        listed: &HashSet<(Arc<str>, Box<str>)>,
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let in_scope = |namespace: &str| scope.is_none_or(|only| only == namespace);
        let pods = self.pods.iter().filter(|(namespace, _)| in_scope(namespace));
        let gone: BTreeSet<(Arc<str>, Box<str>)> = pods
            .flat_map(|(namespace, pods)| pods.keys().map(|name| (Arc::clone(namespace), name.clone())))
            .filter(|key| !listed.contains(key))
            .collect();
        gone.iter().flat_map(|(namespace, name)| self.delete(namespace, name, now)).collect()
    }

    /// Takes a node in: its platform, and which digests its runtime knows as one image.
    pub(crate) fn apply_node(
        &mut self,
        name: &str,
        platform: Option<&Platform>,
        images: &[BTreeSet<String>],
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        for digests in images {
            let merged = self.same.merge(digests.iter().map(String::as_str));
            for reference in self.references.with_digests(&merged) {
                affected.extend(self.moved_differently(reference));
            }
        }
        let id = self.nodes.id(name);
        if id.is_some_and(|id| self.nodes.set_platform(id, platform)) {
            affected.extend(self.count_anew(id, now));
        }
        affected
    }

    /// Nothing is known of any node any more.
    pub(crate) fn forget_nodes(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        self.nodes.forget_platforms();
        self.count_anew(None, now)
    }

    /// Forgets what is older than proofs last. To be called now and then.
    pub(crate) fn expire(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        // Ephemeral containers have a name of their own each.
        let used: BTreeSet<PlaceId> =
            self.controllers.values().flat_map(|runs| runs.iter().map(|run| run.place)).collect();
        self.places.retain(|_, place| used.contains(place));
        let changed = self.references.expire(now);
        self.version += u64::from(!changed.is_empty());
        changed.into_iter().flat_map(|reference| self.users(reference)).collect()
    }

    /// Counts up whenever what is proven may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The number of a place, if any pod shows anything of it.
    pub(super) fn place(&self, name: &str) -> Option<PlaceId> {
        self.places.get(name).copied()
    }

    fn states(&mut self, sightings: &[Sighting], known: Option<&PodRecord>, now: u32) -> Vec<State> {
        let mut states = Vec::with_capacity(sightings.len());
        for sighting in sightings {
            let place = self.place_of(sighting);
            let before = known.and_then(|known| known.states.iter().find(|state| state.place == place));
            let state = self.state(sighting, place, before, now);
            states.extend(state.map(|state| match before {
                // A restart of the same image is no news.
                Some(before) if before.what == state.what => *before,
                _ => state,
            }));
        }
        states
    }

    fn state(
        &mut self,
        sighting: &Sighting,
        place: PlaceId,
        before: Option<&State>,
        now: u32,
    ) -> Option<State> {
        match &sighting.seen {
            Seen::Ran { digest, since } => {
                let canonical = Reference::parse(sighting.image.raw()).ok()?.canonical();
                let since = since.map_or(now, seconds).min(now);
                let (reference, slot) = self.references.slot(&canonical, digest, since)?;
                Some(State { place, what: What::Ran(reference, slot), since })
            }
            Seen::PullFails { reason, since } => {
                Some(State { place, what: What::Fails(*reason), since: since.map_or(now, seconds).min(now) })
            }
            seen @ Seen::Nothing(_) => {
                let canonical = Reference::parse(sighting.image.raw()).ok()?.canonical();
                let is_same = |state: &&State| {
                    let What::Ran(reference, _) = state.what else { return false };
                    self.references.get(reference).is_some_and(|record| *record.name == *canonical)
                };
                before.filter(|_| keeps_earlier(seen)).filter(is_same).copied()
            }
        }
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

    /// A pod that has ended, or is being deleted, ran what it ran, and counts for nobody.
    fn note_and_forget(
        &mut self,
        namespace: &str,
        name: &str,
        platform: Option<super::nodes::PlatformId>,
        states: &[State],
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        for state in states {
            if let What::Ran(reference, slot) = state.what
                && self.references.note((reference, slot), platform, state.since)
            {
                affected.extend(self.moved_differently(reference));
            }
        }
        affected.extend(self.delete(namespace, name, now));
        affected
    }

    fn enter(&mut self, record: &PodRecord, now: u32) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        for state in &record.states {
            let runs = self.controllers.entry(record.controller.clone()).or_default();
            if runs.enter(*state, record.platform) {
                affected.insert(record.controller.clone());
            }
            if let What::Ran(reference, slot) = state.what
                && self.references.enter((reference, slot), record.platform, state.since, now)
            {
                affected.extend(self.moved_differently(reference));
            }
        }
        affected
    }

    fn leave(&mut self, record: &PodRecord, now: u32) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        for state in &record.states {
            if let Some(runs) = self.controllers.get_mut(&record.controller) {
                if runs.leave(*state, record.platform) {
                    affected.insert(record.controller.clone());
                }
                if runs.is_empty() {
                    self.controllers.remove(&record.controller);
                }
            }
            if let What::Ran(reference, slot) = state.what
                && self.references.leave((reference, slot), record.platform, now)
            {
                affected.extend(self.moved_differently(reference));
            }
        }
        affected
    }

    /// Whoever runs a reference of which several digests are known: what is said of it is another now.
    fn moved_differently(&mut self, reference: ReferenceId) -> BTreeSet<WorkloadKey> {
        let has_several =
            self.references.get(reference).is_some_and(|record| record.slots().nth(1).is_some());
        if !has_several {
            return BTreeSet::new();
        }
        self.version += 1;
        self.users(reference)
    }

    /// The references of a registry that a pod runs, by their canonical names.
    pub(crate) fn running(&self, registry: &str) -> BTreeSet<String> {
        let is_of = |name: &str| name.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
        self.references.running().filter(|name| is_of(name)).map(str::to_owned).collect()
    }

    /// Whoever runs a reference, by its canonical name.
    pub(super) fn users_of(&self, canonical: &str) -> BTreeSet<WorkloadKey> {
        self.references.find(canonical).map(|reference| self.users(reference)).unwrap_or_default()
    }

    fn users(&self, reference: ReferenceId) -> BTreeSet<WorkloadKey> {
        let users = self.controllers.iter().filter(|(_, runs)| runs.runs_reference(reference));
        users.map(|(key, _)| key.clone()).collect()
    }

    /// Counts the pods of a node, or of all, under the platforms that are known now.
    fn count_anew(&mut self, node: Option<NodeId>, now: u32) -> BTreeSet<WorkloadKey> {
        let is_concerned = |record: &PodRecord| node.is_none_or(|node| record.node == Some(node));
        let pods = self.pods.iter().flat_map(|(namespace, pods)| {
            pods.iter().map(move |(name, record)| ((Arc::clone(namespace), name.clone()), record))
        });
        let concerned: BTreeMap<(Arc<str>, Box<str>), PodRecord> = pods
            .filter(|(_, record)| is_concerned(record))
            .map(|(key, record)| (key, record.clone()))
            .collect();
        let mut affected = BTreeSet::new();
        for ((namespace, name), before) in concerned {
            let platform = before.node.and_then(|node| self.nodes.platform_of(node));
            if platform == before.platform {
                continue;
            }
            let record = PodRecord { platform, ..before.clone() };
            affected.extend(self.enter(&record, now));
            affected.extend(self.leave(&before, now));
            self.put(&namespace, &name, record);
        }
        affected
    }

    fn put(&mut self, namespace: &str, name: &str, record: PodRecord) {
        let namespace = self
            .pods
            .get_key_value(namespace)
            .map_or_else(|| Arc::<str>::from(namespace), |(known, _)| Arc::clone(known));
        let pods = self.pods.entry(namespace).or_default();
        // A pod without a state is kept as long as it lives: it may be waiting for its next start.
        pods.insert(name.into(), record);
    }

    /// The key as it is held already, so that the pods of a controller share one.
    fn shared(&self, controller: WorkloadKey) -> WorkloadKey {
        self.controllers.get_key_value(&controller).map_or(controller, |(known, _)| known.clone())
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
