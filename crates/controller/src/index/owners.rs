//! Who controls whom, and under which workload a thing is reported.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::kinds::KindName;
use tagwatch_k8s::kind::WatchedKind;

use super::key::WorkloadKey;
use super::watched::WatchedCustomKinds;

/// How many controllers up a chain is followed; longer ones end where the limit is reached.
const MAX_DEPTH: usize = 8;

/// What the index keeps of a workload object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The object.
    pub(crate) key: WorkloadKey,
    /// What its kind is to us.
    pub(crate) kind: NodeKind,
    /// Its owner reference with `controller: true`.
    pub(crate) controller: Option<WorkloadKey>,
    /// Whether it asks for pods; a superseded ReplicaSet asks for none.
    pub(crate) wants_pods: bool,
    /// Orders the ReplicaSets of one owner: `deployment.kubernetes.io/revision` where there is one.
    pub(crate) revision: u64,
}

/// What the kind of an object says of where it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// A built-in kind.
    BuiltIn(WatchedKind),
    /// A custom kind that holds pod templates.
    Custom,
    /// A custom kind between an owner and what it owns.
    Link,
}

impl NodeKind {
    /// Whether an object that has a controller is reported under it, whatever kind that is. The others are workloads
    /// whoever owns them, unless it is a custom kind that we watch (`rules.md`, section 3).
    fn yields_to_any_owner(self) -> bool {
        match self {
            Self::BuiltIn(kind) => kind.yields_to_owner(),
            Self::Custom => false,
            Self::Link => true,
        }
    }
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

/// Every watched workload object, linked by UID.
#[derive(Debug, Default)]
pub(crate) struct OwnerIndex {
    nodes: HashMap<Arc<str>, Node>,
    children: HashMap<WorkloadKey, BTreeSet<WorkloadKey>>,
    custom: WatchedCustomKinds,
}

impl OwnerIndex {
    /// Takes an object in. Returns the workloads whose report may change by that, if anything did.
    pub(crate) fn apply(&mut self, node: Node) -> BTreeSet<WorkloadKey> {
        let uid: Arc<str> = node.key.uid().into();
        let before = self.nodes.get(&uid);
        if before == Some(&node) {
            return BTreeSet::new();
        }
        let mut affected = before.map(|before| self.affected_by(before)).unwrap_or_default();
        self.unlink(&uid);
        if let Some(controller) = &node.controller {
            self.children.entry(controller.clone()).or_default().insert(node.key.clone());
        }
        affected.extend(self.affected_by(&node));
        self.nodes.insert(uid, node);
        affected
    }

    /// Forgets an object. Returns the workloads whose report may change by that.
    pub(crate) fn delete(&mut self, uid: &str) -> BTreeSet<WorkloadKey> {
        let Some(node) = self.nodes.get(uid) else { return BTreeSet::new() };
        let affected = self.affected_by(node);
        self.unlink(uid);
        self.nodes.remove(uid);
        affected
    }

    /// Forgets every object of a kind, in the watched namespace or in all, that a complete list did not name.
    pub(crate) fn retain(
        &mut self,
        (group, kind): (&str, &str),
        scope: Option<&str>,
        listed: &HashSet<Arc<str>>,
    ) -> BTreeSet<WorkloadKey> {
        let gone: BTreeSet<Arc<str>> = self
            .nodes
            .iter()
            .filter(|(uid, node)| {
                node.key.is_of(group, kind)
                    && scope.is_none_or(|only| only == node.key.namespace())
                    && !listed.contains(*uid)
            })
            .map(|(uid, _)| Arc::clone(uid))
            .collect();
        gone.iter().flat_map(|uid| self.delete(uid)).collect()
    }

    /// From now on all objects of a custom kind are known, in the watched namespace or in all. Returns whether they
    /// were not before.
    pub(crate) fn begin_custom(&mut self, kind: &KindName, scope: Option<&str>) -> bool {
        self.custom.begin(kind, scope)
    }

    /// Forgets the objects of a custom kind, which is not watched any more.
    pub(crate) fn end_custom(&mut self, kind: &KindName, scope: Option<&str>) -> BTreeSet<WorkloadKey> {
        let affected = self.retain((&kind.group, &kind.kind), scope, &HashSet::new());
        self.custom.end(kind, scope);
        affected
    }

    /// Whether a key is of a custom kind whose objects are all known.
    pub(crate) fn watches_custom(&self, key: &WorkloadKey) -> bool {
        self.custom.covers(key)
    }

    /// The object of a key, if it is one that we watch and know.
    pub(crate) fn node(&self, key: &WorkloadKey) -> Option<&Node> {
        self.nodes.get(key.uid()).filter(|node| node.key == *key)
    }

    /// Whether there is an object of this UID.
    pub(crate) fn knows(&self, uid: &str) -> bool {
        self.nodes.contains_key(uid)
    }

    /// Objects whose controller is this one.
    pub(crate) fn children(&self, key: &WorkloadKey) -> impl Iterator<Item = &Node> {
        self.children.get(key).into_iter().flatten().filter_map(|child| self.node(child))
    }

    /// The workload under which an object is reported (`rules.md`, section 3): up the chain of controllers,
    /// until one that stands for itself, has no controller, or is of a kind that we do not watch.
    pub(crate) fn top(&self, start: &WorkloadKey) -> Top {
        let mut current = start;
        for _ in 0..MAX_DEPTH {
            let Some(node) = self.node(current) else {
                let watched = WatchedKind::find(current.api_version(), current.kind()).is_some()
                    || self.watches_custom(current);
                return if watched { Top::Unknown } else { Top::Workload(current.clone()) };
            };
            match self.reported_under(node) {
                Some(controller) => current = controller,
                None => break,
            }
        }
        Top::Workload(current.clone())
    }

    /// Every workload object that is reported on its own.
    pub(crate) fn tops(&self) -> BTreeSet<WorkloadKey> {
        let keys: BTreeMap<&Arc<str>, &Node> = self.nodes.iter().collect();
        keys.into_values()
            .filter_map(|node| match self.top(&node.key) {
                Top::Workload(key) => Some(key),
                Top::Unknown => None,
            })
            .collect()
    }

    /// The controller of an object that is not reported by itself.
    fn reported_under<'a>(&self, node: &'a Node) -> Option<&'a WorkloadKey> {
        let yields =
            |controller: &&WorkloadKey| node.kind.yields_to_any_owner() || self.watches_custom(controller);
        node.controller.as_ref().filter(yields)
    }

    fn affected_by(&self, node: &Node) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::from([node.key.clone()]);
        if let Some(controller) = self.reported_under(node)
            && let Top::Workload(top) = self.top(controller)
        {
            affected.insert(top);
        }
        affected
    }

    fn unlink(&mut self, uid: &str) {
        let Some(node) = self.nodes.get(uid) else { return };
        let Some(controller) = &node.controller else { return };
        if let Some(children) = self.children.get_mut(controller) {
            children.remove(&node.key);
            if children.is_empty() {
                self.children.remove(controller);
            }
        }
    }
}

#[cfg(test)]
#[path = "owners_tests.rs"]
mod tests;
