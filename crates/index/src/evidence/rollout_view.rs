//! Which pods count for a workload.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{RevisionChange, STALLED_AFTER, SlimObject, UntimedRollout};

use super::progress::{Observed, RolloutProgress, Timing};
use crate::owners::{
    MAX_DEPENDENTS, MAX_DEPTH, OwnedObject, OwnerIndex, Revisions, RolloutId, is_replica_set,
};
use crate::pods::{PodIndex, PodRecord, seconds};
use crate::store::ObjectStore;

/// The controllers whose pods count for a workload.
#[derive(Debug)]
pub(crate) struct RolloutView {
    key: WorkloadKey,
    /// Controllers of pods of the rollout that is in force; a StatefulSet or DaemonSet is one and the same over all
    /// rollouts. Each with its rollout, as far as its pods can be compared: runs of one owner are rollouts of their own.
    pub(crate) current: BTreeMap<WorkloadKey, RolloutId>,
    /// Those and the ones before.
    pub(crate) all: BTreeSet<WorkloadKey>,
    /// Of a rollout that is stalled, the controllers of an earlier revision that still keep pods, each with a rollout of its
    /// own: these run on, and those of one template are compared.
    earlier: BTreeMap<WorkloadKey, RolloutId>,
    /// `ReplicaSet`s that ask for no pods and have had some for long: no controller ends them.
    left_behind: BTreeSet<WorkloadKey>,
    /// Of the object and those that it controls, each that may have a rollout.
    rollouts: BTreeMap<WorkloadKey, ObjectRollout>,
    /// No rollout is in progress.
    pub(crate) is_rolled_out: bool,
    /// A rollout is in progress, and none makes any.
    is_stalled: bool,
    /// In how many seconds a rollout in progress is stalled or a template counts as seen, if it goes on like this.
    pub(crate) changes_in: Option<u32>,
    /// When its pods were last restarted, in Unix seconds.
    pub(crate) restarted: Option<u32>,
    /// There are more controllers than are followed.
    pub(crate) is_cut: bool,
}

/// How far the rollout of one object is.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
struct ObjectRollout {
    /// Its own status says whether it is rolled out.
    has_status: bool,
    /// Its controller numbers the `ReplicaSet`s that it makes.
    numbers_sets: bool,
    /// No rollout is in progress. One of a `StatefulSet` or `DaemonSet` that is stalled counts as over: all pods are the object's
    /// own, and those of earlier templates run on, as with a partition.
    is_over: bool,
    /// A rollout is in progress, and makes none.
    is_stalled: bool,
    /// The images of pods of earlier templates count during a rollout, too: it is stalled, or nothing would say so.
    keeps_earlier: bool,
    /// No pod counts for the template, which the controller has not seen.
    is_unseen: bool,
    /// The revisions of the pods of a `StatefulSet`, where they are two.
    revision_change: Option<RevisionChange>,
    /// In how many seconds that is another.
    changes_in: Option<u32>,
}

/// What the pods of a controller are to the template of their workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// They are about to go, or to be replaced.
    Outgoing,
    /// Their images are held against it; during the rollout of a `StatefulSet`, those of the pods of this revision.
    Held { revision: Option<&'a str> },
    /// So are these, of a `ReplicaSet` that a rollout is to end.
    Older { set: &'a WorkloadKey, owner: &'a WorkloadKey, is_rolled_out: bool },
}

impl ObjectRollout {
    /// Whether pods that are not of its newest template stay.
    fn keeps_pods(&self) -> bool {
        self.is_over || self.keeps_earlier
    }

    fn of(
        key: &WorkloadKey,
        (object, replaced, first_start): (Option<&SlimObject>, Option<&UntimedRollout>, u32),
        owners: &OwnerIndex,
        (progress, now): (&mut RolloutProgress, u32),
    ) -> Self {
        let status = object.and_then(SlimObject::is_rolled_out);
        let replaced = replaced.filter(|_| status.is_none());
        let untimed = object.and_then(SlimObject::untimed_rollout).or(replaced);
        let is_over = status.unwrap_or(replaced.is_none());
        let Timing { stalled_from, unseen_until } =
            progress.timing(key, Observed { object, is_over, untimed, first_start }, now);
        let is_stalled = stalled_from.is_some_and(|from| from <= now);
        let of_itself = object.and_then(SlimObject::stalled_from);
        let left = |time: Option<u32>| time.map(|time| time.saturating_sub(now)).filter(|left| *left > 0);
        let is_unseen = left(unseen_until).is_some();
        Self {
            has_status: status.is_some(),
            numbers_sets: owners.numbers_sets(key),
            is_over: is_over || (is_stalled && status.is_some() && untimed.is_some() && of_itself.is_none()),
            is_stalled,
            keeps_earlier: is_stalled || of_itself.is_some_and(|from| from <= now),
            is_unseen,
            revision_change: object.and_then(SlimObject::revision_change).cloned(),
            changes_in: [left(stalled_from), left(unseen_until)].into_iter().flatten().min(),
        }
    }
}

impl RolloutView {
    /// By what is stored of the objects, and the times of their rollouts.
    pub(crate) fn of(
        key: &WorkloadKey,
        (owners, pods, store): (&OwnerIndex, &PodIndex, &dyn ObjectStore),
        progress: &mut RolloutProgress,
        now: u32,
    ) -> Self {
        let [current, all] = [Revisions::Newest, Revisions::All].map(|of| owners.with_dependents(key, of));
        let is_cut = current.len().max(all.len()) >= MAX_DEPENDENTS;
        let (current, all) = (owners.rollouts(key, current), BTreeSet::from_iter(all));
        let replaced = replaced(&current, &all, (owners, pods));
        let mut rollouts = BTreeMap::new();
        for rolled in current.keys().filter(|rolled| *rolled == key || owners.may_roll_out(rolled)) {
            let (object, replaced) = (store.get(rolled), replaced.get(rolled));
            if object.is_some() || replaced.is_some() {
                let newest = || first_start(rolled, object.as_deref(), &current, pods);
                let start = if progress.needs_start(object.as_deref()) { newest() } else { 0 };
                let seen = (object.as_deref(), replaced, start);
                let rollout = ObjectRollout::of(rolled, seen, owners, (progress, now));
                rollouts.insert(rolled.clone(), rollout);
            }
        }
        let is_rolled_out = rollouts.values().all(|rollout| rollout.is_over);
        let is_stalled = rollouts.values().any(|rollout| rollout.is_stalled)
            && rollouts.values().all(|rollout| rollout.is_over || rollout.is_stalled);
        let earlier = earlier((&current, &all), &rollouts, owners);
        let (left_behind, counts_in) = left_behind(&all, (owners, pods), progress, now);
        let changes_in = rollouts.values().filter_map(|rollout| rollout.changes_in).chain(counts_in).min();
        Self {
            key: key.clone(),
            earlier,
            left_behind,
            is_rolled_out,
            is_stalled,
            changes_in,
            restarted: store.get(key).and_then(|object| object.restarted_at()).map(seconds),
            is_cut,
            current,
            all,
            rollouts,
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

    /// Whether a pod of a controller with this revision is of the one before, and a rollout is in progress: it says nothing of
    /// the template. Once that is over, with a partition or with `OnDelete`, pods of earlier revisions count.
    pub(crate) fn is_before_rollout(&self, controller: &WorkloadKey, revision: Option<&str>) -> bool {
        let rollout = self.rollouts.get(controller).filter(|rollout| !rollout.is_over);
        let change = rollout.and_then(|rollout| rollout.revision_change.as_ref());
        change.is_some_and(|change| revision == Some(&*change.from))
    }

    /// Controllers whose pods' references are judged: while a rollout is in progress also those of the pods before it,
    /// so that a finding about them does not come and go with each rollout.
    pub(crate) fn judged(&self) -> impl Iterator<Item = &WorkloadKey> {
        let (current, all) =
            if self.is_rolled_out { (Some(&self.current), None) } else { (None, Some(&self.all)) };
        current.into_iter().flat_map(BTreeMap::keys).chain(all.into_iter().flatten())
    }

    /// What the pods of a controller are to the template: every one of them is held against it that no rollout is about to
    /// replace.
    pub(crate) fn standing<'a>(
        &'a self,
        controller: &'a WorkloadKey,
        owners: &'a OwnerIndex,
    ) -> Standing<'a> {
        let set = owners.node(controller).filter(|_| is_replica_set(controller));
        if set.is_some_and(|set| !set.keeps_pods()) && !self.left_behind.contains(controller) {
            // The pods of one that asks for none are about to go.
            return Standing::Outgoing;
        }
        // No controller ends the pods of one in deletion, whatever becomes of the rollout, and how to end that is no advice.
        let is_held = set.is_some_and(OwnedObject::is_in_deletion);
        let own = self.rollouts.get(controller).filter(|rollout| rollout.has_status && !rollout.keeps_pods());
        let mut standing = match own.map(|rollout| rollout.revision_change.as_ref()) {
            None => Standing::Held { revision: None },
            Some(Some(change)) => Standing::Held { revision: Some(&change.to) },
            Some(None) => return Standing::Outgoing,
        };
        let mut at = controller;
        for _ in 0..=MAX_DEPTH {
            if self.rollouts.get(at).is_some_and(|rollout| rollout.is_unseen) {
                return Standing::Outgoing;
            }
            let Some(owner) = owners.controller(at).filter(|_| *at != self.key) else { break };
            if let Some(rollout) = self.rollouts.get(owner).filter(|_| !is_held) {
                let is_numbered = rollout.numbers_sets && is_replica_set(at);
                let newest = if is_numbered { owners.revision(owner) } else { 0 };
                let is_of_template = !is_numbered || (newest > 0 && owners.revision(at) == newest);
                let is_older = !self.current.contains_key(at) || owners.revision(at) < newest;
                if !rollout.keeps_pods() && (is_older || !is_of_template) {
                    return Standing::Outgoing;
                }
                if is_older && is_numbered {
                    standing = Standing::Older { set: at, owner, is_rolled_out: rollout.is_over };
                }
            }
            at = owner;
        }
        standing
    }
}

/// The `ReplicaSet`s that ask for no pods and have had some for long, and in how many seconds another one is one of them.
fn left_behind(
    all: &BTreeSet<WorkloadKey>,
    (owners, pods): (&OwnerIndex, &PodIndex),
    progress: &mut RolloutProgress,
    now: u32,
) -> (BTreeSet<WorkloadKey>, Option<u32>) {
    let (mut left_behind, mut counts_in) = (BTreeSet::new(), None);
    for set in all.iter().filter(|key| is_replica_set(key)) {
        let asks_for_none = owners.node(set).is_some_and(|node| !node.keeps_pods());
        if !asks_for_none || pods.shapes(set).next().is_none() {
            progress.is_not_left_behind(set);
            continue;
        }
        let left = progress.left_behind_from(set, now).saturating_sub(now);
        if left == 0 {
            left_behind.insert(set.clone());
        } else {
            counts_in = Some(counts_in.map_or(left, |least: u32| least.min(left)));
        }
    }
    (left_behind, counts_in)
}

/// Of each object without a rollout status whose dependents replace each other, the rollout in progress: pods of the earlier
/// ones run, and these ask for them.
fn replaced(
    current: &BTreeMap<WorkloadKey, RolloutId>,
    all: &BTreeSet<WorkloadKey>,
    (owners, pods): (&OwnerIndex, &PodIndex),
) -> BTreeMap<WorkloadKey, UntimedRollout> {
    let mut outdated: BTreeMap<&WorkloadKey, u32> = BTreeMap::new();
    for controller in all.iter().filter(|key| !current.contains_key(*key)) {
        let set = owners.node(controller).filter(|_| is_replica_set(controller));
        // One in deletion is of no rollout: it may be held for ever.
        if set.is_some_and(|set| !set.wants_pods() || set.is_in_deletion()) {
            continue;
        }
        let pods = pods.shapes(controller).map(|(_, pods)| *pods).fold(0, u32::saturating_add);
        if let Some(owner) = owner_of_revision(controller, current, owners).filter(|_| pods > 0) {
            let outdated = outdated.entry(owner).or_default();
            *outdated = outdated.saturating_add(pods);
        }
    }
    let rollout = |(owner, outdated): (&WorkloadKey, u32)| {
        let newest = owners.newest_children(owner).map(|(_, node)| node.revision).max().unwrap_or(0);
        let template = newest.to_string().into();
        (owner.clone(), UntimedRollout { template, outdated, deadline: STALLED_AFTER })
    };
    outdated.into_iter().map(rollout).collect()
}

/// When the oldest living pod of the newest template of an object has started, in Unix seconds; 0 if that is not known, as of
/// a `DaemonSet`, which does not say of which template a pod is.
fn first_start(
    rolled: &WorkloadKey,
    object: Option<&SlimObject>,
    current: &BTreeMap<WorkloadKey, RolloutId>,
    pods: &PodIndex,
) -> u32 {
    let start = |pod: &PodRecord| pod.shown().map(|state| state.since).min();
    let change = object.and_then(SlimObject::revision_change);
    let of_itself = change.into_iter().flat_map(|change| {
        let is_newest = move |pod: &&PodRecord| pod.revision() == Some(&*change.to);
        pods.of_controller(rolled).filter(is_newest)
    });
    let of_sets = current.keys().filter(|set| is_replica_set(set)).flat_map(|set| pods.of_controller(set));
    of_itself.chain(of_sets).filter_map(start).min().unwrap_or(0)
}

/// The nearest owner of a controller of an earlier revision that is of the newest one itself.
fn owner_of_revision<'a>(
    controller: &WorkloadKey,
    current: &BTreeMap<WorkloadKey, RolloutId>,
    owners: &'a OwnerIndex,
) -> Option<&'a WorkloadKey> {
    let above = std::iter::successors(owners.controller(controller), |at| owners.controller(at));
    above.take(MAX_DEPTH).find(|owner| current.contains_key(*owner))
}

/// The `ReplicaSet`s of earlier revisions whose pods stay, each with a rollout of its own.
fn earlier(
    (current, all): (&BTreeMap<WorkloadKey, RolloutId>, &BTreeSet<WorkloadKey>),
    rollouts: &BTreeMap<WorkloadKey, ObjectRollout>,
    owners: &OwnerIndex,
) -> BTreeMap<WorkloadKey, RolloutId> {
    if rollouts.values().all(|rollout| !rollout.is_stalled) {
        return BTreeMap::new();
    }
    let keeps = |set: &&WorkloadKey| {
        is_replica_set(set)
            && !current.contains_key(*set)
            && owners.node(set).is_some_and(OwnedObject::keeps_pods)
            && owner_of_revision(set, current, owners)
                .and_then(|owner| rollouts.get(owner))
                .is_some_and(|rollout| rollout.is_stalled)
    };
    let last = current.values().max().copied().unwrap_or(RolloutId::FIRST);
    let ids = std::iter::successors(Some(last.next()), |id| Some(id.next()));
    all.iter().filter(keeps).cloned().zip(ids).collect()
}
