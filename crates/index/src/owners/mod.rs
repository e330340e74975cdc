//! Who controls whom, and under which workload an object is reported.

mod chain;
mod coverage;
mod missing;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use tagwatch_core::kinds::{KindName, KindRole, Siblings, revision_annotation};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

use coverage::WatchedCustomKinds;
pub(crate) use missing::MissingControllers;
#[cfg(test)]
pub(crate) use missing::ORPHAN_GRACE;

/// How many owners are followed up or down from an object. One whose chain of controllers is longer, or a ring, is reported
/// on its own.
pub(crate) const MAX_DEPTH: usize = 8;

/// Most objects that are followed down from one; a user may create any number of objects under one owner.
pub(crate) const MAX_DEPENDENTS: usize = 10_000;

/// What the index keeps of a watched object but Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnedObject {
    /// Where the objects of its kind are reported.
    pub(crate) role: KindRole,
    /// Its owner reference with `controller: true`.
    pub(crate) controller: Option<WorkloadKey>,
    /// Whether that is of a kind that makes such objects, as far as that is known.
    has_credible_controller: bool,
    /// What it is to the other objects of its kind that its owner controls.
    siblings: Siblings,
    demand: PodDemand,
    /// Orders the dependents of one owner that replace each other, as far as the owner numbers them.
    pub(crate) revision: u32,
}

/// Whether an object asks for pods, and whether its deletion was asked for: one byte, since there are many objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PodDemand {
    None,
    Some,
    NoneInDeletion,
    SomeInDeletion,
}

impl PodDemand {
    fn of(object: &SlimObject) -> Self {
        match (object.wants_pods(), object.is_in_deletion()) {
            (false, false) => Self::None,
            (true, false) => Self::Some,
            (false, true) => Self::NoneInDeletion,
            (true, true) => Self::SomeInDeletion,
        }
    }
}

impl OwnedObject {
    fn of(object: &SlimObject) -> Self {
        Self {
            role: object.role(),
            controller: object.owner().cloned(),
            has_credible_controller: object.has_credible_owner(),
            siblings: object.siblings(),
            demand: PodDemand::of(object),
            revision: object.revision(),
        }
    }

    /// Whether it, and what depends on it, is reported where it would be as this one.
    fn is_placed_as(&self, other: &Self) -> bool {
        let Self { role, controller, has_credible_controller, siblings: _, demand: _, revision: _ } = self;
        (role, controller, has_credible_controller)
            == (&other.role, &other.controller, &other.has_credible_controller)
    }

    /// Whether it asks for pods; a superseded ReplicaSet asks for none.
    pub(crate) fn wants_pods(&self) -> bool {
        matches!(self.demand, PodDemand::Some | PodDemand::SomeInDeletion)
    }

    /// Whether its deletion was asked for. Until it is gone, no controller changes how many pods it has (`manageReplicas` in
    /// `pkg/controller/replicaset/replica_set.go` is not reached).
    pub(crate) fn is_in_deletion(&self) -> bool {
        matches!(self.demand, PodDemand::SomeInDeletion | PodDemand::NoneInDeletion)
    }

    /// Whether pods of it stay: it asks for them, or no controller ends them.
    pub(crate) fn keeps_pods(&self) -> bool {
        self.demand != PodDemand::None
    }

    /// Whether an object that has a controller is reported under it, whatever kind that is. The others are workloads
    /// whichever object owns them, unless that is of a custom kind that we watch
    /// (`docs/design/verdicts.md`, "Where images are found").
    fn yields_to_any_owner(&self) -> bool {
        self.role != KindRole::Workload
    }
}

/// Whether it is of a kind of which an owner makes another object for each revision.
pub(crate) fn is_replica_set(key: &WorkloadKey) -> bool {
    key.is_of("apps", "ReplicaSet") || key.is_of("", "ReplicationController")
}

/// Which dependents of an object are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revisions {
    /// Of the dependents of one kind, those of the newest revision: pods of the one before say nothing of the template
    /// that is there now.
    Newest,
    /// Dependents of every revision.
    All,
}

/// Pods of one workload that can be compared with each other, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RolloutId(u32);

impl RolloutId {
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const LAST: Self = Self(u32::MAX);

    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Every watched object but Pods, with its owner.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndex {
    nodes: HashMap<WorkloadKey, OwnedObject>,
    /// The keys of `nodes`, to go through them part by part.
    in_order: BTreeSet<WorkloadKey>,
    /// By owner, known or not; in the order of their keys.
    children: HashMap<WorkloadKey, Vec<WorkloadKey>>,
    custom: WatchedCustomKinds,
    pub(crate) missing: MissingControllers,
}

impl OwnerIndex {
    /// Takes an object in. Returns the workloads whose report may change by that, if anything did.
    pub(crate) fn apply(&mut self, object: &SlimObject) -> BTreeSet<WorkloadKey> {
        let (key, node) = (object.key(), OwnedObject::of(object));
        let before = self.nodes.get(key);
        if before == Some(&node) {
            return BTreeSet::new();
        }
        if before.is_some_and(|before| before.is_placed_as(&node)) {
            let affected = self.reported_with(key, &node);
            self.nodes.insert(key.clone(), node);
            return affected;
        }
        let mut affected = before.map(|before| self.affected_by(key, before)).unwrap_or_default();
        if !self.missing.is_unused() {
            let former = before.and_then(|before| before.controller.clone());
            let named = self.reported_under(&node).cloned();
            self.move_grace(key, former.as_ref(), named.as_ref());
        }
        self.unlink(key);
        if let Some(controller) = &node.controller {
            let children = self.children.entry(controller.clone()).or_default();
            if children.is_empty() {
                // Most have one child.
                children.reserve_exact(1);
            }
            if let Err(at) = children.binary_search(key) {
                children.insert(at, key.clone());
            }
        }
        if self.nodes.insert(key.clone(), node.clone()).is_none() {
            self.in_order.insert(key.clone());
        }
        affected.extend(self.affected_by(key, &node));
        affected
    }

    /// Forgets an object. Returns the workloads whose report may change by that.
    pub(crate) fn delete(&mut self, key: &WorkloadKey) -> BTreeSet<WorkloadKey> {
        let Some(node) = self.nodes.get(key) else { return BTreeSet::new() };
        let affected = self.affected_by(key, node);
        self.unlink(key);
        self.nodes.remove(key);
        self.in_order.remove(key);
        affected
    }

    /// Forgets every object of a kind, in the watched namespace or in all, that a complete list did not name.
    pub(crate) fn retain(
        &mut self,
        kind: &KindName,
        scope: Option<&str>,
        listed: &HashSet<WorkloadKey>,
    ) -> BTreeSet<WorkloadKey> {
        let is_gone = |key: &&WorkloadKey| {
            key.is_of(&kind.group, &kind.kind)
                && scope.is_none_or(|only| only == key.namespace())
                && !listed.contains(*key)
        };
        let gone: BTreeSet<WorkloadKey> = self.nodes.keys().filter(is_gone).cloned().collect();
        gone.iter().flat_map(|key| self.delete(key)).collect()
    }

    /// From now on all objects of a custom kind are known, in the watched namespace or in all. Returns whether they
    /// were not before.
    pub(crate) fn begin_custom(&mut self, kind: &KindName, scope: Option<&str>) -> bool {
        self.custom.begin(kind, scope)
    }

    /// Forgets the objects of a kind, which is not watched any more.
    pub(crate) fn end_custom(&mut self, kind: &KindName, scope: Option<&str>) -> BTreeSet<WorkloadKey> {
        let mut affected = self.retain(kind, scope, &HashSet::new());
        self.custom.end(kind, scope);
        // What was missing is an owner that is not watched now.
        affected.extend(self.missing.of_kind(kind));
        affected
    }

    /// Whether a key is of a kind whose objects are all known.
    pub(crate) fn watches(&self, key: &WorkloadKey) -> bool {
        key.watched_kind().is_some() || self.custom.covers(key)
    }

    /// The object of a key, if it is one that we watch and know.
    pub(crate) fn node(&self, key: &WorkloadKey) -> Option<&OwnedObject> {
        self.nodes.get(key)
    }

    /// The key as it is held already, so that an object, its dependents and its pods share one.
    pub(crate) fn shared(&self, key: &WorkloadKey) -> Option<&WorkloadKey> {
        let known = self.nodes.get_key_value(key).map(|(known, _)| known);
        known.or_else(|| self.children.get_key_value(key).map(|(known, _)| known))
    }

    /// Objects whose controller is this one, and that are reported under it.
    pub(crate) fn children(&self, key: &WorkloadKey) -> impl Iterator<Item = (&WorkloadKey, &OwnedObject)> {
        let children = self.children.get(key).into_iter().flatten();
        let children = children.filter_map(|child| Some((child, self.node(child)?)));
        children.filter(|(_, node)| self.reported_under(node).is_some())
    }

    /// Those of them that no newer one of their kind replaces. Which one is newer is known only under an object that is there,
    /// and of a kind whose controller numbers what it makes, or of dependents that the API server dates: elsewhere a user may
    /// write any number, and nothing says that the others are to go.
    pub(crate) fn newest_children(
        &self,
        key: &WorkloadKey,
    ) -> impl Iterator<Item = (&WorkloadKey, &OwnedObject)> {
        let (is_read, is_numbering) = (self.node(key).is_some(), self.numbers_sets(key));
        let is_ordered = move |child: &WorkloadKey, node: &OwnedObject| {
            (is_read && node.siblings == Siblings::Revisions) || (is_numbering && is_replica_set(child))
        };
        let mut newest: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (child, node) in self.children(key).filter(|(child, node)| is_ordered(child, node)) {
            let revision = newest.entry((child.group(), child.kind())).or_default();
            *revision = node.revision.max(*revision);
        }
        self.children(key).filter(move |(child, node)| {
            let newest = || newest.get(&(child.group(), child.kind()));
            !is_ordered(child, node) || newest() == Some(&node.revision)
        })
    }

    /// Whether the controller of an object that is there numbers the `ReplicaSet`s or `ReplicationController`s that it makes.
    pub(crate) fn numbers_sets(&self, key: &WorkloadKey) -> bool {
        self.node(key).is_some() && revision_annotation(key.api_version(), key.kind()).is_some()
    }

    /// The controller of an object that is there.
    pub(crate) fn controller(&self, key: &WorkloadKey) -> Option<&WorkloadKey> {
        self.node(key)?.controller.as_ref()
    }

    /// The revision of an object; 0 if it has none.
    pub(crate) fn revision(&self, key: &WorkloadKey) -> u32 {
        self.node(key).map_or(0, |node| node.revision)
    }

    /// Whether an object is of a kind that may have a rollout: what a `ReplicaSet` or a Job makes is of one template.
    pub(crate) fn may_roll_out(&self, key: &WorkloadKey) -> bool {
        self.node(key).is_some_and(|node| node.role != KindRole::Dependent)
    }

    /// Forgets the missing controllers that no object names any more and no pod does, and what is known of pods that are gone.
    pub(crate) fn forget_missing(
        &mut self,
        is_named: impl Fn(&WorkloadKey) -> bool,
        is_live: impl Fn(&WorkloadKey) -> bool,
    ) {
        let Self { missing, children, nodes, .. } = self;
        let is_there = |key: &WorkloadKey| nodes.contains_key(key) || is_live(key);
        missing.retain(|key| children.contains_key(key) || is_named(key), is_there);
    }

    /// An object and what depends on it, each in front of its own dependents; an object that depends on several ways
    /// comes once for each. At most [`MAX_DEPENDENTS`].
    pub(crate) fn with_dependents(&self, key: &WorkloadKey, revisions: Revisions) -> Vec<WorkloadKey> {
        // What is below an endless chain is a part of it.
        let depth =
            if self.node(key).and_then(|node| self.reported_under(node)).is_none() { MAX_DEPTH } else { 0 };
        let mut found = Vec::new();
        self.descend(key, revisions, depth, &mut found);
        found
    }

    /// An object and its dependents, each in front of its own, with the rollout of each: runs of one owner, with what depends
    /// on each, are rollouts of their own. So are `ReplicaSet`s of an owner that numbers none: they may be of several
    /// templates.
    pub(crate) fn rollouts(
        &self,
        key: &WorkloadKey,
        with_dependents: Vec<WorkloadKey>,
    ) -> BTreeMap<WorkloadKey, RolloutId> {
        let mut rollouts = BTreeMap::new();
        let mut newest = RolloutId::FIRST;
        let mut numbering: HashMap<&WorkloadKey, bool> = HashMap::new();
        for found in with_dependents {
            let node = self.node(&found).filter(|_| found != *key);
            let parent = node.and_then(|node| node.controller.as_ref());
            let is_apart = |parent| {
                is_replica_set(&found)
                    && !*numbering.entry(parent).or_insert_with(|| self.numbers_sets(parent))
            };
            let is_run = node.is_some_and(|node| node.siblings == Siblings::Runs);
            let rollout = if is_run || parent.is_some_and(is_apart) {
                newest = newest.next();
                newest
            } else {
                parent.and_then(|parent| rollouts.get(parent).copied()).unwrap_or(RolloutId::FIRST)
            };
            rollouts.insert(found, rollout);
        }
        rollouts
    }

    fn descend(&self, key: &WorkloadKey, revisions: Revisions, depth: usize, found: &mut Vec<WorkloadKey>) {
        if found.len() == MAX_DEPENDENTS {
            return;
        }
        found.push(key.clone());
        if depth == 0 {
            return;
        }
        match revisions {
            Revisions::Newest => {
                for (child, _) in self.newest_children(key) {
                    self.descend(child, revisions, depth - 1, found);
                }
            }
            Revisions::All => {
                for (child, _) in self.children(key) {
                    self.descend(child, revisions, depth - 1, found);
                }
            }
        }
    }

    /// The objects in the order of their keys, from behind one of them.
    pub(crate) fn objects_behind(&self, key: Option<&WorkloadKey>) -> impl Iterator<Item = &WorkloadKey> {
        self.in_order
            .range::<WorkloadKey, _>((key.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
    }

    fn unlink(&mut self, key: &WorkloadKey) {
        let Some(controller) = self.nodes.get(key).and_then(|node| node.controller.as_ref()) else { return };
        if let Some(children) = self.children.get_mut(controller) {
            if let Ok(at) = children.binary_search(key) {
                children.remove(at);
            }
            if children.is_empty() {
                self.children.remove(controller);
            }
        }
    }
}

#[cfg(test)]
mod tests;
