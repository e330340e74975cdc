//! A fix as a part of a manifest.

use super::{comment, heading};
use crate::remedy::Remedy;
use crate::snapshot::WorkloadIssue;

/// The part of the manifest that changes, as YAML.
pub(super) fn patch(issue: WorkloadIssue<'_>, remedy: &Remedy) -> String {
    let mut patch = heading(issue) + &comment(remedy.title);
    if let Some(note) = &remedy.note {
        patch.push_str(&comment(note));
    }
    patch.push_str("# Merge this into the manifest.\n");
    if remedy.patch.contains("<digest>") {
        patch.push_str("# Replace <digest> with the digest that the tag means now; fix.sh finds it out.\n");
    }
    patch + &remedy.patch
}
