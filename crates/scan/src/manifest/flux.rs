//! What Flux changes before it applies manifests: the Kustomization of its kustomize-controller
//! (<https://fluxcd.io/flux/components/kustomize/kustomizations/>), and the post-renderers of a `HelmRelease`
//! (<https://fluxcd.io/flux/components/helm/helmreleases/#post-renderers>).

use tagwatch_core::kinds::{Kinds, group_of};
use tagwatch_core::workload::{Container, IgnoreAnnotations, Origin};

use super::embedded::{Embedded, count_embedded_images};
use super::image_entry::ImageEntryFields;
use super::object::{Described, add_workload};
use super::{ContainerPlace, Manifest, Reason, helm_release, pod_spec, uncovered};
use crate::note::NoteCode;
use crate::yaml::{Node, Position};

const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// Most entries of images that are judged of one object.
const MAX_IMAGES: usize = 1000;

pub(super) fn is_kustomization(api_version: &str, kind: &str) -> bool {
    kind == "Kustomization" && group_of(api_version) == GROUP
}

/// Reads a Kustomization. What its `path` leads to is among the inputs, or is not.
pub(super) fn read_kustomization(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    kinds: &Kinds,
    manifest: &mut Manifest,
) {
    let changes: Vec<_> = node.get("spec").map(|spec| (spec, "spec".to_owned())).into_iter().collect();
    let read = read_changes(node, (api_version, kind), &changes, kinds, manifest);
    uncovered::remark(node, api_version, kind, &read, |_| None, manifest);
}

/// Reads a `HelmRelease`: its values, and what its post-renderers set.
pub(super) fn read_helm_release(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    kinds: &Kinds,
    manifest: &mut Manifest,
) {
    let mut read = helm_release::read(node, api_version, manifest);
    let renderers = node.get("spec").and_then(|spec| spec.get("postRenderers"));
    let changes: Vec<_> = renderers
        .into_iter()
        .flat_map(Node::items)
        .enumerate()
        .filter_map(|(index, renderer)| {
            Some((renderer.get("kustomize")?, format!("spec.postRenderers[{index}].kustomize")))
        })
        .collect();
    read.extend(read_changes(node, (api_version, kind), &changes, kinds, manifest));
    uncovered::remark(node, api_version, kind, &read, |_| None, manifest);
}

/// Judges the entries of images where they stand, and counts the images of patches. Returns the positions of what was read.
fn read_changes(
    node: Node<'_, '_>,
    (api_version, kind): (&str, &str),
    changes: &[(Node<'_, '_>, String)],
    kinds: &Kinds,
    manifest: &mut Manifest,
) -> Vec<Position> {
    let mut read = Vec::new();
    let mut containers: Vec<(Container, ContainerPlace)> = Vec::new();
    for (change, path) in changes {
        let list = format!("{path}.images");
        for (index, entry) in pod_spec::items(change.get("images"), &list, manifest).enumerate() {
            if containers.len() == MAX_IMAGES {
                let message =
                    format!("{list}: more than {MAX_IMAGES} entries of images: the others are not judged");
                manifest.remark(entry.position(), NoteCode::OverBudget, message);
                break;
            }
            read.extend(ImageEntryFields::names(entry));
            let path = format!("{list}[{index}]");
            let fields = ImageEntryFields::read(entry, &path, manifest);
            containers.extend(fields.set_image().map(|image| image.container(path)));
        }
        for item in change.get("patches").into_iter().flat_map(Node::items) {
            let Some((patch, text)) = item.get("patch").and_then(|patch| Some((patch, patch.text()?))) else {
                continue;
            };
            read.push(patch.position());
            let place = Embedded {
                at: patch.position(),
                path: uncovered::open_indexes(&format!("{path}.patches[*].patch")),
                reason: Reason::Patch,
            };
            count_embedded_images(text, place, kinds, manifest);
        }
    }
    if !containers.is_empty() {
        let described = Described {
            containers,
            image_pull_secrets: false,
            template: (IgnoreAnnotations::default(), None),
            origin: Origin::Kustomization,
        };
        add_workload(node, api_version, kind, described, manifest);
    }
    read
}
