//! A kustomization file: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>, as
//! api/types/kustomization.go of kubernetes-sigs/kustomize reads it.

use std::collections::BTreeSet;
use std::path::Path;

use tagwatch_core::kinds::{Kinds, group_of};
use tagwatch_core::workload::WorkloadId;

use super::image::ImageEntry;
use crate::manifest::{
    Changes, ImageEntryFields, Known, Manifest, is_inline, read_chart, read_inline_transformers, read_items,
    read_replacements, read_string, remark_beside,
};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// The names of api/konfig/general.go.
pub(super) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const GROUP: &str = "kustomize.config.k8s.io";

/// The version that Kustomize fills in.
const API_VERSION: &str = "kustomize.config.k8s.io/v1beta1";

const KIND: &str = "Kustomization";

/// Lists with texts that are read.
const INLINE: [&str; 3] = ["generators", "patchesStrategicMerge", "transformers"];

/// Most entries of `images:` that are applied, of one kustomization.
const MAX_IMAGES: usize = 1000;

/// Fields by which Kustomize can change images in ways that a scan does not follow, or not completely.
const NOT_FOLLOWED: [&str; 6] =
    ["configurations", "generators", "helmChartInflationGenerator", "helmCharts", "replacements", "vars"];

/// What a scan follows of a kustomization. Paths are relative to its folder.
#[derive(Debug, Default)]
pub(crate) struct Kustomization {
    /// Files and folders of `resources` and `bases`.
    pub(super) resources: Vec<String>,
    pub(super) components: Vec<String>,
    /// Files and folders of `transformers` and of `generators`.
    pub(super) transformers: Vec<String>,
    pub(super) generators: Vec<String>,
    /// Those of `patches`, `patchesStrategicMerge` and `patchesJson6902`.
    pub(super) changes: Changes,
    /// Patches of transformers that are texts, with the number of the first entry that is applied after them.
    pub(super) transformer_patches: Vec<(String, usize)>,
    /// Entries of `images` and `imageTags`, and those of transformers that are texts.
    pub(super) images: Vec<ImageEntry>,
    /// Whether `kustomize build` can print other images than the files name.
    pub(super) changes_images: bool,
    /// Fields that it has, and that are not followed.
    pub(super) not_followed: BTreeSet<&'static str>,
    /// Position of the document.
    pub(super) at: Option<Position>,
    /// Whether it is a component, which is nothing by itself.
    pub(super) is_component: bool,
    /// `metadata.name`, which is rarely given.
    name: Option<String>,
}

/// Whether Kustomize takes a file by this name for a kustomization.
pub(crate) fn is_kustomization_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known))
}

impl Kustomization {
    /// Whether a document of such a file is one: `apiVersion` and `kind` may be left out.
    pub(crate) fn is_in(root: Node<'_, '_>) -> bool {
        let api_version = root.get("apiVersion").and_then(Node::text);
        root.value() == Value::Mapping && api_version.is_none_or(|version| group_of(version) == GROUP)
    }

    /// Adds a document. The manifest gets what is not judged, and what is too much.
    pub(crate) fn add(&mut self, root: Node<'_, '_>, kinds: &Kinds, manifest: &mut Manifest) {
        self.at.get_or_insert(root.position());
        self.is_component |= root.get("kind").and_then(Node::text) == Some("Component");
        let name = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
        self.name = self.name.take().or_else(|| name.map(str::to_owned));
        let mut texts = |field: &str| list_of_texts(root, field, manifest);
        let mut paths = |field: &str| texts(field).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
        self.resources.extend(["resources", "bases"].into_iter().flat_map(&mut paths));
        self.components.extend(paths("components"));
        for (item, _) in list_of_texts(root, "patchesStrategicMerge", manifest) {
            self.changes.add_strategic_merge(item, "patchesStrategicMerge[*]", kinds, manifest);
        }
        for (field, inside) in
            [("patches", "patches[*].patch"), ("patchesJson6902", "patchesJson6902[*].patch")]
        {
            for item in root.get(field).into_iter().flat_map(Node::items) {
                self.changes.add_patch(item, ("patch", inside), kinds, manifest);
            }
        }
        self.add_images(root, manifest);
        self.add_transformers(root, kinds, manifest);
        for (index, chart) in root.get("helmCharts").into_iter().flat_map(Node::items).enumerate() {
            read_chart(chart, API_VERSION, &format!("helmCharts[{index}]."), manifest);
        }
        read_replacements(root, manifest);
        remark_other_images(root, manifest);
        self.not_followed.extend(NOT_FOLLOWED.iter().filter(|field| root.get(field).is_some()));
        self.changes_images |= !self.changes.is_empty()
            || !self.transformer_patches.is_empty()
            || !self.components.is_empty()
            || !self.images.is_empty()
            || !self.transformers.is_empty()
            || !self.not_followed.is_empty();
    }

    /// Adds what `transformers` and `generators` name. What is a text is read at once.
    fn add_transformers(&mut self, root: Node<'_, '_>, kinds: &Kinds, manifest: &mut Manifest) {
        for field in ["transformers", "generators"] {
            for (index, (item, text)) in list_of_texts(root, field, manifest).into_iter().enumerate() {
                if is_inline(&text) {
                    read_inline_transformers(item, &text, kinds, manifest);
                } else if field == "transformers" {
                    self.transformers.push(text);
                } else {
                    self.generators.push(text);
                }
                for transformer in manifest.transformers.drain(..) {
                    let Changes { patches, has_inline } = transformer.changes;
                    let first_entry = self.images.len();
                    self.transformer_patches.extend(patches.into_iter().map(|path| (path, first_entry)));
                    self.changes.has_inline |= has_inline;
                    let path = format!("{field}[{index}].imageTag");
                    let image = transformer.image.filter(|_| self.images.len() < MAX_IMAGES);
                    self.images
                        .extend(image.map(|(entry, specs)| ImageEntry::of_transformer(entry, path, specs)));
                }
            }
        }
    }

    /// The object as which its entries of images are judged. Without a name it has that of its folder.
    pub(super) fn id(&self, path: Option<&Path>) -> WorkloadId {
        let folder = path.and_then(|path| std::path::absolute(path).ok());
        let folder = folder.as_deref().and_then(Path::parent).and_then(Path::file_name);
        let folder = folder.map(|folder| folder.to_string_lossy().into_owned());
        WorkloadId {
            api_version: API_VERSION.into(),
            kind: KIND.into(),
            namespace: None,
            name: self.name.clone().or(folder).unwrap_or_default().into(),
        }
    }

    fn add_images(&mut self, root: Node<'_, '_>, manifest: &mut Manifest) {
        for field in ["images", "imageTags"] {
            for (index, item) in read_items(root.get(field), field, manifest).enumerate() {
                if self.images.len() == MAX_IMAGES {
                    let message =
                        format!("more than {MAX_IMAGES} entries of images: the others are not applied");
                    return manifest.remark(item.position(), NoteCode::OverBudget, message);
                }
                let path = format!("{field}[{index}]");
                let fields = ImageEntryFields::read(item, &path, manifest);
                self.images.push(ImageEntry::new(fields, path));
            }
        }
    }
}

/// Remarks on images in fields that are not read.
fn remark_other_images(root: Node<'_, '_>, manifest: &mut Manifest) {
    let items = |field: &str| root.get(field).into_iter().flat_map(Node::items);
    let mut read: Vec<Node<'_, '_>> = INLINE.iter().filter_map(|field| root.get(field)).collect();
    read.extend(items("helmCharts").filter_map(|chart| chart.get("valuesInline")));
    let patches = items("patches").chain(items("patchesJson6902")).filter_map(|item| item.get("patch"));
    let mut judged: Vec<Position> = patches.map(Node::position).collect();
    judged.extend(items("images").flat_map(ImageEntryFields::names));
    let known = Known { judged: &judged, elsewhere: &read };
    remark_beside(root, (API_VERSION, KIND), known, |_| None, manifest);
}

/// The texts of a list. Kustomize refuses others, so they get a note.
fn list_of_texts<'d, 't>(
    root: Node<'d, 't>,
    field: &str,
    manifest: &mut Manifest,
) -> Vec<(Node<'d, 't>, String)> {
    let mut texts = Vec::new();
    for (index, item) in read_items(root.get(field), field, manifest).enumerate() {
        let text = read_string(item, format!("{field}[{index}]"), manifest);
        texts.extend(text.map(|text| (item, text.to_owned())));
    }
    texts
}
