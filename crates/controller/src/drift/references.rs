//! What each reference resolved to in the cluster: at most eight digests each, with the times and platforms at which
//! they ran, also after their pods are gone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::{DriftConfidence, MAX_DIGESTS, SameImage, divided, images};

use super::nodes::PlatformId;

/// How long a digest is remembered after its last pod.
pub(super) const MEMORY: u32 = 30 * 24 * 3_600;
/// References without a pod that are remembered at most: those that are proven to have moved first, then those seen
/// last.
pub(super) const MAX_IDLE: usize = 10_000;

/// Which digests are one image, on which platform.
pub(super) type Same = SameImage<PlatformId>;

/// A reference, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ReferenceId(u32);

/// A digest of a reference, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotId(u8);

/// What a reference resolved to.
#[derive(Debug)]
pub(super) struct Record {
    /// The canonical text.
    pub(super) name: Arc<str>,
    slots: [Option<Slot>; MAX_DIGESTS],
}

/// One digest of a reference.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) digest: Arc<str>,
    pub(super) first: u32,
    pub(super) last: u32,
    /// Pods that run it.
    pub(super) live: u32,
    /// Where it ever ran, with how many run it there now.
    pub(super) platforms: Vec<(Option<PlatformId>, u32)>,
}

/// Every reference that is known.
#[derive(Debug, Default)]
pub(super) struct References {
    ids: HashMap<Arc<str>, ReferenceId>,
    records: Vec<Option<Record>>,
    free: Vec<ReferenceId>,
}

impl References {
    pub(super) fn find(&self, canonical: &str) -> Option<ReferenceId> {
        self.ids.get(canonical).copied()
    }

    pub(super) fn get(&self, id: ReferenceId) -> Option<&Record> {
        self.records.get(usize::try_from(id.0).ok()?)?.as_ref()
    }

    fn get_mut(&mut self, id: ReferenceId) -> Option<&mut Record> {
        self.records.get_mut(usize::try_from(id.0).ok()?)?.as_mut()
    }

    /// The number of a reference's digest that was seen from `first` to `last`. `None` where it has eight others that
    /// all run, or were all seen later: they prove enough.
    pub(super) fn slot(
        &mut self,
        canonical: &str,
        digest: &str,
        (first, last): (u32, u32),
    ) -> Option<(ReferenceId, SlotId)> {
        let id = self.find(canonical).unwrap_or_else(|| self.insert(canonical));
        let slot = self.get_mut(id)?.slot(digest, (first, last))?;
        Some((id, slot))
    }

    fn insert(&mut self, canonical: &str) -> ReferenceId {
        let name: Arc<str> = canonical.into();
        let record = Record { name: Arc::clone(&name), slots: Default::default() };
        let id = self.free.pop().unwrap_or_else(|| {
            self.records.push(None);
            ReferenceId(u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(place) = usize::try_from(id.0).ok().and_then(|at| self.records.get_mut(at)) {
            *place = Some(record);
        }
        self.ids.insert(name, id);
        id
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

    /// A pod no longer runs it. Returns whether it was the last, or the last of which nobody knows the platform.
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

    /// A pod ran it and has ended. Returns whether nobody was seen to run it before, anywhere or on this platform.
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
    pub(super) fn restore(&mut self, canonical: &str, stored: &Slot) {
        let times = (stored.first, stored.last);
        let Some((id, slot)) = self.slot(canonical, &stored.digest, times) else { return };
        let Some(slot) = self.get_mut(id).and_then(|record| record.at_mut(slot)) else { return };
        slot.first = slot.first.min(stored.first);
        slot.last = slot.last.max(stored.last);
        for (platform, _) in &stored.platforms {
            if !slot.platforms.iter().any(|(known, _)| known == platform) {
                slot.platforms.push((*platform, 0));
            }
        }
        slot.forget_unknown();
    }

    /// Forgets digests that have been gone for too long, and of too many references without a pod those that are not
    /// proven to have moved, then those that nobody has used for the longest time. Returns the references that have
    /// other digests now.
    pub(super) fn expire(&mut self, same: &Same, now: u32) -> BTreeSet<ReferenceId> {
        let mut changed = BTreeSet::new();
        let mut idle = Vec::new();
        let ids = (0..).map(ReferenceId);
        for (id, record) in ids.zip(&mut self.records) {
            let Some(record) = record else { continue };
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
                self.remove(id);
                changed.extend(is_proven.then_some(id));
            }
        }
        changed
    }

    fn remove(&mut self, id: ReferenceId) {
        let Some(place) = usize::try_from(id.0).ok().and_then(|at| self.records.get_mut(at)) else { return };
        if let Some(record) = place.take() {
            self.ids.remove(&record.name);
            self.free.push(id);
        }
    }

    /// Every reference that moved, by name, with how sure that is.
    pub(super) fn moved(&self, same: &Same) -> BTreeMap<&str, (&Record, DriftConfidence)> {
        let records = self.records.iter().flatten();
        records.filter_map(|record| Some((&*record.name, (record, record.moved(same)?)))).collect()
    }

    /// The references that resolved to one of these digests.
    pub(super) fn with_digests(&self, digests: &BTreeSet<Arc<str>>) -> BTreeSet<ReferenceId> {
        let has = |record: &Record| record.slots().any(|slot| digests.contains(&slot.digest));
        let ids = (0..).map(ReferenceId).zip(&self.records);
        ids.filter(|(_, record)| record.as_ref().is_some_and(has)).map(|(id, _)| id).collect()
    }

    /// Every digest that any reference resolved to.
    pub(super) fn digests(&self) -> HashSet<&str> {
        self.records.iter().flatten().flat_map(Record::slots).map(|slot| &*slot.digest).collect()
    }

    /// Every reference that runs somewhere.
    pub(super) fn running(&self) -> impl Iterator<Item = &str> {
        let running = self.records.iter().flatten().filter(|record| record.slots().any(|slot| slot.live > 0));
        running.map(|record| &*record.name)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }
}

impl Record {
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    pub(super) fn at(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(usize::from(id.0))?.as_ref()
    }

    fn at_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// Whether it resolved to several images.
    pub(super) fn moved(&self, same: &Same) -> Option<DriftConfidence> {
        self.slots().nth(1)?;
        divided(same, self.seen())
    }

    /// Its digests, each with the one that stands for the same image.
    pub(super) fn images<'a>(&'a self, same: &Same) -> BTreeMap<&'a str, &'a str> {
        images(same, self.seen())
    }

    /// Each digest with each platform on which it ran.
    fn seen(&self) -> impl Iterator<Item = (&str, Option<PlatformId>)> {
        self.slots().flat_map(|slot| slot.platforms.iter().map(|(platform, _)| (&*slot.digest, *platform)))
    }

    fn slot(&mut self, digest: &str, (first, last): (u32, u32)) -> Option<SlotId> {
        let known =
            self.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| &*slot.digest == digest));
        let at = known
            .or_else(|| self.slots.iter().position(Option::is_none))
            .or_else(|| self.oldest_idle(last))?;
        if known.is_none() {
            let digest = digest.into();
            *self.slots.get_mut(at)? = Some(Slot { digest, first, last, live: 0, platforms: Vec::new() });
        }
        u8::try_from(at).ok().map(SlotId)
    }

    /// Of the digests that nobody has run since, the one seen longest ago.
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
        self.platforms.push((platform, live));
        // Of a pod that has ended on a node that nobody knows, that is no news where others are known.
        !(self.forget_unknown() && platform.is_none())
    }

    /// What ran on a node that nobody knew is known better by now, where nothing runs there any more. Returns whether
    /// there was such a node.
    fn forget_unknown(&mut self) -> bool {
        let known = self.platforms.len();
        if known > 1 {
            self.platforms.retain(|(platform, live)| platform.is_some() || *live > 0);
        }
        self.platforms.len() < known
    }
}
