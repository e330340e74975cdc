//! The containers and image volumes of a pod spec. Paths are put together where a container or a note needs them.

use std::fmt::{Display, Write as _};

use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::{ContainerPlace, Manifest};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// Room for the path of an image that is not made larger: that of a `CronJob` takes 61 bytes.
const USUAL_PATH: usize = 64;

/// `path` is that of the pod spec, from the root of the object.
pub(super) fn read(
    spec: Node<'_, '_>,
    path: &str,
    manifest: &mut Manifest,
) -> Vec<(Container, ContainerPlace)> {
    let mut found = Vec::new();
    for listed in [ContainerType::Container, ContainerType::Init, ContainerType::Ephemeral] {
        for (index, item) in mappings(spec, path, listed.list_field(), manifest) {
            let container_type = match listed {
                ContainerType::Init if is_restartable(item) => ContainerType::Sidecar,
                other => other,
            };
            let path = format_args!("{path}.{}[{index}]", listed.list_field());
            found.extend(read_container(item, path, container_type, manifest));
        }
    }
    let volumes = ContainerType::ImageVolume.list_field();
    for (index, volume) in mappings(spec, path, volumes, manifest) {
        let path = format_args!("{path}.{volumes}[{index}]");
        found.extend(read_container(volume, path, ContainerType::ImageVolume, manifest));
    }
    found
}

/// Reads the mapping of a container or of a volume. `None` for a volume without an image, and where the image is not a
/// string, which the API server rejects.
pub(super) fn read_container(
    item: Node<'_, '_>,
    path: impl Display,
    container_type: ContainerType,
    manifest: &mut Manifest,
) -> Option<(Container, ContainerPlace)> {
    if container_type != ContainerType::ImageVolume {
        return Fields { name: item, image: item, container_type }.read(path, manifest);
    }
    let image = item.get("image").filter(|image| image.value() != Value::Null)?;
    let path = format_args!("{path}.image");
    if image.value() != Value::Mapping {
        wrong_type(image, path, "a mapping", manifest);
        return None;
    }
    Fields { name: item, image, container_type }.read(path, manifest)
}

/// `restartPolicy: Always` makes an init container a sidecar (KEP-753).
fn is_restartable(container: Node<'_, '_>) -> bool {
    container.get("restartPolicy").is_some_and(|policy| policy.value() == Value::String("Always"))
}

/// The mappings of a list field with their indexes.
fn mappings<'d, 't>(
    parent: Node<'d, 't>,
    path: &str,
    field: &str,
    manifest: &mut Manifest,
) -> Vec<(usize, Node<'d, 't>)> {
    let mut mappings = Vec::new();
    let list = parent.get(field);
    check_list(list, format_args!("{path}.{field}"), manifest);
    for (index, item) in list.into_iter().flat_map(Node::items).enumerate() {
        if item.value() == Value::Mapping {
            mappings.push((index, item));
        } else {
            wrong_type(item, format_args!("{path}.{field}[{index}]"), "a mapping", manifest);
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
    fn read(&self, path: impl Display, manifest: &mut Manifest) -> Option<(Container, ContainerPlace)> {
        let (image_key, policy_key) =
            (self.container_type.image_field(), self.container_type.pull_policy_field());
        let mut field_path = String::with_capacity(USUAL_PATH);
        // Writing to a String does not fail.
        let _ = write!(field_path, "{path}.{image_key}");
        let name = self.name.get("name").and_then(Node::text).unwrap_or_default();
        let (image, at) = match self.image.entry(image_key) {
            None => ("", self.image.position()),
            Some((key, value)) if value.value() == Value::Null => ("", key.position()),
            Some((_, value)) => (string(value, &field_path, manifest)?, value.position()),
        };
        let policy = self.image.get(policy_key).filter(|policy| policy.text() != Some(""));
        let policy =
            policy.and_then(|policy| pull_policy(policy, format_args!("{path}.{policy_key}"), manifest));
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
fn pull_policy<'d>(
    policy: Node<'d, '_>,
    path: impl Display,
    manifest: &mut Manifest,
) -> Option<(&'d str, Position)> {
    let at = policy.position();
    if let Value::String(written) = policy.value()
        && PullPolicy::parse(written).is_some()
    {
        return Some((written, at));
    }
    let (written, described) = match policy.value() {
        Value::Null => return None,
        Value::String(text) => (text, format!("\"{text}\"")),
        other => (policy.text()?, format!("a {}", other.type_name())),
    };
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
    check_list(list, path, manifest);
    list.into_iter().flat_map(Node::items)
}

fn check_list(list: Option<Node<'_, '_>>, path: impl Display, manifest: &mut Manifest) {
    if let Some(other) = list.filter(|list| !matches!(list.value(), Value::Sequence | Value::Null)) {
        wrong_type(other, path, "a list", manifest);
    }
}

/// A value other than a mapping and null gets a note.
pub(super) fn check_mapping(value: Node<'_, '_>, path: impl Display, manifest: &mut Manifest) {
    if !matches!(value.value(), Value::Mapping | Value::Null) {
        wrong_type(value, path, "a mapping", manifest);
    }
}

/// The text of a string. Other values except null get a note, because the API server rejects them.
pub(crate) fn string<'d>(
    value: Node<'d, '_>,
    path: impl Display,
    manifest: &mut Manifest,
) -> Option<&'d str> {
    match value.value() {
        Value::String(text) => Some(text),
        Value::Null => None,
        _ => {
            wrong_type(value, path, "a string", manifest);
            None
        }
    }
}

fn wrong_type(value: Node<'_, '_>, path: impl Display, expected: &str, manifest: &mut Manifest) {
    let found = match value.value() {
        Value::Other(name, text) => format!("{name} {text}; put it in quotes"),
        other => other.type_name().to_owned(),
    };
    let message = format!("{path} must be {expected}, found a {found}");
    manifest.remark(value.position(), NoteCode::InvalidField, message);
}
