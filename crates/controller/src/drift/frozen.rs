//! Evidence as it was last told.
//!
//! Numbers and names of pods change with every scaling. They are taken when the digests change, once more when the
//! pods that follow have had a minute to do so, and then stay as they are: else each scaling would write a report.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tagwatch_core::drift::DriftEvidence;

use crate::index::WorkloadKey;

/// How long after a change numbers are taken once more, in seconds.
pub(super) const SETTLES_IN: u32 = 60;

/// What was told of each container, by its place.
#[derive(Debug, Default)]
pub(super) struct Frozen(HashMap<WorkloadKey, BTreeMap<String, Told>>);

#[derive(Debug)]
struct Told {
    /// What the evidence says beside numbers and names.
    signature: String,
    evidence: Arc<DriftEvidence>,
    changed: u32,
    taken: u32,
}

impl Frozen {
    /// The evidence to tell: what was told before, where it says the same but for numbers and names.
    pub(super) fn settle(
        &mut self,
        key: &WorkloadKey,
        place: String,
        new: DriftEvidence,
        now: u32,
    ) -> Arc<DriftEvidence> {
        let signature = signature(&new);
        let told = self.0.entry(key.clone()).or_default();
        if let Some(known) = told.get_mut(&place).filter(|known| known.signature == signature) {
            let due = known.changed.saturating_add(SETTLES_IN);
            if known.taken < due && now >= due {
                known.evidence = Arc::new(new);
                known.taken = now;
            } else {
                known.evidence = Arc::new(aged(&known.evidence, &new));
            }
            return Arc::clone(&known.evidence);
        }
        let evidence = Arc::new(new);
        told.insert(place, Told { signature, evidence: Arc::clone(&evidence), changed: now, taken: now });
        evidence
    }

    /// In how many seconds numbers of a workload are to be taken once more.
    pub(super) fn due_in(&self, key: &WorkloadKey, now: u32) -> Option<u32> {
        let told = self.0.get(key)?.values();
        let due = told.map(|told| (told.taken, told.changed.saturating_add(SETTLES_IN)));
        due.filter(|(taken, due)| taken < due).map(|(_, due)| due.saturating_sub(now).max(1)).min()
    }

    /// Keeps what was told of these places of a workload alone.
    pub(super) fn keep(&mut self, key: &WorkloadKey, places: &[String]) {
        let Some(told) = self.0.get_mut(key) else { return };
        told.retain(|place, _| places.contains(place));
        if told.is_empty() {
            self.0.remove(key);
        }
    }
}

/// What was told, with the time that has passed.
fn aged(told: &DriftEvidence, new: &DriftEvidence) -> DriftEvidence {
    let mut aged = told.clone();
    if let (Some(mixed), Some(now)) = (&mut aged.mixed, &new.mixed) {
        mixed.lasted = now.lasted;
    }
    if let (Some(failure), Some(now)) = (&mut aged.pull_failure, &new.pull_failure) {
        failure.lasted = now.lasted;
    }
    aged
}

fn signature(evidence: &DriftEvidence) -> String {
    let DriftEvidence { moved, mixed, pull_failure, restarted_same_image, other_images, registry } = evidence;
    let digests = |resolutions: &tagwatch_core::drift::Resolutions| {
        let each = resolutions.digests.iter();
        let each = each.map(|found| (found.digest.clone(), found.same.clone(), found.until.is_some()));
        (resolutions.confidence, resolutions.reference.clone(), each.collect::<Vec<_>>())
    };
    format!(
        "{:?}",
        (
            moved.as_ref().map(digests),
            mixed.as_ref().map(|mixed| digests(&mixed.resolutions)),
            pull_failure.as_ref().map(|failure| (failure.reason, failure.image.clone())),
            restarted_same_image,
            other_images,
            registry,
        )
    )
}
