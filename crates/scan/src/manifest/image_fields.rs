//! Fields that name images by their names: those of kinds that are not read, and of documents that are no objects.

use std::sync::LazyLock;

use tagwatch_core::reference::{Reference, ReferenceError};

use crate::yaml::{Node, Position, Value, Words};

/// What the name of a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// `image`.
    Image,
    /// Such as `imageName` of `CloudNativePG`, `containerImage`, `image_uri` and `RELATED_IMAGE_PROXY`: it can also be a picture.
    Like,
    /// `images`, and names that end with it, also `imageNames` and `image-list`.
    List,
    Other,
}

/// Words of which one is in each text that names an image by a field: of `image` and `Image`, of `IMAGE`, and of an image by its
/// parts.
pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(["mage", "MAGE", "repository"]));

/// The forms in which names of fields end.
const IMAGE: [&str; 3] = ["image", "Image", "IMAGE"];
const IMAGES: [&str; 3] = ["images", "Images", "IMAGES"];

/// The part of an image that no other field is called as.
pub(super) const REPOSITORY: &str = "repository";

/// What can follow after `image` in the name of a field, without what separates words.
const SUFFIXES: [&str; 17] = [
    "name",
    "Name",
    "NAME",
    "override",
    "Override",
    "OVERRIDE",
    "ref",
    "Ref",
    "REF",
    "reference",
    "Reference",
    "uri",
    "Uri",
    "URI",
    "url",
    "Url",
    "URL",
];

const LISTS: [&str; 3] = ["list", "List", "LIST"];

/// What begins the name of an environment variable in which an operator gets an image
/// (<https://sdk.operatorframework.io/docs/olm-integration/generation/>).
const RELATED_IMAGE: &str = "RELATED_IMAGE_";

impl Naming {
    pub(super) fn of(field: &str) -> Self {
        // Most names end in another way.
        if !matches!(
            field.as_bytes().last(),
            Some(b'e' | b'E' | b's' | b'S' | b'f' | b'F' | b'I' | b'i' | b'L' | b'l' | b't' | b'T')
        ) {
            return if field.starts_with(RELATED_IMAGE) { Self::Like } else { Self::Other };
        }
        let ends_with = |name: &str, ends: [&str; 3]| ends.iter().any(|end| name.ends_with(end));
        if field == "image" {
            return Self::Image;
        }
        let list = LISTS.iter().find_map(|suffix| field.strip_suffix(suffix));
        let is_list = list.is_some_and(|name| ends_with(without_separator(name), IMAGE));
        if is_list || ends_with(field, IMAGES) {
            return Self::List;
        }
        if ends_with(field, IMAGE) || field.starts_with(RELATED_IMAGE) {
            return Self::Like;
        }
        let (one, several) = match field.strip_suffix(['s', 'S']) {
            Some(one) => (one, Self::List),
            None => (field, Self::Like),
        };
        let name = SUFFIXES.iter().find_map(|suffix| one.strip_suffix(suffix));
        match name {
            Some(name) if ends_with(without_separator(name), IMAGE) => several,
            _ => Self::Other,
        }
    }

    /// Whether the value is one image.
    pub(super) fn is_one(self) -> bool {
        matches!(self, Self::Image | Self::Like)
    }
}

/// The words of a name before one that was cut off.
fn without_separator(name: &str) -> &str {
    name.trim_end_matches(['_', '-'])
}

/// Whether a text can hold a field that names an image.
pub(super) fn may_name_image(text: &str) -> bool {
    WORDS.are_in(text)
}

/// Where the value of a field `image` names images: a text, a mapping with the parts of one, or a list of these. A reference with
/// a mistake is one too.
pub(super) fn named(value: Node<'_, '_>) -> Vec<Position> {
    match value.value() {
        Value::String(text) if is_meant_as_image(text) => vec![value.position()],
        Value::Mapping => by_parts(value).into_iter().collect(),
        Value::Sequence => listed(value),
        _ => Vec::new(),
    }
}

/// The same of a field with a longer name: a text is an image only where it says a version or a registry.
pub(super) fn versioned(value: Node<'_, '_>) -> Vec<Position> {
    match value.value() {
        Value::String(text) if is_versioned_image(text) => vec![value.position()],
        Value::String(_) => Vec::new(),
        _ => named(value),
    }
}

/// Where a mapping that is called an image names it. A name alone can be that of anything.
fn by_parts(mapping: Node<'_, '_>) -> Option<Position> {
    let text = |part: &str| mapping.get(part).filter(|part| matches!(part.value(), Value::String(_)));
    if let Some(address) =
        ["url", "uri", "ref"].into_iter().filter_map(text).find(|node| is_versioned_text(*node))
    {
        return Some(address.position());
    }
    let has_version = ["tag", "newTag", "version", "digest", "registry", "newName"]
        .into_iter()
        .any(|part| mapping.get(part).is_some());
    let names: &[&str] = if has_version { &["repo", "name", "newName"] } else { &[] };
    let is_image = |name: &Node<'_, '_>| name.text().is_some_and(is_meant_as_image);
    ["reference", REPOSITORY]
        .iter()
        .chain(names)
        .find_map(|part| text(part).filter(is_image))
        .map(Node::position)
}

fn is_versioned_text(value: Node<'_, '_>) -> bool {
    matches!(value.value(), Value::String(text) if is_versioned_image(text))
}

/// Where the items of a list, or the values of a mapping, are images. A text can hold several.
pub(super) fn listed(value: Node<'_, '_>) -> Vec<Position> {
    let values = value.items().chain(value.entries().map(|(_, value)| value));
    let image = |value: Node<'_, '_>| match value.value() {
        Value::String(text) => is_versioned_image(text).then(|| value.position()),
        // As Kustomize names one. The version of a name can be that of an image of a disk.
        Value::Mapping => {
            let has_tag =
                ["tag", "newTag", "newName", "digest"].into_iter().any(|part| value.get(part).is_some());
            by_parts(value).filter(|_| has_tag)
        }
        _ => None,
    };
    values.filter_map(image).collect()
}

/// The number of images in a text that lists them, by lines, commas or blanks.
pub(super) fn count_in_list(text: &str) -> u64 {
    let words = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
    let words = words.flat_map(|line| line.split([' ', '\t', ',', '\'', '"', '[', ']']));
    let images = words.filter(|word| is_image(word));
    u64::try_from(images.count()).unwrap_or(u64::MAX)
}

/// Where a mapping names an image by its parts, whatever it is called. `image` can be a part where it is no image by itself. A
/// mount of Compose has the type `image` and a source
/// (<https://docs.docker.com/reference/compose-file/services/#long-syntax-6>).
pub(super) fn parts(mapping: Node<'_, '_>, is_image_a_part: bool) -> Option<Position> {
    let is_mount = mapping.get("type").and_then(Node::text) == Some("image");
    if let Some(mounted) = mapping.get("source").filter(|source| is_mount && is_versioned_text(*source)) {
        return Some(mounted.position());
    }
    let (name, versions) = match mapping.get("image") {
        None => (REPOSITORY, ["tag", "digest"]),
        Some(image) if is_image_a_part && versioned(image).is_empty() => ("image", ["tag", "imageTag"]),
        Some(_) => return None,
    };
    let name = mapping.get(name)?;
    let Value::String(text) = name.value() else { return None };
    let is_set = |part: &&str| mapping.get(part).is_some_and(|part| part.text().is_some());
    (versions.iter().any(is_set) && is_meant_as_image(text)).then(|| name.position())
}

/// What no image holds: addresses, and patterns of policies.
const SIGNS_OF_OTHERS: [&str; 10] = ["://", "*", "?", "|", "^", "\\", "(", ")", "[", "]"];

/// Ends of pictures.
const PICTURES: [&str; 7] = [".gif", ".ico", ".jpeg", ".jpg", ".png", ".svg", ".webp"];

fn is_picture(text: &str) -> bool {
    text.starts_with("data:") || PICTURES.iter().any(|end| text.to_ascii_lowercase().ends_with(end))
}

/// How addresses of images begin where programs take others too.
const TRANSPORTS: [&str; 3] = ["docker://", "docker-image://", "oci://"];

fn without_transport(text: &str) -> &str {
    let text = text.trim();
    TRANSPORTS.iter().find_map(|transport| text.strip_prefix(transport)).unwrap_or(text)
}

/// Whether a text is an image where its field says that it is one.
pub(super) fn is_meant_as_image(text: &str) -> bool {
    let text = without_transport(text);
    match Reference::parse(text) {
        Ok(reference) => reference.tag().or(reference.digest()).is_some() || !is_picture(text),
        Err(ReferenceError::Placeholder { .. }) => true,
        Err(ReferenceError::UppercaseRepository { .. }) => !is_picture(text),
        // Titles have blanks, and a picture can be a text of any length.
        Err(ReferenceError::Empty | ReferenceError::Blank { .. } | ReferenceError::TooLong) => false,
        Err(_) => {
            // Paths of files, colours, and pictures as data.
            let is_other = text.starts_with(['/', '.', '#']) || is_picture(text);
            !is_other && !SIGNS_OF_OTHERS.iter().any(|sign| text.contains(sign))
        }
    }
}

/// Whether a text is a reference with a version or a registry, or one that a placeholder stands for.
pub(super) fn is_versioned_image(text: &str) -> bool {
    let text = without_transport(text);
    matches!(Reference::parse(text), Err(ReferenceError::Placeholder { .. })) || is_image(text)
}

/// Whether a text is a reference with a version or a registry.
pub(super) fn is_image(text: &str) -> bool {
    Reference::parse(text).is_ok_and(|reference| {
        let is_host = |name: &str| name.contains(['.', ':']) && !name.starts_with('.') || name == "localhost";
        let names_registry = text.split_once('/').is_some_and(|(host, _)| is_host(host));
        reference.tag().or(reference.digest()).is_some() || names_registry && !is_picture(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_with_a_mistake_is_an_image_and_other_texts_are_none() {
        for image in [
            "nginx",
            "nginx:",
            "nginx@sha256:12",
            "a//b:1",
            "Team/App:1",
            "a:1 ",
            "$(image)",
            "a:b:c",
            "nginx:-1",
        ] {
            assert!(is_meant_as_image(image), "{image}");
        }
        let long = "A".repeat(10_000);
        for other in [
            "",
            " ",
            "A picture of a boat",
            "https://example.com/logo.png",
            "data:image/png;base64,AA==",
            "/img/logo(1).png",
            "./logo.png",
            "*:latest",
            "!*:latest | !*:dev",
            "^ghcr.io/.+$",
            "#fff",
            &long,
            "boat.png",
            "cdn.example.com/img/Boat.JPG",
        ] {
            assert!(!is_meant_as_image(other), "{other}");
            assert!(!is_versioned_image(other), "{other}");
        }
    }

    #[test]
    fn a_field_with_a_longer_name_needs_a_version_or_a_registry() {
        for (field, naming) in [
            ("image", Naming::Image),
            ("Image", Naming::Like),
            ("imageName", Naming::Like),
            ("containerImage", Naming::Like),
            ("proxy_image", Naming::Like),
            ("initImageRef", Naming::Like),
            ("relatedImages", Naming::List),
            ("images", Naming::List),
            ("imagePullPolicy", Naming::Other),
            ("imageTag", Naming::Other),
            ("pilgrimage", Naming::Like),
            ("é", Naming::Other),
        ] {
            assert_eq!(Naming::of(field), naming, "{field}");
        }
        for image in ["web:1", "ghcr.io/a/b", "localhost/web", "a@sha256:12", "host:5000/a", "$(image)"] {
            assert_eq!(is_versioned_image(image), image != "a@sha256:12", "{image}");
        }
        for other in ["web", "shop/web", "A title: with blanks"] {
            assert!(!is_versioned_image(other), "{other}");
        }
    }
}
