//! Live pods: what their specs name, what their images resolved to, and on which nodes (`docs/design/verdicts.md`,
//! "Proof from the cluster"). `apply`, `delete` and `retain` take a change in and return the controllers for which it
//! can matter; a status that changes nothing of images returns none.

mod detached;
mod leaving;
mod name;
mod nodes;
mod platforms;
mod record;
mod references;
mod restarts;
mod runs;
mod shapes;
mod starts;
mod states;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::ImageStatus;

use crate::answers::Answers;
use crate::names::NameTable;
use crate::small_map::SmallMap;

#[cfg(test)]
pub(crate) use detached::MAX_RECOUNTED;
pub(crate) use leaving::LONG_DELETION;
use leaving::LeavingPods;
use name::PodName;
use nodes::NodeId;
pub(crate) use nodes::{Nodes, PlatformId};
pub use record::PodFacts;
pub(crate) use record::{ContainerState, ImageState, PlaceId, PodRecord, place_name, seconds, time};
use record::{ImageId, NamedPod, pod_key};
pub(crate) use references::{MEMORY, ReferenceId, ReferenceRecord, References, SameImages, Slot, SlotId};
pub(crate) use restarts::{Ran, Restarts};
use runs::RunChange;
pub(crate) use runs::{Run, Runs};
use shapes::Shapes;
pub(crate) use shapes::{CountedShape, PodShape};
use starts::Start;
use states::KnownPod;

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

    /// The workloads with a change of either sort, each once.
    pub(crate) fn all(self) -> BTreeSet<WorkloadKey> {
        let Self { mut shapes, evidence } = self;
        shapes.extend(evidence);
        shapes
    }
}

/// Names of places and of failing images are looked through when there are twice as many as were needed the last time, and
/// at least so many. Between two calls of `expire`, pods that come and go could leave any number of names.
const MIN_NAMES: usize = 20_000;

/// What the pods of one controller say and show.
#[derive(Debug, Default)]
struct ControllerPods {
    /// By address: equal shapes are one.
    shapes: SmallMap<usize, CountedShape>,
    runs: Runs,
    /// By name.
    pods: SmallMap<NamedPod, ()>,
}

/// Every live pod, with what is known of the images that they run.
#[derive(Debug, Default)]
pub(crate) struct PodIndex {
    /// The pods of each namespace, found by name.
    pods: HashMap<Arc<str>, BTreeSet<NamedPod>>,
    controllers: HashMap<WorkloadKey, ControllerPods>,
    /// The keys of `controllers`, to go through them part by part.
    controllers_in_order: BTreeSet<WorkloadKey>,
    shapes: Shapes,
    places: NameTable<()>,
    pub(crate) references: References,
    pub(crate) nodes: Nodes,
    /// Nodes whose pods are counted under another platform than is known now.
    uncounted: BTreeSet<NodeId>,
    pub(crate) same: SameImages,
    /// When room was made in `same`.
    made_room: Option<u32>,
    failing: NameTable<()>,
    /// How many names of either kind there may be before they are looked through.
    names_limit: usize,
    pub(crate) restarts: Restarts,
    /// Pods that are counted each for itself though they name this controller, by their own keys.
    claims: HashMap<WorkloadKey, BTreeSet<WorkloadKey>>,
    leaving: LeavingPods,
    /// What registries have answered.
    pub(crate) answers: Answers,
    /// Counts changes of what is proven.
    version: u64,
}

impl PodIndex {
    /// Takes a pod in. `now` is in Unix seconds.
    pub(crate) fn apply(&mut self, pod: PodFacts<'_>, now: u32) -> PodChanges {
        if let Some(from) = pod.reported_from {
            return self.apply_leaving(pod, from, now);
        }
        if !pod.is_live {
            let mut changes = self.note_run(&pod, now);
            changes.extend(self.delete(pod.namespace, pod.name, now));
            return changes;
        }
        self.forget_leaving(pod.namespace, pod.name);
        let PodFacts {
            namespace,
            name,
            uid,
            controller,
            shape,
            node,
            statuses,
            may_have_changed,
            settles_in,
            is_live: _,
            reported_from: _,
        } = pod;
        let pod_name = PodName::new(name, uid);
        let node = node.and_then(|node| self.nodes.find_or_mention(node));
        let platform = node.and_then(|node| self.nodes.platform_of(node));
        self.forget_surplus_names();
        let known = self.known(namespace, name);
        // Another pod that had its name says nothing of this one.
        let itself = known.as_deref().filter(|known| known.name == pod_name);
        // Without a node, nothing has been started from an earlier spec.
        let may_have_changed = may_have_changed && node.is_some();
        let known_pod = KnownPod::of(itself, &shape.images, may_have_changed, settles_in);
        let states = self.record_states(&statuses, &known_pod, now).into();
        let shape = self.shapes.share(shape);
        let controller = self.shared(&controller).cloned().unwrap_or(controller);
        let record = PodRecord { name: pod_name, controller, shape, node, platform, states };
        if known.as_deref() == Some(&record) {
            return PodChanges::default();
        }
        self.replace(namespace, known, record, now)
    }

    fn known(&self, namespace: &str, name: &str) -> Option<Arc<PodRecord>> {
        self.pods.get(namespace)?.get(name).map(|known| Arc::clone(&known.0))
    }

    /// Forgets a pod that is gone.
    pub(crate) fn delete(&mut self, namespace: &str, name: &str, now: u32) -> PodChanges {
        self.forget_leaving(namespace, name);
        let Some(pods) = self.pods.get_mut(namespace) else { return PodChanges::default() };
        let Some(NamedPod(record)) = pods.take(name) else { return PodChanges::default() };
        if pods.is_empty() {
            self.pods.remove(namespace);
        }
        let mut changes = self.leave(&record, now);
        // What names it as its controller is reported elsewhere from now on.
        let own = pod_key(namespace, record.name.name(), &record.name.uid());
        if self.controllers.contains_key(&own) {
            changes.shapes.insert(own);
        }
        changes
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain(&mut self, scope: Option<&str>, listed: &PodNames, now: u32) -> PodChanges {
        let in_scope = |namespace: &str| scope.is_none_or(|only| only == namespace);
        let pods = self.pods.iter().filter(|(namespace, _)| in_scope(namespace));
        let gone: BTreeSet<(Arc<str>, Box<str>)> = pods
            .flat_map(|(namespace, pods)| {
                pods.iter().map(|pod| (Arc::clone(namespace), pod.0.name.name().into()))
            })
            .filter(|key| !listed.contains(key))
            .collect();
        self.retain_leaving(scope, listed);
        let mut changes = PodChanges::default();
        for (namespace, name) in &gone {
            changes.extend(self.delete(namespace, name, now));
        }
        changes
    }

    /// The distinct shapes that run under a controller, with the number of pods of each.
    pub(crate) fn shapes(&self, controller: &WorkloadKey) -> impl Iterator<Item = &CountedShape> {
        let pods = self.controllers.get(controller);
        pods.into_iter().flat_map(|pods| pods.shapes.iter()).map(|(_, shape)| shape)
    }

    /// What the pods of a controller run, place by place.
    pub(crate) fn runs(&self, controller: &WorkloadKey) -> impl Iterator<Item = Run> {
        self.controllers.get(controller).into_iter().flat_map(|pods| pods.runs.iter())
    }

    /// The pods of a controller, in the order of their names.
    pub(crate) fn of_controller(&self, controller: &WorkloadKey) -> impl Iterator<Item = &PodRecord> {
        let pods = self.controllers.get(controller);
        pods.into_iter().flat_map(|pods| pods.pods.iter()).map(|(pod, ())| &*pod.0)
    }

    /// Every controller that has a live pod.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.controllers_behind(None)
    }

    /// The controllers that have a live pod in the order of their keys, from behind one of them.
    pub(crate) fn controllers_behind(&self, key: Option<&WorkloadKey>) -> impl Iterator<Item = &WorkloadKey> {
        self.controllers_in_order
            .range::<WorkloadKey, _>((key.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
    }

    /// The pods of a namespace, in the order of their names.
    pub(crate) fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &PodRecord> {
        let pods = self.pods.get(namespace).into_iter().flatten();
        pods.map(|NamedPod(record)| &**record)
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

    /// Forgets what is older than proofs last. To be called now and then.
    pub(crate) fn expire(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        self.forget_unused_names();
        let changed = self.references.expire(&self.same, now);
        self.version += u64::from(!changed.is_empty());
        changed.into_iter().flat_map(|reference| self.users(reference)).collect()
    }

    fn forget_surplus_names(&mut self) {
        if self.places.len().max(self.failing.len()) > self.names_limit.max(MIN_NAMES) {
            self.forget_unused_names();
            self.names_limit = 2 * self.places.len().max(self.failing.len());
        }
    }

    /// Forgets the names that no live pod needs. They are the names of a user: ephemeral containers have one each.
    fn forget_unused_names(&mut self) {
        let runs = || self.controllers.values().flat_map(|pods| pods.runs.iter());
        // States that are counted in no run have a place, too.
        let states = self.pods.values().flatten().flat_map(|pod| pod.0.states.iter());
        let used: BTreeSet<PlaceId> = states.map(|state| state.place).chain(self.restarts.places()).collect();
        let failing: BTreeSet<u32> = runs()
            .filter_map(|run| match run.image_state {
                ImageState::PullFailing(_, image) => Some(image.0),
                ImageState::Ran(..) | ImageState::Earlier(..) | ImageState::Unknown => None,
            })
            .collect();
        self.places.retain(|place, ()| used.contains(&PlaceId(place)));
        self.failing.retain(|image, ()| failing.contains(&image));
    }

    /// Counts up whenever what is proven may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// What a pod that has ended, or is being deleted, ran counts as seen.
    fn note_run(&mut self, pod: &PodFacts<'_>, now: u32) -> PodChanges {
        let platform = pod.node.and_then(|node| self.nodes.platform_of(self.nodes.find(node)?));
        let name = PodName::new(pod.name, pod.uid);
        let known = self.known(pod.namespace, pod.name).filter(|known| known.name == name);
        // Of one that was being deleted before, no state is kept.
        let known = known.as_deref().filter(|known| !known.shape.is_terminating);
        let known = KnownPod::of(known, &pod.shape.images, pod.may_have_changed, pod.settles_in);
        let mut changes = PodChanges::default();
        for status in &pod.statuses {
            let ImageStatus::Ran { digest, since, until } = &status.image_status else { continue };
            let start = Start::after(status, self.before(status, &known), now);
            if !self.is_of_spec(start, status, digest) {
                continue;
            }
            let first = since.map_or(now, seconds).min(now);
            // A pod that is being deleted may still run it.
            let last = until.map_or(now, seconds).clamp(first, now);
            // Pods that have ended may stay for years, and are listed again and again.
            if last.saturating_add(MEMORY) < now {
                continue;
            }
            if let Some(ImageState::Ran(reference, slot)) = self.record_run(status, digest, (first, last))
                && self.references.note((reference, slot), platform, (first, last))
            {
                changes.evidence.extend(self.moved_differently(reference));
            }
        }
        changes
    }

    /// A pod is another one now, or new.
    fn replace(
        &mut self,
        namespace: &str,
        known: Option<Arc<PodRecord>>,
        record: PodRecord,
        now: u32,
    ) -> PodChanges {
        let record = Arc::new(record);
        // In this order, so that a digest that stays is never without a pod.
        let mut changes = self.enter(&record, now);
        self.put(namespace, Arc::clone(&record));
        if let Some(known) = known {
            changes.extend(self.leave(&known, now));
        }
        // Leaving, the earlier record took the name and the claim along.
        if let Some(controller) = record.shape.claimed() {
            self.claims.entry(controller.clone()).or_default().insert(record.controller.clone());
        }
        if let Some(pods) = self.controllers.get_mut(&record.controller) {
            pods.pods.insert(NamedPod(record), ());
        }
        changes
    }

    fn enter(&mut self, record: &PodRecord, now: u32) -> PodChanges {
        let mut changes = PodChanges::default();
        let controller = &record.controller;
        if let Some(node) = record.node {
            self.nodes.hold(node);
        }
        let awaited = self.restarts.awaits(controller);
        let pods = self.controllers.entry(controller.clone()).or_insert_with(|| {
            self.controllers_in_order.insert(controller.clone());
            ControllerPods::default()
        });
        if count_in(&mut pods.shapes, &record.shape) {
            changes.shapes.insert(controller.clone());
        }
        for state in record.shown() {
            let RunChange { is_news, run } = pods.runs.enter(*state, record.platform);
            if is_news || awaited {
                changes.evidence.insert(controller.clone());
            }
            if let Some(ImageState::Ran(reference, _)) = run.map(|run| run.image_state) {
                self.references.add_user(reference, controller);
            }
        }
        for (ran, since) in each_once(&record.states) {
            if self.references.enter(ran, record.platform, since, now) {
                let begun = self.references.get(ran.0);
                if let Some((begun, slot)) = begun.and_then(|begun| Some((begun, begun.at(ran.1)?))) {
                    self.answers.mark_started(&begun.name, &slot.digest);
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
            let awaited = self.restarts.awaits(controller);
            for state in record.shown() {
                let RunChange { is_news, run } = pods.runs.leave(*state, record.platform);
                if is_news || awaited {
                    changes.evidence.insert(controller.clone());
                }
                ended.extend(run);
            }
            pods.pods.remove(record.name.name());
            if pods.shapes.is_empty() {
                self.controllers.remove(controller);
                self.controllers_in_order.remove(controller);
            }
        }
        if let Some(claimed) = record.shape.claimed()
            && let Some(claims) = self.claims.get_mut(claimed)
        {
            claims.remove(controller);
            if claims.is_empty() {
                self.claims.remove(claimed);
            }
        }
        for run in ended {
            self.run_ended(controller, &run, now);
            if let ImageState::Ran(reference, _) = run.image_state {
                self.references.remove_user(reference, controller);
            }
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
        if !self.references.get(reference).is_some_and(ReferenceRecord::has_several) {
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
        self.references.get(reference).into_iter().flat_map(ReferenceRecord::users).cloned().collect()
    }

    fn put(&mut self, namespace: &str, record: Arc<PodRecord>) {
        let namespace = self
            .pods
            .get_key_value(namespace)
            .map_or_else(|| Arc::<str>::from(namespace), |(known, _)| Arc::clone(known));
        let pods = self.pods.entry(namespace).or_default();
        // A pod without a state is kept as long as it lives: the start of its next state depends on when it was first seen.
        pods.replace(NamedPod(record));
    }
}

/// One more pod has a shape. Returns whether it is the first.
fn count_in(shapes: &mut SmallMap<usize, CountedShape>, shape: &Arc<PodShape>) -> bool {
    let address = Arc::as_ptr(shape).addr();
    if let Some((_, pods)) = shapes.get_mut(&address) {
        *pods += 1;
        return false;
    }
    shapes.insert(address, (Arc::clone(shape), 1));
    true
}

/// One pod less has a shape. Returns whether it was the last.
fn count_out(shapes: &mut SmallMap<usize, CountedShape>, shape: &Arc<PodShape>) -> bool {
    let address = Arc::as_ptr(shape).addr();
    let Some((_, pods)) = shapes.get_mut(&address) else { return false };
    *pods -= 1;
    let is_last = *pods == 0;
    if is_last {
        shapes.remove(&address);
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
