//! The pod templates of an object, wherever its kind keeps them.

use tagwatch_core::kinds::{
    FoundTemplate, TemplatePath, Tree, ValueType, WorkloadKind, find_templates, is_flawed, unread_template,
};

use super::object::{ANNOTATION_PREFIX, PodSpec, read_workload};
use super::search::Known;
use super::{LocatedWorkload, Manifest, image_fields, uncovered};
use crate::note::NoteCode;
use crate::yaml::{Keys, Node, Position, Value};

impl Tree for Node<'_, '_> {
    fn value_type(self) -> ValueType {
        match self.value() {
            Value::Null => ValueType::Null,
            Value::Mapping => ValueType::Mapping,
            Value::Sequence => ValueType::List,
            other => ValueType::Other(other.type_name()),
        }
    }

    fn field(self, name: &str) -> Option<Self> {
        self.get(name)
    }

    fn items(self) -> Vec<Self> {
        Node::items(self).collect()
    }

    fn entries(self) -> Vec<(String, Self)> {
        self.merged_entries().into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// What is kept of an object of a built-in kind.
pub(super) const READ: Keys = Keys { is_needed: is_read, words: &image_fields::WORDS };

/// Whether a field, or an annotation, may be looked for in an object of a built-in kind without images at other places: at the
/// root, on the way to a pod template, in what [`read_workload`] reads, in mappings that name an image by its parts, and among
/// annotations that name images.
fn is_read(key: &str) -> bool {
    matches!(
        key,
        "annotations"
            | "apiVersion"
            | "containers"
            | "digest"
            | "ephemeralContainers"
            | "generateName"
            | "image"
            | "imagePullPolicy"
            | "imagePullSecrets"
            | "initContainers"
            | "jobTemplate"
            | "kind"
            | "metadata"
            | "name"
            | "namespace"
            | "pullPolicy"
            | "reference"
            | "restartPolicy"
            | "spec"
            | "tag"
            | "template"
            | "version"
            | "volumes"
    ) || key.starts_with(ANNOTATION_PREFIX)
        || uncovered::may_be_of_image(key)
}

/// Reads an object by the template paths of its kind. Containers outside these paths get a note.
pub(super) fn read(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &WorkloadKind,
    paths: &[TemplatePath],
    manifest: &mut Manifest,
) {
    let found = find_templates(node, paths);
    for mismatch in &found.mismatches {
        manifest.remark(mismatch.found.position(), NoteCode::InvalidField, mismatch.message());
    }
    let mut specs = Vec::new();
    for found in &found.templates {
        let path = found.pod_spec_path();
        let Some(spec) = found.template.get("spec").filter(|spec| spec.value() != Value::Null) else {
            continue;
        };
        if spec.value() == Value::Mapping {
            // A Pod is no template: its annotations are read as its own.
            let template = (!found.path.is_empty()).then_some(found.template);
            specs.push(PodSpec { template, spec, path });
        } else {
            let message = format!("{path} must be a mapping, found a {}", spec.value().type_name());
            manifest.remark(spec.position(), NoteCode::InvalidField, message);
        }
    }
    let before = manifest.workloads.len();
    if !specs.is_empty() {
        read_workload(node, api_version, kind.kind(), &specs, manifest);
    }
    let judged = judged(manifest.workloads.get(before));
    if kind.traits.is_built_in && !uncovered::may_name_others(node, judged.len()) {
        return;
    }
    let known = Known { judged: &judged, elsewhere: &[] };
    if kind.traits.is_built_in {
        let hint = |image: &str| hint_of_built_in(image, paths);
        uncovered::remark_beside(node, (api_version, kind.kind()), known, hint, manifest);
    } else {
        remark_unread(node, (api_version, kind.kind()), &found.templates, known, manifest);
    }
}

/// Where the images are that a workload names, each once: an alias of a container is at the same place.
fn judged(workload: Option<&LocatedWorkload>) -> Vec<Position> {
    let Some(LocatedWorkload { workload, places, .. }) = workload else { return Vec::new() };
    let named =
        workload.containers.iter().zip(places).filter(|(container, _)| !container.image.raw().is_empty());
    let mut judged: Vec<Position> = named.map(|(_, place)| place.image).collect();
    judged.sort_unstable();
    judged.dedup();
    judged
}

/// Where a built-in kind has its containers, for an image in another field.
fn hint_of_built_in(image: &str, paths: &[TemplatePath]) -> Option<String> {
    let is_of_metadata = image.split('.').any(|field| field == "metadata");
    let path = paths.first().filter(|_| image.ends_with("image") && !is_of_metadata)?;
    Some(format!("; containers of this kind are in {}", path.pod_spec()))
}

/// Remarks on images that no path of a custom kind leads to, and on paths that lead to no pod template.
fn remark_unread<'d, 't>(
    node: Node<'d, 't>,
    (api_version, kind): (&str, &str),
    found: &[FoundTemplate<Node<'_, '_>>],
    known: Known<'_, 'd, 't>,
    manifest: &mut Manifest,
) {
    let mut flawed = found.iter().filter(|template| is_flawed(template.template)).peekable();
    let before = manifest.unjudged.len();
    let hint = |image: &str| match (flawed.peek(), uncovered::containing_template(image)) {
        (Some(flawed), Some(meant)) => Some(format!(
            ", where tagwatch knows of no pod template; {} is none, did you mean {meant}?",
            flawed.path
        )),
        (Some(flawed), None) => Some(format!("; {}", unread_template(Some(&flawed.path), None))),
        (None, _) => uncovered::declare_hint(image),
    };
    uncovered::remark_beside(node, (api_version, kind), known, hint, manifest);
    if manifest.unjudged.len() == before {
        for flawed in flawed {
            let message = format!("{api_version} {kind}: {}", unread_template(Some(&flawed.path), None));
            manifest.remark(flawed.template.position(), NoteCode::KindNotCovered, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use tagwatch_core::kinds::{TemplateStep, built_in};

    use super::*;

    #[test]
    fn every_field_on_the_way_to_a_pod_template_of_a_built_in_kind_is_read() {
        let versions = built_in().iter().flat_map(|kind| &kind.versions);
        let paths: Vec<&TemplatePath> = versions.flat_map(|version| &version.templates).collect();
        assert!(paths.len() > 5);
        for step in paths.iter().flat_map(|path| path.steps()) {
            let TemplateStep::Field(name) = step else { panic!("no pruned tree holds all of {step:?}") };
            assert!(is_read(name), "{name}");
        }
    }
}
