//! Live pods: what their specs name, what their images resolved to, and on which nodes (verdict semantics, section 6).
//! `apply`, `delete` and `retain` take a change in and return the controllers for which it can matter; a status that
//! changes nothing of images returns none.

mod nodes;
mod record;
mod references;
mod runs;
mod shapes;
mod states;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::Platform;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::ImageStatus;

use crate::answers::Answers;
use crate::evidence::{EvidenceCache, Restarts};
use crate::names::NameTable;

use nodes::NodeId;
pub(crate) use nodes::{Nodes, PlatformId};
pub(crate) use record::{
    ContainerState, ImageState, PlaceId, PodFacts, PodRecord, place_name, seconds, time,
};
use record::{ImageId, hash};
pub(crate) use references::{MEMORY, Record, ReferenceId, References, Same, Slot, SlotId};
pub(crate) use runs::{Run, Runs};
use shapes::Shapes;
pub(crate) use shapes::{CountedShape, PodShape};

/// How often digests that no pod runs are looked for to make room for digests of one image, in seconds.
const MAKES_ROOM_EVERY: u32 = 60;

/// Namespaces and names of pods.
pub(crate) type PodNames = HashSet<(Arc<str>, Box<str>)>;

/// The controllers for which a change can matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PodChanges {
    /// Another set of shapes runs for these: pods that come and go with the same containers change no verdict.
    pub(crate) shapes: BTreeSet<WorkloadKey>,
    /// What their pods show of images is other evidence now.
    pub(crate) evidence: BTreeSet<WorkloadKey>,
}

impl PodChanges {
    fn extend(&mut self, other: Self) {
        self.shapes.extend(other.shapes);
        self.evidence.extend(other.evidence);
    }

    /// All of them.
    pub(crate) fn all(self) -> BTreeSet<WorkloadKey> {
        let Self { mut shapes, evidence } = self;
        shapes.extend(evidence);
        shapes
    }
}

/// What the pods of one controller say and show.
#[derive(Debug, Default)]
struct ControllerPods {
    shapes: Vec<CountedShape>,
    runs: Runs,
}

/// Every live pod, with what is known of the images that they run.
#[derive(Debug, Default)]
pub(crate) struct PodIndex {
    pods: HashMap<Arc<str>, HashMap<Box<str>, PodRecord>>,
    controllers: HashMap<WorkloadKey, ControllerPods>,
    shapes: Shapes,
    places: NameTable<()>,
    pub(crate) references: References,
    pub(crate) nodes: Nodes,
    /// Nodes whose pods are counted under another platform than is known now.
    uncounted: BTreeSet<NodeId>,
    pub(crate) same: Same,
    /// When room was made in `same`.
    made_room: Option<u32>,
    pub(crate) evidence: EvidenceCache,
    failing: NameTable<()>,
    pub(crate) restarts: Restarts,
    /// What registries have answered.
    pub(crate) answers: Answers,
    /// Counts changes of what is proven.
    version: u64,
}

impl PodIndex {
    /// Takes a pod in. `now` is in Unix seconds.
    pub(crate) fn apply(&mut self, pod: PodFacts<'_>, now: u32) -> PodChanges {
        if !pod.is_live {
            return self.note_and_forget(&pod, now);
        }
        let PodFacts { namespace, name, uid, controller, shape, node, statuses, is_live: _ } = pod;
        let uid = hash(uid);
        let node = node.and_then(|node| self.nodes.id(node));
        let platform = node.and_then(|node| self.nodes.platform_of(node));
        let known = self.pods.get(namespace).and_then(|pods| pods.get(name)).cloned();
        // Another pod that had its name says nothing of this one.
        let itself = known.as_ref().filter(|known| known.uid == uid);
        let states = self.states(&statuses, itself, now).into();
        let shape = self.shapes.share(shape);
        let record = PodRecord { uid, controller, shape, node, platform, states };
        if known.as_ref() == Some(&record) {
            return PodChanges::default();
        }
        // In this order, so that a digest that stays is never without a pod.
        let mut changes = self.enter(&record, now);
        self.put(namespace, name, record);
        if let Some(known) = known {
            changes.extend(self.leave(&known, now));
        }
        changes
    }

    /// Forgets a pod that is gone.
    pub(crate) fn delete(&mut self, namespace: &str, name: &str, now: u32) -> PodChanges {
        let Some(pods) = self.pods.get_mut(namespace) else { return PodChanges::default() };
        let Some(record) = pods.remove(name) else { return PodChanges::default() };
        if pods.is_empty() {
            self.pods.remove(namespace);
        }
        self.leave(&record, now)
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain(&mut self, scope: Option<&str>, listed: &PodNames, now: u32) -> PodChanges {
        let in_scope = |namespace: &str| scope.is_none_or(|only| only == namespace);
        let pods = self.pods.iter().filter(|(namespace, _)| in_scope(namespace));
        let gone: BTreeSet<(Arc<str>, Box<str>)> = pods
            .flat_map(|(namespace, pods)| pods.keys().map(|name| (Arc::clone(namespace), name.clone())))
            .filter(|key| !listed.contains(key))
            .collect();
        let mut changes = PodChanges::default();
        for (namespace, name) in &gone {
            changes.extend(self.delete(namespace, name, now));
        }
        changes
    }

    /// The distinct shapes that run under a controller, with the number of pods of each.
    pub(crate) fn shapes(&self, controller: &WorkloadKey) -> &[CountedShape] {
        self.controllers.get(controller).map_or(&[], |pods| &pods.shapes)
    }

    /// What the pods of a controller run.
    pub(crate) fn runs(&self, controller: &WorkloadKey) -> impl Iterator<Item = &Run> {
        self.controllers.get(controller).into_iter().flat_map(|pods| pods.runs.iter())
    }

    /// Every controller that has a live pod.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.controllers.keys()
    }

    /// The pods of a namespace, in the order of their names.
    pub(crate) fn in_namespace(&self, namespace: &str) -> BTreeMap<&str, &PodRecord> {
        let pods = self.pods.get(namespace).into_iter().flatten();
        pods.map(|(name, record)| (&**name, record)).collect()
    }

    /// The key as it is held already, so that the pods of a controller share one.
    pub(crate) fn shared(&self, controller: &WorkloadKey) -> Option<&WorkloadKey> {
        self.controllers.get_key_value(controller).map(|(known, _)| known)
    }

    /// The number of a place, if any pod shows anything of it.
    pub(crate) fn place(&self, name: &str) -> Option<PlaceId> {
        self.places.find(name).map(PlaceId)
    }

    /// An image that a node cannot pull, as a pod names it.
    pub(crate) fn failing_image(&self, image: ImageId) -> &str {
        self.failing.name(image.0)
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
        let runs = || self.controllers.values().flat_map(|pods| pods.runs.iter());
        // Ephemeral containers have a name of their own each.
        let used: BTreeSet<PlaceId> = runs().map(|run| run.place).chain(self.restarts.places()).collect();
        let failing: BTreeSet<u32> = runs()
            .filter_map(|run| match run.image_state {
                ImageState::PullFailing(_, image) => Some(image.0),
                ImageState::Ran(..) => None,
            })
            .collect();
        self.places.retain(|place, ()| used.contains(&PlaceId(place)));
        self.failing.retain(|image, ()| failing.contains(&image));
        let changed = self.references.expire(&self.same, now);
        self.version += u64::from(!changed.is_empty());
        changed.into_iter().flat_map(|reference| self.users(reference)).collect()
    }

    /// Counts up whenever what is proven may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// What a pod that has ended, or is being deleted, ran counts as seen; the pod itself is not counted.
    fn note_and_forget(&mut self, pod: &PodFacts<'_>, now: u32) -> PodChanges {
        let platform = pod.node.and_then(|node| self.nodes.platform_of(self.nodes.find(node)?));
        let mut changes = PodChanges::default();
        for status in &pod.statuses {
            let ImageStatus::Ran { digest, since, until } = &status.image_status else { continue };
            let first = since.map_or(now, seconds).min(now);
            // A pod that is being deleted may still run it.
            let last = until.map_or(now, seconds).clamp(first, now);
            // Pods that have ended may stay for years, and are listed again and again.
            if last.saturating_add(MEMORY) < now {
                continue;
            }
            if let Some(ImageState::Ran(reference, slot)) = self.ran(status, digest, (first, last))
                && self.references.note((reference, slot), platform, (first, last))
            {
                changes.evidence.extend(self.moved_differently(reference));
            }
        }
        changes.extend(self.delete(pod.namespace, pod.name, now));
        changes
    }

    fn enter(&mut self, record: &PodRecord, now: u32) -> PodChanges {
        let mut changes = PodChanges::default();
        let controller = &record.controller;
        if let Some(node) = record.node {
            self.nodes.hold(node);
        }
        let pods = self.controllers.entry(controller.clone()).or_default();
        if count_in(&mut pods.shapes, &record.shape) {
            changes.shapes.insert(controller.clone());
        }
        for state in &record.states {
            if pods.runs.enter(*state, record.platform) || self.restarts.awaits(controller) {
                changes.evidence.insert(controller.clone());
            }
        }
        for (ran, since) in each_once(&record.states) {
            if self.references.enter(ran, record.platform, since, now) {
                let begun = self.references.get(ran.0);
                if let Some((begun, slot)) = begun.and_then(|begun| Some((begun, begun.at(ran.1)?))) {
                    self.answers.began(&begun.name, &slot.digest);
                }
                changes.evidence.extend(self.moved_differently(ran.0));
            }
        }
        changes
    }

    fn leave(&mut self, record: &PodRecord, now: u32) -> PodChanges {
        let mut changes = PodChanges::default();
        let controller = &record.controller;
        let mut ended = Vec::new();
        if let Some(pods) = self.controllers.get_mut(controller) {
            if count_out(&mut pods.shapes, &record.shape) {
                changes.shapes.insert(controller.clone());
            }
            for state in &record.states {
                let (is_news, run) = pods.runs.leave(*state, record.platform);
                if is_news || self.restarts.awaits(controller) {
                    changes.evidence.insert(controller.clone());
                }
                ended.extend(run);
            }
            if pods.shapes.is_empty() {
                self.controllers.remove(controller);
            }
        }
        for run in ended {
            self.run_ended(controller, &run, now);
        }
        self.shapes.release(&record.shape);
        for (ran, _) in each_once(&record.states) {
            if self.references.leave(ran, record.platform, now) {
                changes.evidence.extend(self.moved_differently(ran.0));
            }
        }
        if let Some(node) = record.node {
            self.nodes.release(node);
        }
        changes
    }

    /// The controllers that run a reference of which several digests are known: what is said of it is another now.
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

    /// The controllers that run a reference, by its canonical name.
    pub(crate) fn users_of(&self, canonical: &str) -> BTreeSet<WorkloadKey> {
        self.references.find(canonical).map(|reference| self.users(reference)).unwrap_or_default()
    }

    fn users(&self, reference: ReferenceId) -> BTreeSet<WorkloadKey> {
        let users = self.controllers.iter().filter(|(_, pods)| pods.runs.runs_reference(reference));
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
            affected.extend(self.enter(&record, now).evidence);
            affected.extend(self.leave(&before, now).evidence);
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
}

/// One more pod has a shape. Returns whether it is the first.
fn count_in(shapes: &mut Vec<CountedShape>, shape: &Arc<PodShape>) -> bool {
    if let Some((_, pods)) = shapes.iter_mut().find(|(known, _)| Arc::ptr_eq(known, shape)) {
        *pods += 1;
        return false;
    }
    if shapes.is_empty() {
        // Pods of one controller mostly have one shape.
        shapes.reserve_exact(1);
    }
    shapes.push((Arc::clone(shape), 1));
    true
}

/// One pod less has a shape. Returns whether it was the last.
fn count_out(shapes: &mut Vec<CountedShape>, shape: &Arc<PodShape>) -> bool {
    let Some(at) = shapes.iter().position(|(known, _)| Arc::ptr_eq(known, shape)) else { return false };
    shapes[at].1 -= 1;
    let is_last = shapes[at].1 == 0;
    if is_last {
        shapes.swap_remove(at);
    }
    is_last
}

/// What a pod ran, each image once however many of its containers ran it, with the earliest start.
fn each_once(states: &[ContainerState]) -> BTreeMap<(ReferenceId, SlotId), u32> {
    let mut ran = BTreeMap::new();
    for state in states {
        if let ImageState::Ran(reference, slot) = state.image_state {
            let since = ran.entry((reference, slot)).or_insert(state.since);
            *since = state.since.min(*since);
        }
    }
    ran
}

#[cfg(test)]
mod tests;
