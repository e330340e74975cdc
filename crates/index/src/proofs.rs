//! Proofs as they are stored: which references moved or are likely to have, with the digests that show it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tagwatch_core::drift::{DriftConfidence, MAX_DIGESTS, Platform};
use tagwatch_core::reference::Reference;

use crate::index::Index;
use crate::pods::{MEMORY, PodIndex, ReferenceRecord, Slot, seconds};

/// Most references that are stored; those that are proven to have moved stay, then those seen last.
pub(crate) const MAX_REFERENCES: usize = 1_000;
/// Largest text that is stored. An object in etcd takes 1.5 MiB.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
const DAY: u32 = 24 * 3_600;

/// Everything that is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    references: Vec<Moved>,
}

/// A reference that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Moved {
    reference: String,
    digests: Vec<Digest>,
}

/// A digest that it resolved to, with times in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Digest {
    #[serde(rename = "digest")]
    text: String,
    /// The digest that names the same image, where that is another one.
    #[serde(default, skip_serializing_if = "SameAs::is_none")]
    same_as: SameAs,
    first: u32,
    last: u32,
    /// Empty where nothing is known of the nodes.
    platforms: BTreeSet<String>,
    /// By platform, digests of the reference that a node lists as other images. Earlier versions did not write it, and
    /// took two digests on one platform for proof: what they stored is likely until a node lists both again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    apart_from: BTreeMap<String, BTreeSet<String>>,
}

/// The digest that names the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum SameAs {
    /// By the platform on which that is so.
    On(BTreeMap<String, String>),
    /// As earlier versions wrote it: on every platform of the digest.
    Anywhere(String),
}

impl Default for SameAs {
    fn default() -> Self {
        Self::On(BTreeMap::new())
    }
}

impl SameAs {
    fn is_none(&self) -> bool {
        matches!(self, Self::On(by_platform) if by_platform.is_empty())
    }

    fn on(&self, platform: &str) -> Option<&str> {
        match self {
            Self::On(by_platform) => by_platform.get(platform).map(String::as_str),
            Self::Anywhere(digest) => Some(digest),
        }
    }
}

impl Proofs {
    /// The text of nothing proven.
    pub fn none() -> String {
        Self::render_pods(&PodIndex::default(), 0)
    }

    /// What moved by now, as text of at most 256 KiB: where there is too much, what is proven, then what was seen last. What is
    /// likely is stored too: after a restart it is as likely as before.
    pub fn render(index: &Index, now: Timestamp) -> String {
        Self::render_pods(&index.pods, seconds(now))
    }

    /// Takes over what was stored. A user who may write the object may have written anything: what is no proof is left
    /// out, a digest by itself or a reference of which fewer than two are left. Returns how many references were taken
    /// over, and how many were not.
    pub fn restore(text: &str, index: &mut Index, now: Timestamp) -> (usize, usize) {
        Self::restore_pods(text, &mut index.pods, seconds(now))
    }

    pub(crate) fn render_pods(index: &PodIndex, now: u32) -> String {
        let moved = index.references.moved(&index.same).into_values();
        let mut moved: Vec<(&ReferenceRecord, DriftConfidence)> = moved.collect();
        moved.sort_by_key(|(record, confidence)| Reverse((*confidence, holds_since(record, now))));
        moved.truncate(MAX_REFERENCES);
        let mut moved: Vec<Moved> =
            moved.into_iter().map(|(record, _)| Moved::of(record, index, now)).collect();
        loop {
            let mut references = moved.clone();
            references.sort_by(|one, other| one.reference.cmp(&other.reference));
            // Strings, numbers and lists always serialise.
            let text = serde_json::to_string(&Self { references }).unwrap_or_default();
            if text.len() <= MAX_BYTES || moved.is_empty() {
                return text;
            }
            moved.truncate(moved.len() * 9 / 10);
        }
    }

    pub(crate) fn restore_pods(text: &str, index: &mut PodIndex, now: u32) -> (usize, usize) {
        let Ok(Self { references }) = serde_json::from_str(text) else { return (0, 1) };
        let total = references.len();
        let taken = references
            .iter()
            .take(MAX_REFERENCES)
            .filter(|moved| moved.restore(index, now).is_some())
            .count();
        (taken, total - taken)
    }
}

/// When the last but one of a reference's digests was last seen: the proof ends with it.
fn holds_since(record: &ReferenceRecord, now: u32) -> u32 {
    let mut lasts: Vec<u32> =
        record.slots().map(|slot| if slot.live > 0 { now } else { slot.last }).collect();
    lasts.sort_unstable();
    lasts.iter().rev().nth(1).copied().unwrap_or(0)
}

impl Moved {
    fn of(record: &ReferenceRecord, index: &PodIndex, now: u32) -> Self {
        let digests = record.slots().map(|slot| Digest::of(slot, record, index, now)).collect();
        Self { reference: record.name.to_string(), digests }
    }

    fn restore(&self, index: &mut PodIndex, now: u32) -> Option<()> {
        let reference = Reference::parse(&self.reference).ok()?;
        let is_canonical = reference.digest().is_none() && reference.canonical() == self.reference;
        if !is_canonical || !(2..=MAX_DIGESTS).contains(&self.digests.len()) {
            return None;
        }
        let digests: Vec<(&Digest, Slot)> = self
            .digests
            .iter()
            .filter_map(|digest| Some((digest, digest.slot(&reference, index, now)?)))
            .collect();
        if digests.len() < 2 {
            return None;
        }
        let stored: BTreeSet<&str> = digests.iter().map(|(digest, _)| &*digest.text).collect();
        for (digest, slot) in &digests {
            for name in &digest.platforms {
                let platform =
                    Platform::parse(name).and_then(|platform| index.nodes.intern_platform(&platform));
                let Some(platform) = platform else { continue };
                // Where there is no room, nodes say it again.
                if let Some(same) = digest.same_as.on(name) {
                    let _ = index.same.merge(Some(platform), [&*slot.digest, same]);
                }
                let apart = digest.apart_from.get(name).into_iter().flatten();
                for other in apart.filter(|other| stored.contains(other.as_str())) {
                    let _ = index.same.set_apart(platform, &[[&*slot.digest].into(), [&**other].into()]);
                }
            }
            index.references.restore(&self.reference, slot);
        }
        Some(())
    }
}

impl Digest {
    fn of(slot: &Slot, record: &ReferenceRecord, index: &PodIndex, now: u32) -> Self {
        let ids = || slot.platforms.iter().filter_map(|(platform, _)| *platform);
        let named = || ids().filter_map(|id| Some((id, index.nodes.platform_name(id)?)));
        let same_as = named().filter_map(|(id, name)| {
            let class = index.same.class_of(Some(id), &slot.digest);
            (class != &*slot.digest).then(|| (name.to_owned(), class.to_owned()))
        });
        let platforms = ids().filter_map(|id| index.nodes.platform_name(id));
        let apart_on = |id| -> BTreeSet<String> {
            // Each pair once.
            let others = record.slots().map(|other| &*other.digest).filter(|other| *other < &*slot.digest);
            let apart = others.filter(|other| index.same.are_apart(id, &slot.digest, other));
            apart.map(str::to_owned).collect()
        };
        let apart_from = named().map(|(id, name)| (name.to_owned(), apart_on(id)));
        Self {
            text: slot.digest.to_string(),
            same_as: SameAs::On(same_as.collect()),
            first: slot.first,
            // Of what runs on, a day is near enough: a write for each second would buy nothing.
            last: if slot.live > 0 { now - now % DAY } else { slot.last },
            platforms: platforms.map(str::to_owned).collect(),
            apart_from: apart_from.filter(|(_, apart)| !apart.is_empty()).collect(),
        }
    }

    fn slot(&self, reference: &Reference, index: &mut PodIndex, now: u32) -> Option<Slot> {
        let Self { text, same_as, first, last, platforms, apart_from: _ } = self;
        let is_digest = |digest: &str| Reference::parse(&format!("{}@{digest}", reference.name())).is_ok();
        let is_sane = platforms.iter().all(|platform| same_as.on(platform).is_none_or(is_digest));
        if !is_digest(text) || !is_sane {
            return None;
        }
        let is_over = last.saturating_add(MEMORY) < now;
        let platforms: Vec<Platform> =
            platforms.iter().map(|platform| Platform::parse(platform)).collect::<Option<_>>()?;
        let ids = platforms.iter().map(|platform| index.nodes.intern_platform(platform));
        let mut ids: Vec<_> = ids.map(|id| (id, 0)).collect();
        if ids.is_empty() {
            ids.push((None, 0));
        }
        let slot = Slot {
            digest: text.as_str().into(),
            first: (*first).min(now),
            last: (*last).max(*first).min(now),
            live: 0,
            is_restored: true,
            platforms: ids,
        };
        Some(slot).filter(|_| !is_over)
    }
}

impl PodIndex {
    fn proven(&self) -> impl Iterator<Item = &ReferenceRecord> {
        let moved = self.references.moved(&self.same).into_values();
        moved.filter(|(_, confidence)| *confidence == DriftConfidence::Proven).map(|(record, _)| record)
    }

    /// The references that are proven to have moved, in order, and how many more are likely to have.
    pub(crate) fn moved_references(&self) -> (Vec<Reference>, usize) {
        let moved = self.references.moved(&self.same);
        let likely = moved.values().filter(|(_, confidence)| *confidence == DriftConfidence::Likely).count();
        let proven = self.proven().filter_map(|record| Reference::parse(&record.name).ok()).collect();
        (proven, likely)
    }
}
