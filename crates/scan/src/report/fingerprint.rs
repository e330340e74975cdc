//! Fingerprints: names of findings that outlive edits elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tagwatch_core::outcome::Outcome;

use super::FindingEntry;

/// Bytes of the hash that a fingerprint shows.
const LENGTH: usize = 16;

/// Gives out fingerprints for one scan.
///
/// A fingerprint says what is wrong where, in terms of the object: group, kind, namespace and name, type and name
/// of the container, and the rule. Lines, columns, field order, file names and the order of files have no part in
/// it, so it survives reformatting and moving a manifest. Nor has the image, so that a change from one floating
/// tag to another is still the same finding. Findings that are alike in all of this (the same object in two
/// overlays) are numbered: as many of them as before are known, one more is new.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    seen: BTreeMap<String, u32>,
}

impl Fingerprints {
    /// Gives a finding its fingerprint.
    pub(crate) fn name(&mut self, finding: &mut FindingEntry) {
        let first = render(&hash(finding).finalize());
        let number = self.seen.entry(first.clone()).or_default();
        *number += 1;
        finding.fingerprint = match *number {
            1 => first,
            n => render(&hash(finding).chain_update(n.to_be_bytes()).finalize()),
        };
    }
}

fn hash(finding: &FindingEntry) -> Sha256 {
    let place = &finding.place;
    let group = place.api_version.raw().split_once('/').map_or("", |(group, _)| group);
    // A pass is no violation of its rule, so that one does not number the other.
    let verdict = if finding.result == Outcome::Pass { "pass" } else { "violation" };
    let parts = [
        "tagwatch.dev/fingerprint/v1",
        group,
        place.kind.raw(),
        place.namespace.as_ref().map_or("", |namespace| namespace.raw()),
        place.name.raw(),
        place.container_type.as_str(),
        place.container.raw(),
        finding.rule,
        verdict,
    ];
    // Each part is hashed with its length: names in manifests can hold any separator.
    parts.into_iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()).chain_update(part)
    })
}

fn render(hash: &[u8]) -> String {
    hash.iter().take(LENGTH).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
