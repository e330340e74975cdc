//! The pod templates of an object, wherever its kind keeps them.

use super::object::{PodSpec, read_workload};
use super::{Manifest, uncovered};
use crate::report::NoteCode;
use crate::yaml::{Node, Value};
use std::collections::BTreeSet;
use tagwatch_core::kinds::{
    FoundTemplate, TemplatePath, Tree, ValueType, WorkloadKind, find_templates, holds_containers, is_flawed,
    template_path_of, unread_template,
};

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
    if !kind.traits.is_built_in {
        remark_unread(node, api_version, kind.kind(), &found.templates, manifest);
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
    if !specs.is_empty() {
        read_workload(node, api_version, kind.kind(), &specs, manifest);
    }
}

/// Remarks on containers that no path of a custom kind leads to.
fn remark_unread(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    found: &[FoundTemplate<Node<'_, '_>>],
    manifest: &mut Manifest,
) {
    let holding = found.iter().filter(|template| holds_containers(template.template));
    let read: BTreeSet<&str> = holding.map(|template| template.path.as_str()).collect();
    let mut flawed = found.iter().filter(|template| is_flawed(template.template)).peekable();
    if let Some(unread) = uncovered::find_pod_template(node, &read) {
        let mut message = format!(
            "{api_version} {kind} holds containers in {}, where tagwatch knows of no pod template: their images are \
             not judged",
            unread.path
        );
        if let Some(meant) = template_path_of(&unread.path) {
            let question = match flawed.peek() {
                Some(flawed) => format!("; {} is none, did you mean {meant}?", flawed.path),
                None => format!("; templatePath: {meant} in the policy's workloads would read it"),
            };
            message.push_str(&question);
        }
        manifest.remark(unread.at, NoteCode::KindNotCovered, message);
    } else {
        for flawed in flawed {
            let message = format!("{api_version} {kind}: {}", unread_template(Some(&flawed.path), None));
            manifest.remark(flawed.template.position(), NoteCode::KindNotCovered, message);
        }
    }
}
