//! Who controls whom, and under which workload an object is reported.

mod coverage;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tagwatch_core::kinds::{KindName, KindRole};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

use coverage::WatchedCustomKinds;

/// How many owners are followed up or down from an object; longer chains end where the limit is reached.
const MAX_DEPTH: usize = 8;

/// Most objects that are followed down from one; a user may create any number of objects under one owner.
pub(crate) const MAX_DEPENDENTS: usize = 10_000;

/// What the index keeps of a watched object but Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnedObject {
    /// Where the objects of its kind are reported.
    pub(crate) role: KindRole,
    /// Its owner reference with `controller: true`.
    pub(crate) controller: Option<WorkloadKey>,
    /// Whether it asks for pods; a superseded ReplicaSet asks for none.
    pub(crate) wants_pods: bool,
    /// Orders the dependents of one owner that replace each other.
    pub(crate) revision: u32,
}

impl OwnedObject {
    fn of(object: &SlimObject) -> Self {
        Self {
            role: object.role(),
            controller: object.owner().cloned(),
            wants_pods: object.wants_pods(),
            revision: object.revision(),
        }
    }

    /// Whether an object that has a controller is reported under it, whatever kind that is. The others are workloads
    /// whichever object owns them, unless that is of a custom kind that we watch
    /// (`docs/design/verdicts.md`, "Where images are found").
    fn yields_to_any_owner(&self) -> bool {
        self.role != KindRole::Workload
    }
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

/// Where a chain of controllers ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Top {
    /// Reported under this workload.
    Workload(WorkloadKey),
    /// A controller of a kind that we watch is not known: not seen yet, or gone and about to take its
    /// dependents with it. Nothing is reported until it appears.
    Unknown,
}

/// Every watched object but Pods, with its owner.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndex {
    nodes: HashMap<WorkloadKey, OwnedObject>,
    /// By owner, known or not; in the order of their keys.
    children: HashMap<WorkloadKey, Vec<WorkloadKey>>,
    custom: WatchedCustomKinds,
}

impl OwnerIndex {
    /// Takes an object in. Returns the workloads whose report may change by that, if anything did.
    pub(crate) fn apply(&mut self, object: &SlimObject) -> BTreeSet<WorkloadKey> {
        let (key, node) = (object.key(), OwnedObject::of(object));
        let before = self.nodes.get(key);
        if before == Some(&node) {
            return BTreeSet::new();
        }
        let mut affected = before.map(|before| self.affected_by(key, before)).unwrap_or_default();
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
        affected.extend(self.affected_by(key, &node));
        self.nodes.insert(key.clone(), node);
        affected
    }

    /// Forgets an object. Returns the workloads whose report may change by that.
    pub(crate) fn delete(&mut self, key: &WorkloadKey) -> BTreeSet<WorkloadKey> {
        let Some(node) = self.nodes.get(key) else { return BTreeSet::new() };
        let affected = self.affected_by(key, node);
        self.unlink(key);
        self.nodes.remove(key);
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
        let affected = self.retain(kind, scope, &HashSet::new());
        self.custom.end(kind, scope);
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

    /// Objects whose controller is this one.
    pub(crate) fn children(&self, key: &WorkloadKey) -> impl Iterator<Item = (&WorkloadKey, &OwnedObject)> {
        let children = self.children.get(key).into_iter().flatten();
        children.filter_map(|child| Some((child, self.node(child)?)))
    }

    /// An object and what depends on it, each in front of its own dependents; an object that depends on several ways
    /// comes once for each. At most [`MAX_DEPENDENTS`].
    pub(crate) fn with_dependents(&self, key: &WorkloadKey, revisions: Revisions) -> Vec<WorkloadKey> {
        let mut found = Vec::new();
        self.descend(key, revisions, MAX_DEPTH, &mut found);
        found
    }

    fn descend(&self, key: &WorkloadKey, revisions: Revisions, depth: usize, found: &mut Vec<WorkloadKey>) {
        if found.len() == MAX_DEPENDENTS {
            return;
        }
        found.push(key.clone());
        if depth == 0 {
            return;
        }
        let mut newest: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (child, node) in self.children(key) {
            let revision = newest.entry((child.group(), child.kind())).or_default();
            *revision = node.revision.max(*revision);
        }
        for (child, node) in self.children(key) {
            let is_newest = newest.get(&(child.group(), child.kind())) == Some(&node.revision);
            if is_newest || revisions == Revisions::All {
                self.descend(child, revisions, depth - 1, found);
            }
        }
    }

    /// The workload under which an object is reported (`docs/design/verdicts.md`, "Where images are found"): up the chain
    /// of controllers, until one that is reported on its own, has no controller, or is of a kind that is not watched.
    pub(crate) fn top(&self, start: &WorkloadKey) -> Top {
        let mut current = start;
        for _ in 0..MAX_DEPTH {
            let Some(node) = self.node(current) else {
                return if self.watches(current) { Top::Unknown } else { Top::Workload(current.clone()) };
            };
            match self.reported_under(node) {
                Some(controller) => current = controller,
                None => break,
            }
        }
        Top::Workload(current.clone())
    }

    /// Whether an object is reported on its own.
    pub(crate) fn is_top(&self, key: &WorkloadKey) -> bool {
        matches!(self.top(key), Top::Workload(top) if top == *key)
    }

    /// Every object that is reported on its own.
    pub(crate) fn tops(&self) -> BTreeSet<WorkloadKey> {
        let keys: BTreeSet<&WorkloadKey> = self.nodes.keys().collect();
        let tops = keys.into_iter().filter_map(|key| match self.top(key) {
            Top::Workload(key) => Some(key),
            Top::Unknown => None,
        });
        tops.collect()
    }

    /// The controller of an object that is not reported by itself.
    fn reported_under<'a>(&self, node: &'a OwnedObject) -> Option<&'a WorkloadKey> {
        let yields = |controller: &&WorkloadKey| node.yields_to_any_owner() || self.custom.covers(controller);
        node.controller.as_ref().filter(yields)
    }

    fn affected_by(&self, key: &WorkloadKey, node: &OwnedObject) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::from([key.clone()]);
        if let Some(controller) = self.reported_under(node)
            && let Top::Workload(top) = self.top(controller)
        {
            affected.insert(top);
        }
        affected
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
