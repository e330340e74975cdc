//! Kubernetes objects in YAML trees, and the workloads among them.

mod argo;
mod changes;
mod embedded;
mod flux;
mod forms;
mod helm_release;
mod helm_values;
mod image_entry;
mod image_fields;
mod image_parts;
mod json_patch;
mod kinds;
mod object;
mod patch;
mod pod_spec;
mod prefilter;
mod replacement;
mod search;
mod set_values;
mod templates;
mod texts;
mod transformer;
mod uncovered;
mod unjudged;

use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Namespace, Workload};

use crate::note::NoteCode;
use crate::yaml::{Document, Position};

pub(crate) use changes::{Changes, is_inline, read_chart};
pub(crate) use embedded::{Embedded, count_embedded_images};
pub(crate) use helm_values::{VALUES_KIND, count_default_values, read_file_of_values};
pub(crate) use image_entry::{ImageEntryFields, SetImage};
pub(crate) use object::{Described, add_workload as add_described};
pub(crate) use patch::{DIRECTIVE, has_patch_directive};
pub(crate) use pod_spec::{items as read_items, string as read_string};
pub(crate) use prefilter::Prefilter;
pub(crate) use replacement::read_field as read_replacements;
pub(crate) use search::{Known, MAX_PATHS};
pub(crate) use transformer::{FieldSpec, Transformer, read_inline as read_inline_transformers};
pub(crate) use uncovered::{open_indexes, remark_beside};
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
    /// Configurations of Kustomize's own transformers.
    pub(crate) transformers: Vec<Transformer>,
    /// The number of manifests around, of which this is a text.
    pub(crate) depth: usize,
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
    /// The file of the pull policies, where it is another one: Compose merges files.
    pub(crate) pull_policy_file: Option<UntrustedText>,
}

impl LocatedWorkload {
    /// Whether it is an object of a cluster, which has a namespace: services of Compose and files with values are none.
    pub(crate) fn is_of_cluster(&self) -> bool {
        !self.workload.id.api_version.raw().is_empty()
    }
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
        object::read(document.root(), kinds, &mut manifest);
        manifest
    }

    /// Whether nothing of the document is needed any more.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { workloads, namespaces, remarks, unjudged, transformers, depth: _ } = self;
        workloads.is_empty()
            && namespaces.is_empty()
            && remarks.is_empty()
            && unjudged.is_empty()
            && transformers.is_empty()
    }

    /// Whether all that there is to say is that the document is no Kubernetes object, and which images it names.
    pub(crate) fn is_other_document(&self) -> bool {
        let Self { workloads, namespaces, remarks, unjudged, transformers, depth: _ } = self;
        let is_other = match (remarks.as_slice(), unjudged.as_slice()) {
            ([remark], []) => remark.code == NoteCode::NotKubernetesObject,
            ([], [unjudged]) => matches!(unjudged.reason, Reason::NoObject { .. }),
            _ => false,
        };
        is_other && workloads.is_empty() && namespaces.is_empty() && transformers.is_empty()
    }

    /// Moves everything that has a place in the document.
    pub(crate) fn move_places(&mut self, moved: &dyn Fn(Position) -> Position) {
        let Self { workloads, namespaces: _, remarks, unjudged, transformers, depth: _ } = self;
        for LocatedWorkload { workload: _, places, at, ignore, pull_policy_file: _ } in workloads {
            *at = moved(*at);
            *ignore = ignore.map(|ignore| ignore.map(moved));
            for ContainerPlace { image, pull_policy } in places {
                *image = moved(*image);
                *pull_policy = pull_policy.map(moved);
            }
        }
        for remark in remarks {
            remark.at = moved(remark.at);
        }
        for unjudged in unjudged {
            unjudged.at = moved(unjudged.at);
        }
        for transformer in transformers {
            transformer.move_places(moved);
        }
    }

    /// Adds what another one says.
    fn absorb(&mut self, other: Self) {
        let Self { workloads, namespaces, remarks, unjudged, transformers, depth: _ } = other;
        self.workloads.extend(workloads);
        self.namespaces.extend(namespaces);
        self.remarks.extend(remarks);
        self.unjudged.extend(unjudged);
        self.transformers.extend(transformers);
    }

    pub(crate) fn remark(&mut self, at: Position, code: NoteCode, message: impl Into<String>) {
        self.remarks.push(Remark { at, code, message: message.into() });
    }
}
