//! Fingerprints: names of findings that outlive edits elsewhere.

use std::collections::HashMap;

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
    seen: HashMap<String, u32>,
}

impl Fingerprints {
    /// Gives a finding with the fingerprint [`of`] the first of its like its own.
    pub(crate) fn number(&mut self, finding: &mut FindingEntry) {
        let number = self.seen.entry(finding.fingerprint.clone()).or_default();
        *number += 1;
        if *number > 1 {
            finding.fingerprint = render(&hash(finding).chain_update(number.to_be_bytes()).finalize());
        }
    }
}

/// The fingerprint of the first finding that is like this one.
pub(super) fn of(finding: &FindingEntry) -> String {
    render(&hash(finding).finalize())
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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    hash.iter().take(LENGTH).flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
