//! Evidence as it was last reported.
//!
//! Numbers and names of pods change with every scaling. They are taken when the digests change, once more when the
//! pods that follow have had a minute to do so, and then stay as they are: else each scaling would write a report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tagwatch_core::drift::{
    DriftConfidence, DriftEvidence, PullFailureReason, RegistryAnswer, Resolution, Resolutions,
};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::key::WorkloadKey;

/// How long after a change numbers are taken once more, in seconds.
pub(crate) const CACHE_SETTLES_IN: u32 = 60;

/// What was reported of each container, by its place and image.
#[derive(Debug, Default)]
pub(crate) struct EvidenceCache(HashMap<WorkloadKey, BTreeMap<String, CachedEvidence>>);

#[derive(Debug)]
struct CachedEvidence {
    evidence: Arc<DriftEvidence>,
    changed: u32,
    taken: u32,
}

impl EvidenceCache {
    /// The evidence to report: what was reported before, where it differs in numbers and names alone.
    pub(crate) fn settle(
        &mut self,
        key: &WorkloadKey,
        place: String,
        new: DriftEvidence,
        now: u32,
    ) -> Arc<DriftEvidence> {
        let cached = self.0.entry(key.clone()).or_default();
        let is_alike = |known: &&mut CachedEvidence| Signature::of(&known.evidence) == Signature::of(&new);
        if let Some(known) = cached.get_mut(&place).filter(is_alike) {
            let due = known.changed.saturating_add(CACHE_SETTLES_IN);
            if known.taken < due && now >= due {
                known.evidence = Arc::new(new);
                known.taken = now;
            } else {
                known.evidence = Arc::new(aged(&known.evidence, &new));
            }
            return Arc::clone(&known.evidence);
        }
        let evidence = Arc::new(new);
        cached.insert(place, CachedEvidence { evidence: Arc::clone(&evidence), changed: now, taken: now });
        evidence
    }

    /// In how many seconds numbers of a workload are to be taken once more.
    pub(crate) fn due_in(&self, key: &WorkloadKey, now: u32) -> Option<u32> {
        let cached = self.0.get(key)?.values();
        let due = cached.map(|cached| (cached.taken, cached.changed.saturating_add(CACHE_SETTLES_IN)));
        due.filter(|(taken, due)| taken < due).map(|(_, due)| due.saturating_sub(now).max(1)).min()
    }

    /// Forgets a workload.
    pub(crate) fn forget(&mut self, key: &WorkloadKey) {
        self.0.remove(key);
    }

    /// Forgets all but these places of a workload.
    pub(crate) fn retain(&mut self, key: &WorkloadKey, places: &BTreeSet<String>) {
        let Some(cached) = self.0.get_mut(key) else { return };
        cached.retain(|place, _| places.contains(place));
        if cached.is_empty() {
            self.0.remove(key);
        }
    }
}

/// What was reported, with the time that has passed.
fn aged(known: &DriftEvidence, new: &DriftEvidence) -> DriftEvidence {
    let mut aged = known.clone();
    if let (Some(mixed), Some(now)) = (&mut aged.mixed, &new.mixed) {
        mixed.lasted = now.lasted;
    }
    if let (Some(failure), Some(now)) = (&mut aged.pull_failure, &new.pull_failure) {
        failure.lasted = now.lasted;
    }
    aged
}

/// What evidence says beside numbers and names of pods.
#[derive(PartialEq, Eq)]
struct Signature<'a> {
    moved: Option<Digests<'a>>,
    mixed: Option<Digests<'a>>,
    pull_failure: Option<(PullFailureReason, Option<&'a UntrustedText>)>,
    restarted_same_image: bool,
    other_images: &'a [UntrustedText],
    registry: Option<&'a RegistryAnswer>,
}

#[derive(PartialEq, Eq)]
struct Digests<'a> {
    confidence: DriftConfidence,
    reference: Option<&'a UntrustedText>,
    /// Each with those of the same image, and whether it is over.
    each: Vec<(&'a str, &'a [String], bool)>,
}

impl<'a> Signature<'a> {
    fn of(evidence: &'a DriftEvidence) -> Self {
        let DriftEvidence {
            moved,
            mixed,
            pull_failure,
            restarted_same_image,
            other_images,
            template_image: _,
            older_revision: _,
            registry,
            is_proven_elsewhere: _,
        } = evidence;
        Self {
            moved: moved.as_ref().map(Digests::of),
            mixed: mixed.as_ref().map(|mixed| Digests::of(&mixed.resolutions)),
            pull_failure: pull_failure.as_ref().map(|failure| (failure.reason, failure.image.as_ref())),
            restarted_same_image: *restarted_same_image,
            other_images,
            registry: registry.as_ref(),
        }
    }
}

impl<'a> Digests<'a> {
    fn of(resolutions: &'a Resolutions) -> Self {
        let of = |found: &'a Resolution| (found.digest.as_str(), &*found.same, found.until.is_some());
        let Resolutions { confidence, reference, digests } = resolutions;
        Self {
            confidence: *confidence,
            reference: reference.as_ref(),
            each: digests.iter().map(of).collect(),
        }
    }
}
