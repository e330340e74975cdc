//! Patches of Kustomize: parts of objects that stand elsewhere. They are no manifests.

use super::{Manifest, Reason};
use crate::note::NoteCode;
use crate::yaml::Node;
use tagwatch_core::kinds::Tree;

/// The key of a directive in a strategic merge patch
/// (<https://github.com/kubernetes/community/blob/main/contributors/devel/sig-api-machinery/strategic-merge-patch.md>).
pub(crate) const DIRECTIVE: &str = "$patch";

/// Whether a document is a strategic merge patch by itself. The depth of the tree limits the recursion.
pub(crate) fn has_patch_directive(node: Node<'_, '_>) -> bool {
    Tree::entries(node).into_iter().any(|(key, value)| key == DIRECTIVE || has_patch_directive(value))
        || node.items().any(has_patch_directive)
}

impl Manifest {
    /// Keeps of a patch the containers that name an image: they will run. A container without an image has that of the
    /// object that is patched.
    pub(crate) fn set_aside_as_patch(&mut self) {
        self.remarks.retain(|remark| remark.code != NoteCode::NotKubernetesObject);
        // The kustomization says of what kind it is.
        for unjudged in &mut self.unjudged {
            if matches!(unjudged.reason, Reason::NoObject { .. }) {
                unjudged.reason = Reason::Patch;
            }
        }
        for located in &mut self.workloads {
            let containers = std::mem::take(&mut located.workload.containers).into_iter();
            let places = std::mem::take(&mut located.places);
            let named = containers.zip(places).filter(|(container, _)| !container.image.raw().is_empty());
            (located.workload.containers, located.places) = named.unzip();
        }
        self.workloads.retain(|located| !located.workload.containers.is_empty());
    }
}
