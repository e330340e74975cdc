//! Kubernetes objects in YAML trees, and the workloads among them.

mod forms;
mod json_patch;
mod kinds;
mod object;
mod patch;
mod pod_spec;
mod templates;
mod uncovered;
mod unjudged;

use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Namespace, Workload};

use crate::note::NoteCode;
use crate::yaml::{Document, Position};

pub(crate) use patch::{DIRECTIVE, count_patch_images, has_patch_directive};
pub(crate) use uncovered::{MAX_PATHS, open_indexes};
pub(crate) use unjudged::{Reason, Unjudged};

#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// In the order of the document.
    pub(crate) workloads: Vec<LocatedWorkload>,
    /// Namespaces, whose labels and annotations apply to the workloads in them.
    pub(crate) namespaces: Vec<(UntrustedText, Namespace)>,
    pub(crate) remarks: Vec<Remark>,
    /// Images that are not judged.
    pub(crate) unjudged: Vec<Unjudged>,
}

/// A workload, with the positions of the values that rules check.
#[derive(Debug)]
pub(crate) struct LocatedWorkload {
    pub(crate) workload: Workload,
    /// One for each of [`Workload::containers`], in the same order.
    pub(crate) places: Vec<ContainerPlace>,
    pub(crate) at: Position,
    /// Positions of exempting annotations: on the workload, and on its pod template.
    pub(crate) ignore: [Option<Position>; 2],
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct ContainerPlace {
    /// The image; its key if the image is null; the container if it has no image.
    pub(crate) image: Position,
    pub(crate) pull_policy: Option<Position>,
}

/// A note on a position in a document.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) at: Position,
    pub(crate) code: NoteCode,
    /// Untrusted: it can contain text of the document, and is escaped when it becomes a note.
    pub(crate) message: String,
}

impl Manifest {
    /// Reads the object of a document, or the objects of a `List`.
    pub(crate) fn read(document: &Document<'_>, kinds: &Kinds) -> Self {
        let mut manifest = Self::default();
        for located in document.overwritten() {
            manifest.remark(located.at, NoteCode::DuplicateKey, located.error.to_string());
        }
        object::read(document.root(), None, kinds, &mut manifest);
        manifest
    }

    /// Whether nothing of the document is needed any more.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { workloads, namespaces, remarks, unjudged } = self;
        workloads.is_empty() && namespaces.is_empty() && remarks.is_empty() && unjudged.is_empty()
    }

    /// Whether all that there is to say is that the document is no Kubernetes object.
    pub(crate) fn is_other_document(&self) -> bool {
        let Self { workloads, namespaces, remarks, unjudged } = self;
        let is_other = matches!(remarks.as_slice(), [remark] if remark.code == NoteCode::NotKubernetesObject);
        is_other && workloads.is_empty() && namespaces.is_empty() && unjudged.is_empty()
    }

    pub(crate) fn remark(&mut self, at: Position, code: NoteCode, message: impl Into<String>) {
        self.remarks.push(Remark { at, code, message: message.into() });
    }
}
