//! The containers and image volumes of a pod spec.

use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::{ContainerPlace, Manifest};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// `path` is that of the pod spec, from the root of the object.
pub(super) fn read(
    spec: Node<'_, '_>,
    path: &str,
    manifest: &mut Manifest,
) -> Vec<(Container, ContainerPlace)> {
    let mut found = Vec::new();
    for listed in [ContainerType::Container, ContainerType::Init, ContainerType::Ephemeral] {
        for (item, item_path) in mappings(spec, path, listed.list_field(), manifest) {
            let container_type = match listed {
                ContainerType::Init if is_restartable(item) => ContainerType::Sidecar,
                other => other,
            };
            found.extend(read_container(item, &item_path, container_type, manifest));
        }
    }
    for (volume, volume_path) in mappings(spec, path, ContainerType::ImageVolume.list_field(), manifest) {
        found.extend(read_container(volume, &volume_path, ContainerType::ImageVolume, manifest));
    }
    found
}

/// Reads the mapping of a container or of a volume. `None` for a volume without an image, and where the image is not a
/// string, which the API server rejects.
pub(super) fn read_container(
    item: Node<'_, '_>,
    path: &str,
    container_type: ContainerType,
    manifest: &mut Manifest,
) -> Option<(Container, ContainerPlace)> {
    if container_type != ContainerType::ImageVolume {
        return Fields { name: item, image: item, container_type }.read(path, manifest);
    }
    let image = item.get("image").filter(|image| image.value() != Value::Null)?;
    let path = format!("{path}.image");
    if image.value() != Value::Mapping {
        wrong_type(image, &path, "a mapping", manifest);
        return None;
    }
    Fields { name: item, image, container_type }.read(&path, manifest)
}

/// `restartPolicy: Always` makes an init container a sidecar (KEP-753).
fn is_restartable(container: Node<'_, '_>) -> bool {
    container.get("restartPolicy").is_some_and(|policy| policy.value() == Value::String("Always"))
}

/// The mappings of a list field with their paths.
fn mappings<'d, 't>(
    parent: Node<'d, 't>,
    path: &str,
    field: &str,
    manifest: &mut Manifest,
) -> Vec<(Node<'d, 't>, String)> {
    let path = format!("{path}.{field}");
    let mut mappings = Vec::new();
    for (index, item) in items(parent.get(field), &path, manifest).enumerate() {
        let path = format!("{path}[{index}]");
        if item.value() == Value::Mapping {
            mappings.push((item, path));
        } else {
            wrong_type(item, &path, "a mapping", manifest);
        }
    }
    mappings
}

/// The mappings that describe a container or an image volume.
struct Fields<'d, 't> {
    name: Node<'d, 't>,
    image: Node<'d, 't>,
    container_type: ContainerType,
}

impl Fields<'_, '_> {
    /// `None` if the image is not a string, which the API server rejects.
    fn read(&self, path: &str, manifest: &mut Manifest) -> Option<(Container, ContainerPlace)> {
        let (image_key, policy_key) =
            (self.container_type.image_field(), self.container_type.pull_policy_field());
        let field_path = format!("{path}.{image_key}");
        let name = self.name.get("name").and_then(Node::text).unwrap_or_default();
        let (image, at) = match self.image.entry(image_key) {
            None => ("", self.image.position()),
            Some((key, value)) if value.value() == Value::Null => ("", key.position()),
            Some((_, value)) => (string(value, &field_path, manifest)?, value.position()),
        };
        let policy = self.image.get(policy_key).filter(|policy| policy.text() != Some(""));
        let policy = policy.and_then(|policy| pull_policy(policy, &format!("{path}.{policy_key}"), manifest));
        let container = Container {
            name: UntrustedText::from(name),
            container_type: self.container_type,
            image: UntrustedText::from(image),
            pull_policy: policy.map(|(written, _)| UntrustedText::from(written)),
            field_path,
            observed: None,
            drift: None,
        };
        Some((container, ContainerPlace { image: at, pull_policy: policy.map(|(_, at)| at) }))
    }
}

/// A written pull policy, with its position. An unknown one gets a note.
fn pull_policy<'d>(policy: Node<'d, '_>, path: &str, manifest: &mut Manifest) -> Option<(&'d str, Position)> {
    let at = policy.position();
    let (written, described) = match policy.value() {
        Value::Null => return None,
        Value::String(text) => (text, format!("\"{text}\"")),
        other => (policy.text()?, format!("a {}", other.type_name())),
    };
    if matches!(policy.value(), Value::String(text) if PullPolicy::parse(text).is_some()) {
        return Some((written, at));
    }
    let [first, second, third] = PullPolicy::ALL.map(PullPolicy::as_str);
    let message = format!(
        "{path} must be {first}, {second} or {third}, found {described}; judged by the default for the image"
    );
    manifest.remark(at, NoteCode::InvalidPullPolicy, message);
    Some((written, at))
}

/// The items of a list. Other values except null get a note, because the API server rejects them.
pub(crate) fn items<'d, 't>(
    list: Option<Node<'d, 't>>,
    path: &str,
    manifest: &mut Manifest,
) -> impl Iterator<Item = Node<'d, 't>> + use<'d, 't> {
    if let Some(other) = list.filter(|list| !matches!(list.value(), Value::Sequence | Value::Null)) {
        wrong_type(other, path, "a list", manifest);
    }
    list.into_iter().flat_map(Node::items)
}

/// A value other than a mapping and null gets a note.
pub(super) fn check_mapping(value: Node<'_, '_>, path: &str, manifest: &mut Manifest) {
    if !matches!(value.value(), Value::Mapping | Value::Null) {
        wrong_type(value, path, "a mapping", manifest);
    }
}

/// The text of a string. Other values except null get a note, because the API server rejects them.
pub(crate) fn string<'d>(value: Node<'d, '_>, path: &str, manifest: &mut Manifest) -> Option<&'d str> {
    match value.value() {
        Value::String(text) => Some(text),
        Value::Null => None,
        _ => {
            wrong_type(value, path, "a string", manifest);
            None
        }
    }
}

fn wrong_type(value: Node<'_, '_>, path: &str, expected: &str, manifest: &mut Manifest) {
    let found = match value.value() {
        Value::Other(name, text) => format!("{name} {text}; put it in quotes"),
        other => other.type_name().to_owned(),
    };
    let message = format!("{path} must be {expected}, found a {found}");
    manifest.remark(value.position(), NoteCode::InvalidField, message);
}
