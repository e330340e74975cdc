//! What each reference resolved to in the cluster: at most eight digests each, with the times and platforms at which
//! they ran, also after their pods are gone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::{DriftConfidence, MAX_DIGESTS, SameImage, divided, images};
use tagwatch_k8s::key::WorkloadKey;

use super::nodes::PlatformId;
use crate::names::NameTable;
use crate::small_map::SmallMap;

/// How long a digest is remembered after its last pod.
pub(crate) const MEMORY: u32 = 30 * 24 * 3_600;
/// References without a pod that are remembered at most: those that are proven to have moved first, then those seen
/// last.
pub(super) const MAX_IDLE: usize = 10_000;

/// Which digests are one image, on which platform.
pub(crate) type SameImages = SameImage<PlatformId>;

/// A reference, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReferenceId(u32);

/// A digest of a reference, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(u8);

impl SlotId {
    /// The least.
    pub(super) const FIRST: Self = Self(0);
}

/// What a reference resolved to.
#[derive(Debug)]
pub(crate) struct ReferenceRecord {
    /// The reference in canonical form, with registry and tag.
    pub(crate) name: Arc<str>,
    /// The digests that it resolved to, at most [`MAX_DIGESTS`]; `None` is a free slot.
    slots: Vec<Option<Slot>>,
    /// The controllers whose pods run it, each with the number of its runs.
    users: SmallMap<WorkloadKey, u32>,
}

/// One digest of a reference.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) digest: Arc<str>,
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// Pods that run it.
    pub(crate) live: u32,
    /// It was stored: that the reference resolved to it is known, whatever pods show now.
    pub(crate) is_restored: bool,
    /// Where it ever ran, with how many run it there now.
    pub(crate) platforms: Vec<(Option<PlatformId>, u32)>,
}

/// Every reference that is known.
#[derive(Debug, Default)]
pub(crate) struct References(NameTable<ReferenceRecord>);

impl References {
    pub(crate) fn find(&self, canonical: &str) -> Option<ReferenceId> {
        self.0.find(canonical).map(ReferenceId)
    }

    pub(crate) fn get(&self, id: ReferenceId) -> Option<&ReferenceRecord> {
        self.0.get(id.0)
    }

    fn get_mut(&mut self, id: ReferenceId) -> Option<&mut ReferenceRecord> {
        self.0.get_mut(id.0)
    }

    /// The number of a reference's digest that was seen from `first` to `last`. `None` where it has eight others that
    /// all run, or were all seen later: they prove enough.
    pub(super) fn claim_slot(
        &mut self,
        canonical: &str,
        digest: &str,
        (first, last): (u32, u32),
    ) -> Option<(ReferenceId, SlotId)> {
        let empty = |name: &Arc<str>| ReferenceRecord {
            name: Arc::clone(name),
            slots: Vec::new(),
            users: SmallMap::default(),
        };
        let id = ReferenceId(self.0.find_or_insert(canonical, empty));
        let slot = self.get_mut(id)?.claim_slot(digest, (first, last))?;
        Some((id, slot))
    }

    /// A run of a controller began.
    pub(super) fn add_user(&mut self, id: ReferenceId, controller: &WorkloadKey) {
        let Some(record) = self.get_mut(id) else { return };
        match record.users.get_mut(controller) {
            Some(runs) => *runs += 1,
            None => record.users.insert(controller.clone(), 1),
        }
    }

    /// A run of a controller ended.
    pub(super) fn remove_user(&mut self, id: ReferenceId, controller: &WorkloadKey) {
        let Some(record) = self.get_mut(id) else { return };
        let Some(runs) = record.users.get_mut(controller) else { return };
        *runs -= 1;
        if *runs == 0 {
            record.users.remove(controller);
        }
    }

    /// A pod runs it. Returns whether it is the first that does, anywhere or on this platform.
    pub(super) fn enter(
        &mut self,
        (id, slot): (ReferenceId, SlotId),
        platform: Option<PlatformId>,
        since: u32,
        now: u32,
    ) -> bool {
        let Some(slot) = self.get_mut(id).and_then(|record| record.at_mut(slot)) else { return false };
        let is_new = slot.note(platform, since, now, 1);
        slot.live += 1;
        is_new || slot.live == 1
    }

    /// A pod no longer runs it. Returns whether it was the last, or the last on an unknown platform.
    pub(super) fn leave(
        &mut self,
        (id, slot): (ReferenceId, SlotId),
        platform: Option<PlatformId>,
        now: u32,
    ) -> bool {
        let Some(slot) = self.get_mut(id).and_then(|record| record.at_mut(slot)) else { return false };
        slot.live = slot.live.saturating_sub(1);
        slot.last = slot.last.max(now);
        if let Some((_, live)) = slot.platforms.iter_mut().find(|(known, _)| *known == platform) {
            *live = live.saturating_sub(1);
        }
        slot.forget_unknown() || slot.live == 0
    }

    /// A pod ran it and has ended. Returns whether no pod was seen to run it before, anywhere or on this platform.
    pub(super) fn note(
        &mut self,
        (id, slot): (ReferenceId, SlotId),
        platform: Option<PlatformId>,
        (first, last): (u32, u32),
    ) -> bool {
        let Some(slot) = self.get_mut(id).and_then(|record| record.at_mut(slot)) else { return false };
        slot.note(platform, first, last, 0)
    }

    /// Takes over what was stored.
    pub(crate) fn restore(&mut self, canonical: &str, stored: &Slot) {
        let times = (stored.first, stored.last);
        let Some((id, slot)) = self.claim_slot(canonical, &stored.digest, times) else { return };
        let Some(slot) = self.get_mut(id).and_then(|record| record.at_mut(slot)) else { return };
        slot.first = slot.first.min(stored.first);
        slot.last = slot.last.max(stored.last);
        slot.is_restored = true;
        for (platform, _) in &stored.platforms {
            if !slot.platforms.iter().any(|(known, _)| known == platform) {
                slot.platforms.push((*platform, 0));
            }
        }
        slot.forget_unknown();
    }

    /// Whether it was stored that a reference resolved to a digest.
    pub(super) fn is_restored(&self, canonical: &str, digest: &str) -> bool {
        let record = self.find(canonical).and_then(|id| self.get(id));
        let mut slots = record.into_iter().flat_map(ReferenceRecord::slots);
        slots.any(|slot| slot.is_restored && &*slot.digest == digest)
    }

    /// Forgets digests that have been gone for too long, and of too many references without a pod those that are not
    /// proven to have moved, then those not used for the longest time. Returns the references that have
    /// other digests now.
    pub(super) fn expire(&mut self, same: &SameImages, now: u32) -> BTreeSet<ReferenceId> {
        let mut changed = BTreeSet::new();
        let mut idle = Vec::new();
        for (id, record) in self.0.iter_mut() {
            let id = ReferenceId(id);
            if record.expire(now) {
                changed.insert(id);
            }
            if record.slots().all(|slot| slot.live == 0) {
                let is_proven = record.moved(same) == Some(DriftConfidence::Proven);
                idle.push((is_proven, record.slots().map(|slot| slot.last).max(), id));
            }
        }
        idle.sort_unstable();
        let surplus = idle.len().saturating_sub(MAX_IDLE);
        for (at, (is_proven, last, id)) in idle.into_iter().enumerate() {
            if last.is_none() || at < surplus {
                self.0.remove(id.0);
                changed.extend(is_proven.then_some(id));
            }
        }
        changed
    }

    /// Every reference that moved, by name, with how sure that is.
    pub(crate) fn moved(&self, same: &SameImages) -> BTreeMap<&str, (&ReferenceRecord, DriftConfidence)> {
        let records = self.0.iter().map(|(_, record)| record);
        records.filter_map(|record| Some((&*record.name, (record, record.moved(same)?)))).collect()
    }

    /// The references that resolved to one of these digests, and to another one.
    pub(super) fn with_digests(&self, digests: &BTreeSet<Arc<str>>) -> BTreeSet<ReferenceId> {
        let has = |record: &ReferenceRecord| {
            record.has_several() && record.slots().any(|slot| digests.contains(&slot.digest))
        };
        self.0.iter().filter(|(_, record)| has(record)).map(|(id, _)| ReferenceId(id)).collect()
    }

    /// Every digest that any reference resolved to.
    pub(super) fn digests(&self) -> HashSet<&str> {
        self.0.iter().flat_map(|(_, record)| record.slots()).map(|slot| &*slot.digest).collect()
    }

    /// Every reference that runs somewhere.
    pub(crate) fn running(&self) -> impl Iterator<Item = &str> {
        let running =
            self.0.iter().map(|(_, record)| record).filter(|record| record.slots().any(|slot| slot.live > 0));
        running.map(|record| &*record.name)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl ReferenceRecord {
    /// The controllers whose pods run it, in order.
    pub(super) fn users(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.users.iter().map(|(controller, _)| controller)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    /// Its digests with their numbers.
    pub(crate) fn numbered_slots(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        (0..).map(SlotId).zip(&self.slots).filter_map(|(id, slot)| Some((id, slot.as_ref()?)))
    }

    pub(crate) fn at(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(usize::from(id.0))?.as_ref()
    }

    fn at_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// Whether it resolved to several digests, of one image or of more.
    pub(super) fn has_several(&self) -> bool {
        self.slots().nth(1).is_some()
    }

    /// Whether it resolved to several images.
    pub(crate) fn moved(&self, same: &SameImages) -> Option<DriftConfidence> {
        self.has_several().then(|| divided(same, self.seen())).flatten()
    }

    /// Its digests, each with the one that names the same image.
    pub(crate) fn images<'a>(&'a self, same: &SameImages) -> BTreeMap<&'a str, &'a str> {
        images(same, self.seen())
    }

    /// Each digest with each platform on which it ran.
    fn seen(&self) -> impl Iterator<Item = (&str, Option<PlatformId>)> {
        self.slots().flat_map(|slot| slot.platforms.iter().map(|(platform, _)| (&*slot.digest, *platform)))
    }

    fn claim_slot(&mut self, digest: &str, (first, last): (u32, u32)) -> Option<SlotId> {
        let known =
            self.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| &*slot.digest == digest));
        let at = known.or_else(|| self.take_free_slot()).or_else(|| self.oldest_idle(last))?;
        if known.is_none() {
            let digest = digest.into();
            *self.slots.get_mut(at)? =
                Some(Slot { digest, first, last, live: 0, is_restored: false, platforms: Vec::new() });
        }
        u8::try_from(at).ok().map(SlotId)
    }

    fn take_free_slot(&mut self) -> Option<usize> {
        let free = self.slots.iter().position(Option::is_none);
        if free.is_some() || self.slots.len() == MAX_DIGESTS {
            return free;
        }
        if self.slots.is_empty() {
            // Most references resolve to one digest.
            self.slots.reserve_exact(1);
        }
        self.slots.push(None);
        Some(self.slots.len() - 1)
    }

    /// Of the digests that no pod has run since, the one seen longest ago.
    fn oldest_idle(&self, since: u32) -> Option<usize> {
        let idle = |(at, slot): (usize, &Option<Slot>)| {
            let idle = slot.as_ref().filter(|slot| slot.live == 0 && slot.last <= since);
            idle.map(|slot| (slot.last, at))
        };
        self.slots.iter().enumerate().filter_map(idle).min().map(|(_, at)| at)
    }

    fn expire(&mut self, now: u32) -> bool {
        let before = self.slots().count();
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|slot| slot.live == 0 && slot.last.saturating_add(MEMORY) < now) {
                *slot = None;
            }
        }
        self.slots().count() != before
    }
}

impl Slot {
    /// Returns whether it was not seen on this platform before.
    fn note(&mut self, platform: Option<PlatformId>, first: u32, last: u32, live: u32) -> bool {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        if let Some((_, count)) = self.platforms.iter_mut().find(|(known, _)| *known == platform) {
            *count += live;
            return false;
        }
        self.platforms.reserve_exact(1);
        self.platforms.push((platform, live));
        // Of a pod that has ended on an unknown node, that is no news where others are known.
        !(self.forget_unknown() && platform.is_none())
    }

    /// What ran on an unknown node is known better by now, where nothing runs there any more. Returns whether
    /// there was such a node.
    fn forget_unknown(&mut self) -> bool {
        let known = self.platforms.len();
        if known > 1 {
            self.platforms.retain(|(platform, live)| platform.is_some() || *live > 0);
        }
        self.platforms.len() < known
    }
}
