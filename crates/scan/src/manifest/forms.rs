//! Kinds that describe containers in a form of their own, such as workflows and tasks.

use tagwatch_core::kinds::{ContainerSchema, FoundContainer, find_containers};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, IgnoreAnnotations, Origin};

use super::object::{Described, add_workload};
use super::pod_spec::read_container;
use super::{ContainerPlace, Manifest, Reason, Unjudged, uncovered};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

pub(super) fn read(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    schema: &'static ContainerSchema,
    manifest: &mut Manifest,
) {
    let found = find_containers(node, schema);
    for mismatch in &found.mismatches {
        manifest.remark(mismatch.found.position(), NoteCode::InvalidField, mismatch.message());
    }
    let (mut containers, mut read) = (Vec::new(), Vec::new());
    for found in &found.containers {
        let Some((container, place)) = read_found(found, manifest) else { continue };
        read.push(place.image);
        if schema.is_parameterized(container.image.raw()) {
            manifest.unjudged.push(parameterized(api_version, kind, &container, place.image));
        } else {
            containers.push((container, place));
        }
    }
    uncovered::remark(node, api_version, kind, &read, |_| None, manifest);
    if !containers.is_empty() {
        let described = Described {
            containers,
            image_pull_secrets: found.pull_secrets.iter().any(|secrets| secrets.items().len() > 0),
            template: (IgnoreAnnotations::default(), None),
            origin: Origin::Manifest,
        };
        add_workload(node, api_version, kind, described, manifest);
    }
}

/// A container with what it takes from its defaults. `None` where another place is judged for it.
fn read_found(
    found: &FoundContainer<Node<'_, '_>>,
    manifest: &mut Manifest,
) -> Option<(Container, ContainerPlace)> {
    let item = found.container;
    let container_type = found.place.container_type;
    let (mut container, mut place) = read_container(item, &found.path, container_type, manifest)?;
    container.name = name(found);
    let is_set =
        |node: Node<'_, '_>, field: &str| node.get(field).is_some_and(|value| value.value() != Value::Null);
    let defaults = found.defaults.and_then(|defaults| read_defaults(defaults, container_type));
    if let Some((default, at)) = defaults {
        if container.image.raw().is_empty() && !default.image.raw().is_empty() {
            // With the same pull policy it is the same as the default, which is judged in its own place.
            container.pull_policy.as_ref()?;
            (container.image, place.image) = (default.image, at.image);
        }
        if container.pull_policy.is_none() {
            (container.pull_policy, place.pull_policy) = (default.pull_policy, at.pull_policy);
        }
    }
    let is_elsewhere =
        found.is_partial || found.place.reference_field.is_some_and(|field| is_set(item, field));
    (!container.image.raw().is_empty() || !is_elsewhere).then_some((container, place))
}

/// The defaults of a container. What is wrong with them is said where they are read for themselves.
fn read_defaults(
    defaults: Node<'_, '_>,
    container_type: ContainerType,
) -> Option<(Container, ContainerPlace)> {
    read_container(defaults, "", container_type, &mut Manifest::default())
}

/// Its own name, that of its place, that of the nearest mapping around it that has one, or the field that holds it.
fn name(found: &FoundContainer<Node<'_, '_>>) -> UntrustedText {
    let name = |node: Node<'_, '_>| {
        node.get("name").and_then(Node::text).filter(|name| !name.is_empty()).map(UntrustedText::from)
    };
    let field = || found.path.rsplit('.').next().unwrap_or_default().into();
    name(found.container)
        .or_else(|| found.place.name.map(UntrustedText::from))
        .or_else(|| found.enclosing.iter().rev().copied().find_map(name))
        .unwrap_or_else(field)
}

fn parameterized(api_version: &str, kind: &str, container: &Container, at: Position) -> Unjudged {
    Unjudged {
        api_version: api_version.into(),
        kind: kind.into(),
        reason: Reason::Parameter,
        count: 1,
        paths: vec![uncovered::open_indexes(&container.field_path)],
        has_more: false,
        at,
    }
}
