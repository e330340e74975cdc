//! A fix as a part of a manifest.

use super::{comment, heading, short};
use crate::remedy::Remedy;
use crate::snapshot::WorkloadIssue;

/// The part of the manifest that changes, as YAML.
pub(super) fn patch(issue: WorkloadIssue<'_>, remedy: &Remedy) -> String {
    let mut patch = heading(issue) + &comment(remedy.title);
    if let Some(note) = &remedy.note {
        patch.push_str(&comment(note));
    }
    // A strategic merge patch has no tests (k8s.io/apimachinery/pkg/util/strategicpatch); `metadata.resourceVersion` would
    // fail with every status that a controller writes.
    let image = short(issue.issue.image.raw());
    patch.push_str(&comment(&format!(
        "Merge this into the manifest. A merge cannot test what it replaces: look first that the image is still {image}."
    )));
    if remedy.patch.contains("<digest>") {
        patch.push_str("# Replace <digest> with the digest that the tag means now; fix.sh finds it out.\n");
    }
    patch + &remedy.patch
}
