//! The index itself: pods, what their controllers run, references and nodes. `apply`, `delete` and `retain` take a
//! change in and return the controllers whose evidence may be another now; a status that changes nothing of images
//! returns none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::Platform;
use tagwatch_k8s::slim::Seen;

use super::failing::{FailingImages, ImageId};
use super::frozen::Frozen;
use super::nodes::{NodeId, Nodes, PlatformId};
use super::pods::{PlaceId, PodFacts, PodRecord, State, What, hash, seconds};
use super::references::{MEMORY, ReferenceId, References, Same, SlotId};
use super::restarts::Restarts;
use super::runs::Runs;
use crate::index::WorkloadKey;
use crate::registry::Answers;

/// How often what nobody needs is looked for to make room for digests of one image, in seconds.
const MAKES_ROOM_EVERY: u32 = 60;

type Pods = HashMap<Box<str>, PodRecord>;

/// What really runs in the cluster.
#[derive(Debug, Default)]
pub(crate) struct DriftIndex {
    pub(super) pods: HashMap<Arc<str>, Pods>,
    pub(super) controllers: HashMap<WorkloadKey, Runs>,
    pub(super) places: HashMap<Box<str>, PlaceId>,
    pub(super) next_place: u32,
    pub(super) references: References,
    pub(super) nodes: Nodes,
    /// Nodes whose pods are counted under another platform than is known now.
    uncounted: BTreeSet<NodeId>,
    pub(super) same: Same,
    /// When room was made in `same`.
    made_room: Option<u32>,
    pub(super) frozen: Frozen,
    pub(super) failing: FailingImages,
    pub(super) restarts: Restarts,
    /// What registries have answered.
    pub(crate) answers: Answers,
    /// Counts changes of what is proven.
    version: u64,
}

impl DriftIndex {
    /// Takes a pod in. `now` is in Unix seconds.
    pub(crate) fn apply(&mut self, pod: PodFacts<'_>, now: u32) -> BTreeSet<WorkloadKey> {
        if !pod.is_live {
            return self.note_and_forget(&pod, now);
        }
        let PodFacts { namespace, name, uid, controller, node, sightings, is_live: _ } = pod;
        let uid = hash(uid);
        let node = node.and_then(|node| self.nodes.id(node));
        let platform = node.and_then(|node| self.nodes.platform_of(node));
        let known = self.pods.get(namespace).and_then(|pods| pods.get(name)).cloned();
        // Another pod that had its name tells nothing of this one.
        let itself = known.as_ref().filter(|known| known.uid == uid);
        let states = self.states(&sightings, itself, now).into();
        let record = PodRecord { uid, controller: self.shared(controller), node, platform, states };
        if known.as_ref() == Some(&record) {
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

    /// Takes a node in, and counts its pods.
    pub(crate) fn apply_node(
        &mut self,
        name: &str,
        platform: Option<&Platform>,
        images: &[BTreeSet<String>],
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let mut affected = self.see_node(name, platform, images, now);
        affected.extend(self.count_nodes(now));
        affected
    }

    /// Takes a node in: its platform, and which digests its runtime knows as one image. Its pods are still to be counted.
    pub(crate) fn see_node(
        &mut self,
        name: &str,
        platform: Option<&Platform>,
        images: &[BTreeSet<String>],
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let id = self.nodes.id(name);
        if let Some(id) = id
            && self.nodes.set_platform(id, platform)
        {
            self.uncounted.insert(id);
        }
        let platform = platform.and_then(|platform| self.nodes.platform(platform));
        let mut affected = BTreeSet::new();
        for digests in images {
            let merged = self.merge(platform, digests, now);
            if merged.is_empty() {
                continue;
            }
            for reference in self.references.with_digests(&merged) {
                affected.extend(self.moved_differently(reference));
            }
        }
        affected
    }

    /// Counts the pods of nodes that were seen under the platforms that are known now.
    pub(crate) fn count_nodes(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        let nodes = std::mem::take(&mut self.uncounted);
        if nodes.is_empty() { BTreeSet::new() } else { self.count_anew(Some(&nodes), now) }
    }

    /// A node is gone. What ran on it ran on its platform all the same.
    pub(crate) fn delete_node(&mut self, name: &str) {
        if let Some(id) = self.nodes.find(name) {
            self.nodes.remove(id);
        }
    }

    /// The nodes that a complete list did not name are gone.
    pub(crate) fn retain_nodes(&mut self, listed: &HashSet<Box<str>>) {
        self.nodes.retain(listed);
    }

    /// Nothing is known of any node any more.
    pub(crate) fn forget_nodes(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        self.nodes.forget_platforms();
        self.count_anew(None, now)
    }

    /// Takes in which digests are one image on a platform. Returns those of which that is news.
    fn merge(
        &mut self,
        platform: Option<PlatformId>,
        digests: &BTreeSet<String>,
        now: u32,
    ) -> BTreeSet<Arc<str>> {
        let digests = || digests.iter().map(String::as_str);
        let merged = self.same.merge(platform, digests()).or_else(|full| {
            if self.made_room.is_some_and(|made| now < made.saturating_add(MAKES_ROOM_EVERY)) {
                return Err(full);
            }
            if self.made_room.is_none() {
                tracing::warn!(
                    "nodes know more images by several digests than are kept; what no pod runs is forgotten"
                );
            }
            self.made_room = Some(now);
            let known = self.references.digests();
            self.same.retain(|digest| known.contains(digest));
            self.same.merge(platform, digests())
        });
        // The node says so again in a while.
        merged.unwrap_or_default()
    }

    /// Forgets what is older than proofs last. To be called now and then.
    pub(crate) fn expire(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        // Ephemeral containers have a name of their own each.
        let used: BTreeSet<PlaceId> =
            self.controllers.values().flat_map(|runs| runs.iter().map(|run| run.place)).collect();
        self.places.retain(|_, place| used.contains(place));
        let runs = self.controllers.values().flat_map(Runs::iter);
        let failing: BTreeSet<ImageId> = runs
            .filter_map(|run| match run.what {
                What::Fails(_, image) => Some(image),
                What::Ran(..) => None,
            })
            .collect();
        self.failing.keep(&failing);
        let changed = self.references.expire(&self.same, now);
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

    /// A pod that has ended, or is being deleted, ran what it ran, and counts for nobody.
    fn note_and_forget(&mut self, pod: &PodFacts<'_>, now: u32) -> BTreeSet<WorkloadKey> {
        let platform = pod.node.and_then(|node| self.nodes.platform_of(self.nodes.find(node)?));
        let mut affected = BTreeSet::new();
        for sighting in &pod.sightings {
            let Seen::Ran { digest, since, until } = &sighting.seen else { continue };
            let first = since.map_or(now, seconds).min(now);
            // A pod that is being deleted may still run it.
            let last = until.map_or(now, seconds).clamp(first, now);
            // Pods that have ended may stay for years, and are listed again and again.
            if last.saturating_add(MEMORY) < now {
                continue;
            }
            if let Some(What::Ran(reference, slot)) = self.ran(sighting, digest, (first, last))
                && self.references.note((reference, slot), platform, (first, last))
            {
                affected.extend(self.moved_differently(reference));
            }
        }
        affected.extend(self.delete(pod.namespace, pod.name, now));
        affected
    }

    fn enter(&mut self, record: &PodRecord, now: u32) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        if let Some(node) = record.node {
            self.nodes.hold(node);
        }
        for state in &record.states {
            let runs = self.controllers.entry(record.controller.clone()).or_default();
            if runs.enter(*state, record.platform) || self.restarts.awaits(&record.controller) {
                affected.insert(record.controller.clone());
            }
        }
        for (ran, since) in each_once(&record.states) {
            if self.references.enter(ran, record.platform, since, now) {
                let begun = self.references.get(ran.0);
                if let Some((begun, slot)) = begun.and_then(|begun| Some((begun, begun.at(ran.1)?))) {
                    self.answers.began(&begun.name, &slot.digest);
                }
                affected.extend(self.moved_differently(ran.0));
            }
        }
        affected
    }

    fn leave(&mut self, record: &PodRecord, now: u32) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::new();
        for state in &record.states {
            if let Some(runs) = self.controllers.get_mut(&record.controller) {
                let (is_news, ended) = runs.leave(*state, record.platform);
                if is_news || self.restarts.awaits(&record.controller) {
                    affected.insert(record.controller.clone());
                }
                if runs.is_empty() {
                    self.controllers.remove(&record.controller);
                }
                if let Some(run) = ended {
                    self.run_ended(&record.controller, &run, now);
                }
            }
        }
        for (ran, _) in each_once(&record.states) {
            if self.references.leave(ran, record.platform, now) {
                affected.extend(self.moved_differently(ran.0));
            }
        }
        if let Some(node) = record.node {
            self.nodes.release(node);
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

    /// Counts the pods of these nodes, or of all, under the platforms that are known now.
    fn count_anew(&mut self, nodes: Option<&BTreeSet<NodeId>>, now: u32) -> BTreeSet<WorkloadKey> {
        let is_concerned = |record: &PodRecord| {
            nodes.is_none_or(|nodes| record.node.is_some_and(|node| nodes.contains(&node)))
        };
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
        // A pod without a state is kept as long as it lives: that it was seen tells since when its next state lasts.
        pods.insert(name.into(), record);
    }

    /// The key as it is held already, so that the pods of a controller share one.
    fn shared(&self, controller: WorkloadKey) -> WorkloadKey {
        self.controllers.get_key_value(&controller).map_or(controller, |(known, _)| known.clone())
    }
}

/// What a pod ran, each image once however many of its containers ran it, with the earliest start.
fn each_once(states: &[State]) -> BTreeMap<(ReferenceId, SlotId), u32> {
    let mut ran = BTreeMap::new();
    for state in states {
        if let What::Ran(reference, slot) = state.what {
            let since = ran.entry((reference, slot)).or_insert(state.since);
            *since = state.since.min(*since);
        }
    }
    ran
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
