//! Who controls whom, and under which workload a thing is reported.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_k8s::kind::WatchedKind;

use super::key::WorkloadKey;

/// How many controllers up a chain is followed; longer ones end where the limit is reached.
const MAX_DEPTH: usize = 8;

/// What the index keeps of a workload object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The object.
    pub(crate) key: WorkloadKey,
    /// Its kind.
    pub(crate) kind: WatchedKind,
    /// Its owner reference with `controller: true`.
    pub(crate) controller: Option<WorkloadKey>,
    /// Whether it asks for pods; a superseded ReplicaSet asks for none.
    pub(crate) wants_pods: bool,
    /// Orders the ReplicaSets of one owner: `deployment.kubernetes.io/revision` where there is one.
    pub(crate) revision: u64,
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
        kind: WatchedKind,
        scope: Option<&str>,
        listed: &HashSet<Arc<str>>,
    ) -> BTreeSet<WorkloadKey> {
        let gone: BTreeSet<Arc<str>> = self
            .nodes
            .iter()
            .filter(|(uid, node)| {
                node.kind == kind
                    && scope.is_none_or(|only| only == node.key.namespace())
                    && !listed.contains(*uid)
            })
            .map(|(uid, _)| Arc::clone(uid))
            .collect();
        gone.iter().flat_map(|uid| self.delete(uid)).collect()
    }

    /// The object of a key, if it is one that we watch and know.
    pub(crate) fn node(&self, key: &WorkloadKey) -> Option<&Node> {
        self.nodes.get(key.uid()).filter(|node| node.key == *key)
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
                let watched = WatchedKind::find(current.api_version(), current.kind()).is_some();
                return if watched { Top::Unknown } else { Top::Workload(current.clone()) };
            };
            match &node.controller {
                Some(controller) if node.kind.yields_to_owner() => current = controller,
                _ => break,
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

    fn affected_by(&self, node: &Node) -> BTreeSet<WorkloadKey> {
        let mut affected = BTreeSet::from([node.key.clone()]);
        if let Some(controller) = &node.controller
            && node.kind.yields_to_owner()
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
mod tests {
    use super::*;

    fn key(api_version: &'static str, kind: &'static str, name: &str) -> WorkloadKey {
        WorkloadKey::new(api_version, kind, "shop", name, format!("uid-{name}"))
    }

    fn node(kind: WatchedKind, name: &str, controller: Option<WorkloadKey>) -> Node {
        let key = key(kind.api_version(), kind.kind(), name);
        Node { key, kind, controller, wants_pods: true, revision: 0 }
    }

    #[test]
    fn a_chain_ends_at_the_deployment() {
        let mut index = OwnerIndex::default();
        let deployment = node(WatchedKind::Deployment, "web", None);
        let replica_set = node(WatchedKind::ReplicaSet, "web-1", Some(deployment.key.clone()));
        assert_eq!(index.top(&replica_set.key), Top::Unknown, "not seen yet");
        index.apply(replica_set.clone());
        assert_eq!(index.top(&replica_set.key), Top::Unknown, "its controller is not seen yet");
        assert_eq!(index.apply(deployment.clone()), BTreeSet::from([deployment.key.clone()]));
        assert_eq!(index.top(&replica_set.key), Top::Workload(deployment.key.clone()));
        assert_eq!(index.children(&deployment.key).count(), 1);
        assert_eq!(index.tops(), BTreeSet::from([deployment.key]));
    }

    #[test]
    fn a_kind_that_is_not_watched_ends_the_chain_by_its_owner_reference() {
        let mut index = OwnerIndex::default();
        let rollout = key("argoproj.io/v1alpha1", "Rollout", "web");
        let replica_set = node(WatchedKind::ReplicaSet, "web-1", Some(rollout.clone()));
        index.apply(replica_set.clone());
        assert_eq!(index.top(&replica_set.key), Top::Workload(rollout));
    }

    #[test]
    fn the_uid_must_match() {
        let mut index = OwnerIndex::default();
        index.apply(node(WatchedKind::Deployment, "web", None));
        let stale = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "uid-of-the-one-before");
        assert_eq!(index.top(&stale), Top::Unknown);
    }

    #[test]
    fn a_cron_job_that_something_controls_is_still_a_workload() {
        let mut index = OwnerIndex::default();
        let cron_job =
            node(WatchedKind::CronJob, "report", Some(key("example.com/v1", "Schedule", "nightly")));
        let job = node(WatchedKind::Job, "report-1", Some(cron_job.key.clone()));
        index.apply(cron_job.clone());
        index.apply(job.clone());
        assert_eq!(index.top(&job.key), Top::Workload(cron_job.key));
    }

    #[test]
    fn a_loop_of_controllers_ends() {
        let mut index = OwnerIndex::default();
        let a = node(WatchedKind::ReplicaSet, "a", Some(key("apps/v1", "ReplicaSet", "b")));
        let b = node(WatchedKind::ReplicaSet, "b", Some(key("apps/v1", "ReplicaSet", "a")));
        index.apply(a.clone());
        index.apply(b);
        assert!(matches!(index.top(&a.key), Top::Workload(_)));
    }

    #[test]
    fn an_object_that_did_not_change_affects_nothing() {
        let mut index = OwnerIndex::default();
        let deployment = node(WatchedKind::Deployment, "web", None);
        assert!(!index.apply(deployment.clone()).is_empty());
        assert!(index.apply(deployment).is_empty());
    }

    #[test]
    fn a_complete_list_removes_what_it_does_not_name() {
        let mut index = OwnerIndex::default();
        let web = node(WatchedKind::Deployment, "web", None);
        let db = node(WatchedKind::StatefulSet, "db", None);
        index.apply(web.clone());
        index.apply(db.clone());
        let gone = index.retain(WatchedKind::Deployment, None, &HashSet::new());
        assert_eq!(gone, BTreeSet::from([web.key]));
        assert_eq!(index.tops(), BTreeSet::from([db.key]));
    }
}
