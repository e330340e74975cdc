//! Patches of Kustomize: parts of objects that stand elsewhere. They are no manifests.

use super::{Manifest, Reason, Unjudged};
use crate::note::NoteCode;
use crate::yaml::{Documents, Limits, Node, Position, Source};
use tagwatch_core::kinds::{Kinds, Tree};

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
        for located in &mut self.workloads {
            let containers = std::mem::take(&mut located.workload.containers).into_iter();
            let places = std::mem::take(&mut located.places);
            let named = containers.zip(places).filter(|(container, _)| !container.image.raw().is_empty());
            (located.workload.containers, located.places) = named.unzip();
        }
        self.workloads.retain(|located| !located.workload.containers.is_empty());
    }
}

/// Limits of a patch that is a text in a kustomization.
const INLINE: Limits = Limits { bytes: 1 << 20, documents: 100, nodes: 50_000, depth: 128 };

/// Counts the images in a patch that is a text in a kustomization, at the position of the text.
pub(crate) fn count_patch_images(
    text: &str,
    at: Position,
    path: &str,
    kinds: &Kinds,
    manifest: &mut Manifest,
) {
    let mut count = 0;
    let source = Source::utf8(text);
    for document in Documents::new(&source, INLINE) {
        let document = match document {
            Ok(document) => document,
            Err(located) if located.error.is_fatal() => {
                return manifest.remark(at, NoteCode::OverBudget, format!("{path}: {}", located.error));
            }
            // Kustomize refuses it.
            Err(_) => continue,
        };
        let mut read = Manifest::read(&document, kinds);
        read.set_aside_as_patch();
        let images = read.workloads.iter().map(|located| located.workload.containers.len());
        count += u64::try_from(images.sum::<usize>()).unwrap_or(u64::MAX);
        count += read.unjudged.iter().map(|unjudged| unjudged.count).sum::<u64>();
    }
    if count > 0 {
        manifest.unjudged.push(Unjudged {
            api_version: "".into(),
            kind: "".into(),
            reason: Reason::Patch,
            count,
            paths: vec![path.to_owned()],
            has_more: false,
            at,
        });
    }
}
