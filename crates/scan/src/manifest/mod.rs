//! Kubernetes objects in YAML trees, and the workloads among them.

mod kinds;
mod object;
mod pod_spec;
mod templates;
mod uncovered;

use crate::report::NoteCode;
use crate::yaml::{Document, Position};
use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Namespace, Workload};

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// The workloads, in the order of the document.
    pub(crate) workloads: Vec<LocatedWorkload>,
    /// The namespaces, whose labels and annotations count for workloads in them.
    pub(crate) namespaces: Vec<(UntrustedText, Namespace)>,
    /// What else the reader has to say.
    pub(crate) remarks: Vec<Remark>,
}

/// A workload with the places of what is judged.
#[derive(Debug)]
pub(crate) struct LocatedWorkload {
    pub(crate) workload: Workload,
    /// One for each of [`Workload::containers`], in the same order.
    pub(crate) places: Vec<ContainerPlace>,
    /// Where the workload is written.
    pub(crate) at: Position,
    /// Where exempting annotations are written: on the workload, and on its pod template.
    pub(crate) ignore: [Option<Position>; 2],
}

/// Where a container says what it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContainerPlace {
    /// The image; its key where it is null; the container where there is none.
    pub(crate) image: Position,
    /// The pull policy, where one is written.
    pub(crate) pull_policy: Option<Position>,
}

/// A note on a place in a document.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) at: Position,
    pub(crate) code: NoteCode,
    /// May hold text of the document, so it is escaped where it becomes a note.
    pub(crate) message: String,
}

impl Manifest {
    /// Reads the object of a document, or the objects of a `List`.
    pub(crate) fn read(document: &Document<'_>, kinds: &Kinds) -> Self {
        let mut manifest = Self::default();
        object::read(document.root(), None, kinds, &mut manifest);
        manifest
    }

    fn remark(&mut self, at: Position, code: NoteCode, message: impl Into<String>) {
        self.remarks.push(Remark { at, code, message: message.into() });
    }
}
