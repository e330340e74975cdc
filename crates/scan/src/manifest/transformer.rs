//! Configuration of the transformers and generators that are part of Kustomize, which kustomizations name under `transformers`
//! and `generators`: plugin/builtin of kubernetes-sigs/kustomize. They are no objects of a cluster.

use tagwatch_core::kinds::Kinds;
use tagwatch_core::workload::WorkloadId;

use super::changes::{self, Changes};
use super::image_entry::ImageEntryFields;
use super::object::{self, identity};
use super::search::Known;
use super::uncovered;
use super::{Manifest, pod_spec, replacement, texts};
use crate::note::NoteCode;
use crate::yaml::{Documents, Node, Position, Source};

/// The version of what is part of Kustomize: `BuiltinPluginApiVersion` in api/konfig/general.go.
pub(super) const API_VERSION: &str = "builtin";

/// Kinds whose configuration leads to images.
const KINDS: [&str; 6] = [
    "HelmChartInflationGenerator",
    "ImageTagTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "ReplacementTransformer",
];

/// What a transformer changes.
#[derive(Debug)]
pub(crate) struct Transformer {
    pub(crate) id: WorkloadId,
    pub(crate) at: Position,
    pub(crate) changes: Changes,
    /// The entry of an `ImageTagTransformer`, and the fields to which it is applied beside `containers` and
    /// `initContainers`.
    pub(crate) image: Option<(ImageEntryFields, Vec<FieldSpec>)>,
}

/// A field of the objects of a kind: api/types/fieldspec.go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// Its path, with dots and without marks of lists.
    pub(crate) path: String,
    group: Option<String>,
    version: Option<String>,
    kind: Option<String>,
}

impl FieldSpec {
    fn read(node: Node<'_, '_>) -> Option<Self> {
        let text = |field: &str| node.get(field).and_then(Node::text).filter(|text| !text.is_empty());
        Some(Self {
            path: text("path")?.replace('/', ".").replace("[]", ""),
            group: text("group").map(str::to_owned),
            version: text("version").map(str::to_owned),
            kind: text("kind").map(str::to_owned),
        })
    }

    /// Whether it is a field of an object. What it leaves out is any.
    pub(crate) fn is_of(&self, id: &WorkloadId) -> bool {
        let api_version = id.api_version.raw();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        [(&self.group, group), (&self.version, version), (&self.kind, id.kind.raw())]
            .into_iter()
            .all(|(wanted, found)| wanted.as_ref().is_none_or(|wanted| wanted == found))
    }
}

/// Whether this is such a configuration, and leads to images.
pub(super) fn is_transformer(api_version: &str, kind: &str) -> bool {
    api_version == API_VERSION && KINDS.contains(&kind)
}

pub(super) fn read(node: Node<'_, '_>, kind: &str, kinds: &Kinds, manifest: &mut Manifest) {
    remark_other_images(node, kind, manifest);
    let mut changes = Changes::default();
    let mut image = None;
    match kind {
        "PatchTransformer" => changes.add_patch(node, ("patch", "patch"), kinds, manifest),
        "PatchJson6902Transformer" => changes.add_patch(node, ("jsonOp", "jsonOp"), kinds, manifest),
        "PatchStrategicMergeTransformer" => {
            for item in pod_spec::items(node.get("paths"), "paths", manifest) {
                changes.add_strategic_merge(item, "paths[*]", kinds, manifest);
            }
            if let Some(patches) = node.get("patches") {
                changes.add_inline(patches, "patches", kinds, manifest);
            }
        }
        "ImageTagTransformer" => {
            image = node.get("imageTag").map(|entry| {
                let fields = ImageEntryFields::read(entry, "imageTag", manifest);
                let specs = node.get("fieldSpecs").into_iter().flat_map(Node::items);
                (fields, specs.filter_map(FieldSpec::read).collect())
            });
        }
        "ReplacementTransformer" => replacement::read_field(node, manifest),
        // HelmChartInflationGenerator.
        _ => return changes::read_chart(node, API_VERSION, "", manifest),
    }
    let id = identity(node, API_VERSION, kind, manifest);
    manifest.transformers.push(Transformer { id, at: node.position(), changes, image });
}

/// Remarks on images in fields that are not read.
fn remark_other_images(node: Node<'_, '_>, kind: &str, manifest: &mut Manifest) {
    let texts = ["patch", "jsonOp", "patches"].into_iter().filter_map(|field| node.get(field));
    let judged: Vec<Position> = texts.map(Node::position).collect();
    let read: Vec<Node<'_, '_>> =
        ["paths", "valuesInline"].into_iter().filter_map(|field| node.get(field)).collect();
    let known = Known { judged: &judged, elsewhere: &read };
    uncovered::remark_beside(node, (API_VERSION, kind), known, |_| None, manifest);
}

/// Reads the configurations in a text of a kustomization. What they say is placed at the text.
pub(crate) fn read_inline(node: Node<'_, '_>, text: &str, kinds: &Kinds, manifest: &mut Manifest) {
    let at = node.position();
    let source = Source::utf8(text);
    for document in Documents::new(&source, texts::limits(manifest.depth)) {
        let document = match document {
            Ok(document) => document,
            Err(located) => {
                let code =
                    if located.error.is_fatal() { NoteCode::OverBudget } else { NoteCode::InvalidYaml };
                manifest.remark(at, code, located.error.to_string());
                continue;
            }
        };
        let mut inner = Manifest { depth: manifest.depth + 1, ..Manifest::default() };
        object::read(document.root(), kinds, &mut inner);
        inner.move_places(&|_| at);
        manifest.absorb(inner);
    }
}

impl Transformer {
    pub(super) fn move_places(&mut self, moved: &dyn Fn(Position) -> Position) {
        self.at = moved(self.at);
        if let Some((fields, _)) = &mut self.image {
            fields.move_places(moved);
        }
    }
}
