//! Which pods count for a workload.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::RevisionChange;

use super::progress::Timing;
use crate::owners::{MAX_DEPENDENTS, OwnedObject, OwnerIndex, Revisions, RolloutId};
use crate::pods::seconds;
use crate::store::ObjectStore;

/// The controllers whose pods count for a workload.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(crate) struct RolloutView {
    /// Controllers of pods of the rollout that is in force; a StatefulSet or DaemonSet is one and the same over all
    /// rollouts. Each with its rollout, as far as its pods can be compared: runs of one owner are rollouts of their own.
    pub(crate) current: BTreeMap<WorkloadKey, RolloutId>,
    /// Those and the ones before.
    pub(crate) all: BTreeSet<WorkloadKey>,
    /// Of a rollout that is stalled, the controllers of an earlier revision that still keep pods, each with a rollout of its
    /// own: these run on, and those of one template are compared.
    earlier: BTreeMap<WorkloadKey, RolloutId>,
    /// No rollout is in progress. One of a `StatefulSet` or `DaemonSet` that is stalled counts as over: all pods are the object's
    /// own, and those of earlier templates run on, as with a partition.
    pub(crate) is_rolled_out: bool,
    /// A rollout is in progress, and makes none.
    is_stalled: bool,
    /// The images of pods of earlier templates count during a rollout, too: it is stalled, or nothing would say so.
    pub(crate) keeps_earlier: bool,
    /// In how many seconds a rollout in progress is stalled, if it goes on like this.
    pub(crate) stalls_in: Option<u32>,
    /// For how many seconds more no pod counts for the template, which the controller has not seen.
    pub(crate) unseen_for: Option<u32>,
    /// The object's own status says whether it is rolled out.
    pub(crate) has_status: bool,
    /// The revisions of the pods of a `StatefulSet`, where they are two.
    pub(crate) revision_change: Option<RevisionChange>,
    /// When its pods were last restarted, in Unix seconds.
    pub(crate) restarted: Option<u32>,
    /// There are more controllers than are followed.
    pub(crate) is_cut: bool,
}

impl RolloutView {
    /// By what is stored of the objects, and the times of its rollout.
    pub(crate) fn of(
        key: &WorkloadKey,
        owners: &OwnerIndex,
        store: &dyn ObjectStore,
        (Timing { stalled_from, unseen_until }, now): (Timing, u32),
    ) -> Self {
        let [current, all] = [Revisions::Newest, Revisions::All].map(|of| owners.with_dependents(key, of));
        let is_cut = current.len().max(all.len()) >= MAX_DEPENDENTS;
        let (current, all) = (owners.rollouts(key, current), BTreeSet::from_iter(all));
        let object = store.get(key);
        let is_rolled_out = object.as_ref().and_then(|object| object.is_rolled_out());
        let has_status = is_rolled_out.is_some();
        let is_stalled = stalled_from.is_some_and(|from| from <= now);
        let is_untimed = object.as_ref().is_some_and(|object| object.untimed_rollout().is_some());
        let of_itself = object.as_ref().and_then(|object| object.stalled_from());
        let revision_change = object.as_ref().and_then(|object| object.revision_change()).cloned();
        let restarted = object.and_then(|object| object.restarted_at()).map(seconds);
        let is_rolled_out = is_rolled_out.unwrap_or_else(|| is_at_rest(key, &current, owners, store))
            || (is_stalled && is_untimed && of_itself.is_none());
        let left = |time: Option<u32>| time.map(|time| time.saturating_sub(now)).filter(|left| *left > 0);
        let earlier = if is_stalled { earlier(&current, &all, owners) } else { BTreeMap::new() };
        Self {
            current,
            all,
            earlier,
            is_rolled_out,
            is_stalled,
            keeps_earlier: is_stalled || of_itself.is_some_and(|from| from <= now),
            stalls_in: left(stalled_from),
            unseen_for: left(unseen_until),
            has_status,
            revision_change,
            restarted,
            is_cut,
        }
    }

    /// The controllers whose pods are compared with each other, each with its rollout.
    pub(crate) fn compared(&self) -> impl Iterator<Item = (&WorkloadKey, RolloutId)> {
        self.current.iter().chain(&self.earlier).map(|(key, rollout)| (key, *rollout))
    }

    /// The rollout of a controller whose pods are compared.
    pub(crate) fn rollout_of(&self, controller: &WorkloadKey) -> Option<RolloutId> {
        self.current.get(controller).or_else(|| self.earlier.get(controller)).copied()
    }

    /// Whether pods that differ are a finding: no rollout is about to replace them.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_rolled_out || self.is_stalled
    }

    /// Whether a pod of this revision is of the one before, and a rollout is in progress: it says nothing of the template.
    /// Once that is over, with a partition or with `OnDelete`, pods of earlier revisions count.
    pub(crate) fn is_before_rollout(&self, revision: Option<&str>) -> bool {
        let from = self.revision_change.as_ref().filter(|_| !self.is_rolled_out).map(|change| &*change.from);
        from.is_some() && from == revision
    }

    /// Whether a pod of this revision is of the newest one, while a rollout is in progress.
    pub(crate) fn is_after_rollout(&self, revision: Option<&str>) -> bool {
        let to = self.revision_change.as_ref().filter(|_| !self.is_rolled_out).map(|change| &*change.to);
        to.is_some() && to == revision
    }

    /// Controllers whose pods' references are judged: while a rollout is in progress also those of the pods before it,
    /// so that a finding about them does not come and go with each rollout.
    pub(crate) fn judged(&self) -> impl Iterator<Item = &WorkloadKey> {
        let (current, all) =
            if self.is_rolled_out { (Some(&self.current), None) } else { (None, Some(&self.all)) };
        current.into_iter().flat_map(BTreeMap::keys).chain(all.into_iter().flatten())
    }
}

/// The `ReplicaSet`s of earlier revisions whose pods stay, each with a rollout of its own.
fn earlier(
    current: &BTreeMap<WorkloadKey, RolloutId>,
    all: &BTreeSet<WorkloadKey>,
    owners: &OwnerIndex,
) -> BTreeMap<WorkloadKey, RolloutId> {
    let keeps = |set: &&WorkloadKey| {
        is_replica_set(set)
            && !current.contains_key(*set)
            && owners.node(set).is_some_and(OwnedObject::keeps_pods)
    };
    let last = current.values().max().copied().unwrap_or(RolloutId::FIRST);
    let ids = std::iter::successors(Some(last.next()), |id| Some(id.next()));
    all.iter().filter(keeps).cloned().zip(ids).collect()
}

/// Whether it is of a kind of which an owner makes another object for each revision.
pub(crate) fn is_replica_set(key: &WorkloadKey) -> bool {
    key.is_of("apps", "ReplicaSet") || key.is_of("", "ReplicationController")
}

/// Of an owner whose status does not say: what is under it is rolled out, and not two `ReplicaSet`s or
/// `ReplicationController`s of one owner ask for pods. Other dependents exist side by side for good, such as the Jobs of a
/// `JobSet`.
fn is_at_rest(
    key: &WorkloadKey,
    current: &BTreeMap<WorkloadKey, RolloutId>,
    owners: &OwnerIndex,
    store: &dyn ObjectStore,
) -> bool {
    // One in deletion is of no rollout: it may be held for ever.
    let is_asking_replica_set = |(child, node): &(&WorkloadKey, &OwnedObject)| {
        node.wants_pods() && !node.is_in_deletion() && is_replica_set(child)
    };
    let is_over =
        |key: &WorkloadKey| store.get(key).is_none_or(|object| object.is_rolled_out() != Some(false));
    owners.children(key).filter(is_asking_replica_set).count() <= 1 && current.keys().all(is_over)
}
