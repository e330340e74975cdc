//! The index of a cluster.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::fair::in_turn;
use tagwatch_core::kinds::{KindName, WorkloadKind};
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::Namespace;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{SlimNode, SlimObject, SlimPod};

use crate::evidence::{EvidenceCache, RolloutProgress};
use crate::misread::MisreadKinds;
use crate::namespaces::NamespaceIndex;
use crate::owners::OwnerIndex;
use crate::pods::{PodFacts, PodIndex, seconds};

/// Most kinds of owners of pods that are named as not read: a user may write any kind into the owner of a pod.
const MAX_UNCOVERED_KINDS: usize = 100;

/// Most objects and controllers of pods that are looked at for one part of the candidates. A user decides how many there
/// are, and the index is locked meanwhile.
const MAX_PART: usize = 1_000;

/// A part of everything that could have a report.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Workload objects, and the controllers of live pods.
    pub found: BTreeSet<WorkloadKey>,
    /// Behind which key the next part begins; `None` after the last one.
    pub last: Option<WorkloadKey>,
}

/// Owners, pods, nodes, namespaces and registry answers together. Methods that take a change in return the workloads
/// to be evaluated.
#[derive(Debug, Default)]
pub struct Index {
    pub(crate) owners: OwnerIndex,
    pub(crate) pods: PodIndex,
    pub(crate) namespaces: NamespaceIndex,
    pub(crate) evidence: EvidenceCache,
    pub(crate) progress: RolloutProgress,
    misread: MisreadKinds,
}

/// Objects of every watched kind but Pods.
impl Index {
    /// An index that is filled once. A rollout of which no time says when it made progress is judged by what there is, since
    /// there is no later look.
    pub fn of_one_look() -> Self {
        Self { progress: RolloutProgress::of_one_look(), ..Self::default() }
    }

    /// Takes an object in; `before` is the object of its name that the store held until now. Returns the object as it
    /// is to be stored: its keys are those that its owner, its dependents and its pods hold.
    pub fn apply_object(
        &mut self,
        mut object: SlimObject,
        before: Option<&SlimObject>,
    ) -> (Arc<SlimObject>, BTreeSet<WorkloadKey>) {
        if let Some(before) = before.filter(|before| before.key() == object.key()) {
            object.compare_with(before);
        }
        // An object that was created again under its name is another one, and the one before is gone.
        let replaced = before.filter(|before| before.key() != object.key());
        let mut affected = replaced.map(|gone| self.delete_object(gone.key())).unwrap_or_default();
        let (object, by_owner) = self.take_object(object);
        affected.extend(by_owner);
        // Of an object that says nothing by itself, the owner index knows every change.
        let is_alike = object.is_silent() || before.is_some_and(|before| before.is_judged_alike(&object));
        if !is_alike {
            affected.insert(self.top(object.key()));
        }
        (object, affected)
    }

    /// Removes an object. Returns the workloads to evaluate again.
    pub fn delete_object(&mut self, key: &WorkloadKey) -> BTreeSet<WorkloadKey> {
        let affected = self.owners.delete(key);
        self.misread.remove(key);
        self.progress.forget(key);
        affected
    }

    /// Lets an object of a list that is not complete yet hold the keys that the index has. Copies that were kept until
    /// the list is complete would leave gaps in memory between the keys that stay.
    pub fn share_keys(&self, object: &mut SlimObject) {
        object.share_keys(|key| self.shared(key).unwrap_or_else(|| key.clone()));
    }

    /// Takes over a complete list of a kind, in the watched namespace or in all. What it does not name is gone; the rest
    /// is evaluated, since it is not known what changed meanwhile. Returns the objects as they are to be stored.
    pub fn apply_list(
        &mut self,
        kind: &KindName,
        scope: Option<&str>,
        objects: Vec<SlimObject>,
    ) -> (Vec<Arc<SlimObject>>, BTreeSet<WorkloadKey>) {
        let listed: HashSet<WorkloadKey> = objects.iter().map(|object| object.key().clone()).collect();
        let mut affected = self.owners.retain(kind, scope, &listed);
        self.forget_gone();
        let mut taken = Vec::with_capacity(objects.len());
        for object in objects {
            let (object, by_owner) = self.take_object(object);
            affected.extend(by_owner);
            taken.push(object);
        }
        affected.extend(taken.iter().map(|object| self.top(object.key())));
        (taken, affected)
    }

    /// From now on all objects of a kind are known, in the watched namespace or in all. Returns whether a custom kind was
    /// not known before: what was reported under an owner that is not watched may be reported elsewhere then.
    pub fn begin_kind(&mut self, kind: &WorkloadKind, scope: Option<&str>) -> bool {
        !kind.traits.is_built_in && self.owners.begin_custom(&kind.name, scope)
    }

    /// Forgets a kind, which is not watched any more.
    pub fn end_kind(&mut self, kind: &KindName, scope: Option<&str>) -> BTreeSet<WorkloadKey> {
        let affected = self.owners.end_custom(kind, scope);
        self.forget_gone();
        affected
    }

    /// The custom kinds whose templates are not where they are looked for, as `Kind.group`, each with what is wrong with
    /// one of its objects.
    pub fn misread_kinds(&self) -> BTreeMap<String, String> {
        self.misread.remarks()
    }

    fn take_object(&mut self, mut object: SlimObject) -> (Arc<SlimObject>, BTreeSet<WorkloadKey>) {
        self.share_keys(&mut object);
        let affected = self.owners.apply(&object);
        self.misread.apply(&object);
        (Arc::new(object), affected)
    }

    /// Forgets what is known of objects beside their owners, of those that are gone.
    fn forget_gone(&mut self) {
        let owners = &self.owners;
        self.misread.retain(|key| owners.node(key).is_some());
        self.progress.retain(|key| owners.node(key).is_some());
    }
}

/// Pods, which show what runs, and stand in for templates that are not read.
impl Index {
    /// Takes a pod in, or lets it go when nothing will be pulled for it any more.
    pub fn apply_pod<'a>(&mut self, pod: impl Into<PodFacts<'a>>, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let mut facts = pod.into();
        // As a controller, it may have been missing until now.
        let own = (!self.owners.missing.is_unused()).then(|| facts.own_key());
        if let Some(own) = &own {
            let named = Some(&facts.controller).filter(|controller| *controller != own);
            self.owners.move_grace(own, self.pods.named_controller(own), named);
        }
        if self.owners.missing.is_given_up(&facts.controller) {
            facts.stand_alone();
        } else if let Some(shared) = self.owners.shared(&facts.controller) {
            facts.controller = shared.clone();
        }
        let changes = self.pods.apply(facts, seconds(now));
        let mut affected = self.tops(&changes.all());
        // What names it is counted for it again.
        affected.extend(own.filter(|own| self.owners.missing.is_given_up(own)));
        affected
    }

    /// Removes a pod. Returns the workloads to evaluate again.
    pub fn delete_pod(&mut self, pod: &SlimPod, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (namespace, name) = pod.place();
        let changes = self.pods.delete(namespace, name, seconds(now));
        self.tops(&changes.all())
    }

    /// Forgets the pods of the watched namespace (or of all) that a complete list did not name, by namespace and name.
    pub fn retain_pods(
        &mut self,
        scope: Option<&str>,
        listed: &HashSet<(Arc<str>, Box<str>)>,
        now: Timestamp,
    ) -> BTreeSet<WorkloadKey> {
        let changes = self.pods.retain(scope, listed, seconds(now));
        self.tops(&changes.all())
    }

    /// Takes pods back in whose deletion takes too long, a bounded number of them. To be called now and then.
    pub fn settle_leaving(&mut self, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let changes = self.pods.settle_leaving(seconds(now));
        self.tops(&changes.all())
    }

    /// Whether a kubelet runs a Pod from a file of its own.
    pub fn is_mirror(&self, key: &WorkloadKey) -> bool {
        self.pods.shapes(key).any(|(shape, _)| shape.is_mirror)
    }
}

/// Nodes, which say on which platform a pod runs and which digests are one image.
impl Index {
    /// Takes in a node of a list that is not complete yet. Its pods are counted when the list is complete: in the order of the
    /// list, each node would look through all pods.
    pub fn apply_listed_node(&mut self, node: &SlimNode, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (platform, images) = (node.platform(), node.images());
        let affected = self.pods.apply_listed_node(node.name(), platform.as_ref(), &images, seconds(now));
        self.tops(&affected)
    }

    /// The list of nodes is complete.
    pub fn retain_nodes(&mut self, listed: &HashSet<Box<str>>, now: Timestamp) -> BTreeSet<WorkloadKey> {
        self.pods.retain_nodes(listed);
        let affected = self.pods.count_nodes(seconds(now));
        self.tops(&affected)
    }

    /// Takes a node in.
    pub fn apply_node(&mut self, node: &SlimNode, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let (platform, images) = (node.platform(), node.images());
        let affected = self.pods.apply_node(node.name(), platform.as_ref(), &images, seconds(now));
        self.tops(&affected)
    }

    /// A node is gone.
    pub fn delete_node(&mut self, node: &SlimNode) {
        self.pods.delete_node(node.name());
    }

    /// Nothing is known of any node any more.
    pub fn forget_nodes(&mut self, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let affected = self.pods.forget_nodes(seconds(now));
        self.tops(&affected)
    }
}

/// Namespaces, whose labels and annotations the policy reads.
impl Index {
    /// Takes a namespace in. Returns whether it is another one for judging.
    pub fn apply_namespace(&mut self, name: &str, namespace: Namespace) -> bool {
        self.namespaces.apply(name, namespace)
    }

    /// A namespace; `None` where namespaces may not be read, or there is none of this name.
    pub fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name)
    }

    /// Every namespace by name; none where namespaces may not be read.
    pub fn namespaces(&self) -> impl Iterator<Item = (&str, &Arc<Namespace>)> {
        self.namespaces.iter()
    }

    /// Forgets a namespace; its objects are deleted by events of their own.
    pub fn delete_namespace(&mut self, name: &str) {
        self.namespaces.delete(name);
    }

    /// Forgets every namespace that a complete list did not name.
    pub fn retain_namespaces(&mut self, listed: &BTreeSet<Box<str>>) {
        self.namespaces.retain(listed);
    }
}

/// What registries answered, and what time changes.
impl Index {
    /// The references of a registry that a pod runs, by their canonical names.
    pub fn running_references(&self, registry: &str) -> BTreeSet<String> {
        self.pods.running(registry)
    }

    /// Of these references, the one that has waited longest for a question, if any is due. From now on it counts as
    /// asked.
    pub fn take_question(&mut self, wanted: &BTreeSet<String>, now: Timestamp) -> Option<String> {
        let due = self.pods.answers.due(wanted, seconds(now))?;
        self.pods.answers.mark_asked(&due);
        Some(due)
    }

    /// Takes in what a registry answered: a digest, or why it is not known.
    pub fn apply_answer(
        &mut self,
        canonical: String,
        digest: Result<String, String>,
        now: Timestamp,
    ) -> BTreeSet<WorkloadKey> {
        let users = self.pods.users_of(&canonical);
        let is_new = self.pods.answers.insert(canonical, digest, seconds(now));
        if is_new { self.tops(&users) } else { BTreeSet::new() }
    }

    /// Forgets answers of a registry that are not wanted any more.
    pub fn retain_answers(&mut self, registry: &str, wanted: &BTreeSet<String>) -> BTreeSet<WorkloadKey> {
        let gone = self.pods.answers.retain(registry, wanted);
        let users = gone.iter().flat_map(|canonical| self.pods.users_of(canonical)).collect();
        self.tops(&users)
    }

    /// Forgets what is older than proofs last. To be called now and then.
    pub fn expire(&mut self, now: Timestamp) -> BTreeSet<WorkloadKey> {
        let affected = self.pods.expire(seconds(now));
        let pods = &self.pods;
        self.owners.forget_missing(|key| pods.has_claims(key), |key| pods.is_live(key));
        self.tops(&affected)
    }

    /// The references that are proven to have moved, in order, and how many more are likely to have.
    pub fn moved_references(&self) -> (Vec<Reference>, usize) {
        self.pods.moved_references()
    }

    /// Counts up whenever what is proven may have changed.
    pub fn proofs_version(&self) -> u64 {
        self.pods.version()
    }
}

/// Workloads, each at the top of its owner chain.
impl Index {
    /// Everything that could have a report, part by part: the first one, or the one behind a key. What changes between two
    /// parts asks for its own evaluation.
    pub fn candidates(&self, behind: Option<&WorkloadKey>) -> Candidates {
        let objects = self.owners.objects_behind(behind).take(MAX_PART);
        let controllers = self.pods.controllers_behind(behind).take(MAX_PART);
        let keys: BTreeSet<&WorkloadKey> = objects.chain(controllers).collect();
        let is_last = keys.len() < MAX_PART;
        let part: Vec<&WorkloadKey> = keys.into_iter().take(MAX_PART).collect();
        Candidates {
            found: part.iter().map(|key| self.top(key)).collect(),
            last: part.last().filter(|_| !is_last).map(|key| (*key).clone()),
        }
    }

    /// The workload under which the pod of this name is reported, where that is another one. Other objects are not found by
    /// their names.
    pub fn reported_under(&self, namespace: &str, pod: &str) -> Option<WorkloadKey> {
        let controller = self.pods.controller_of(namespace, pod)?;
        let is_pod = controller.watched_kind().is_some_and(WorkloadKind::is_pod);
        (!is_pod).then(|| self.top(controller))
    }

    /// Kinds that control live pods and that are not read, and those whose templates are not where they are looked
    /// for, as `Kind.group`, safe for a terminal.
    pub fn uncovered_kinds(&self) -> BTreeSet<String> {
        // Who creates pods may name any kind as their controller.
        let mut by_namespace: BTreeMap<Box<str>, BTreeSet<String>> = BTreeMap::new();
        for top in self.pods.controllers().map(|controller| self.top(controller)) {
            if !self.owners.watches(&top) {
                let kinds = by_namespace.entry(top.namespace().into()).or_default();
                // The first by name, so that the answer does not depend on the order of a map.
                if kinds.insert(top.kind_and_group()) && kinds.len() > MAX_UNCOVERED_KINDS {
                    kinds.pop_last();
                }
            }
        }
        let mut kinds = BTreeSet::new();
        for kind in in_turn(by_namespace.into_values()) {
            kinds.insert(kind);
            if kinds.len() == MAX_UNCOVERED_KINDS {
                break;
            }
        }
        kinds.extend(self.misread.remarks().into_keys());
        kinds
    }

    /// The workloads under which these are reported, and in place of those with a missing controller that controller.
    pub(crate) fn tops(&self, keys: &BTreeSet<WorkloadKey>) -> BTreeSet<WorkloadKey> {
        keys.iter().map(|key| self.top(key)).collect()
    }

    fn top(&self, key: &WorkloadKey) -> WorkloadKey {
        // A pod without a controller is its own key, of a kind that the owner index does not hold.
        if key.watched_kind().is_some_and(WorkloadKind::is_pod) {
            return key.clone();
        }
        self.owners.top(key).into_key()
    }

    fn shared(&self, key: &WorkloadKey) -> Option<WorkloadKey> {
        self.owners.shared(key).or_else(|| self.pods.shared(key)).cloned()
    }
}
