//! Entries of `images:`, by which Kustomize changes images: api/types/image.go of kubernetes-sigs/kustomize. Flux has the
//! same in its Kustomization and in post-renderers of a `HelmRelease` (`kustomize_types.go` of fluxcd/pkg).

use tagwatch_core::reference::Reference;
use tagwatch_core::workload::{Container, ContainerType};

use super::{ContainerPlace, Manifest, pod_spec};
use crate::yaml::{Node, Position};

/// The texts of an entry; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct ImageEntryFields {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) new_tag: String,
    pub(crate) tag_suffix: String,
    pub(crate) digest: String,
    /// Position of the tag or the digest.
    version_at: Option<Position>,
}

/// An image that an entry with a tag or a digest names.
#[derive(Debug, Clone)]
pub(crate) struct SetImage {
    name: String,
    image: String,
    at: Position,
}

impl ImageEntryFields {
    pub(super) fn move_places(&mut self, moved: &dyn Fn(Position) -> Position) {
        self.version_at = self.version_at.map(moved);
    }

    /// Where an entry says which image it changes, and to which one.
    pub(crate) fn names(entry: Node<'_, '_>) -> impl Iterator<Item = Position> + use<> {
        [entry.get("name"), entry.get("newName")].map(|name| name.map(Node::position)).into_iter().flatten()
    }

    /// Reads an entry at a path. Kustomize and the API server refuse values that are no text, such as a `newTag` without
    /// quotes that is a number; so they get a note.
    pub(crate) fn read(entry: Node<'_, '_>, path: &str, manifest: &mut Manifest) -> Self {
        pod_spec::check_mapping(entry, path, manifest);
        let mut text = |field: &str| {
            let value = entry.get(field)?;
            let text = pod_spec::string(value, format_args!("{path}.{field}"), manifest)?;
            Some((text.to_owned(), value.position())).filter(|(text, _)| !text.is_empty())
        };
        let (tag, digest) = (text("newTag"), text("digest"));
        let version_at = tag.as_ref().or(digest.as_ref()).map(|(_, at)| *at);
        let mut other = |field: &str| text(field).map(|(text, _)| text).unwrap_or_default();
        Self {
            name: other("name"),
            new_name: other("newName"),
            tag_suffix: other("tagSuffix"),
            new_tag: tag.map(|(text, _)| text).unwrap_or_default(),
            digest: digest.map(|(text, _)| text).unwrap_or_default(),
            version_at,
        }
    }

    /// The image that the entry names by itself. `None` without a version, and where the name is an expression and there is
    /// no new one.
    pub(crate) fn set_image(&self) -> Option<SetImage> {
        let at = self.version_at?;
        let mut image = if self.new_name.is_empty() { &self.name } else { &self.new_name }.clone();
        if Reference::parse(&image).is_err() {
            return None;
        }
        for (sign, part) in [(':', &self.new_tag), ('@', &self.digest)] {
            if !part.is_empty() {
                image.push(sign);
                image.push_str(part);
            }
        }
        Some(SetImage { name: self.name.clone(), image, at })
    }
}

impl SetImage {
    /// What is judged where the entry stands.
    pub(crate) fn container(self, field_path: String) -> (Container, ContainerPlace) {
        let Self { name, image, at } = self;
        let container = Container {
            name: name.into(),
            container_type: ContainerType::Container,
            image: image.into(),
            pull_policy: None,
            field_path,
            observed: None,
            drift: None,
        };
        (container, ContainerPlace { image: at, pull_policy: None })
    }
}
