//! Fields that name images by their names: those of kinds that are not read, and of documents that are no objects.

use std::sync::LazyLock;

use tagwatch_core::reference::{Reference, ReferenceError};

use crate::yaml::{Node, Position, Value, Words};

/// What the name of a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// `image`.
    Image,
    /// Such as `imageName` of `CloudNativePG`, `containerImage`, `initImage` and `imageRef`: it can also be a picture.
    Like,
    /// `images`, and names that end with it.
    List,
    Other,
}

/// Words of which one is in each text that names an image by a field: of `image` and `Image`, of `IMAGE`, and of an image by its
/// parts.
pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(["mage", "MAGE", "repository"]));

/// The forms in which names of fields end.
const IMAGE: [&str; 3] = ["image", "Image", "IMAGE"];
const IMAGES: [&str; 3] = ["images", "Images", "IMAGES"];

/// Parts of an image that no other field is called as.
pub(super) const REPOSITORIES: [&str; 2] = ["repository", "imageRepository"];

/// What can follow after `image` in the name of a field.
const SUFFIXES: [&str; 8] = ["Name", "Override", "Ref", "Reference", "URI", "URL", "Uri", "Url"];

impl Naming {
    pub(super) fn of(field: &str) -> Self {
        // Most names end in another way.
        if !matches!(
            field.as_bytes().last(),
            Some(b'e' | b'E' | b's' | b'S' | b'f' | b'I' | b'i' | b'L' | b'l')
        ) {
            return Self::Other;
        }
        let ends_with = |name: &str, ends: [&str; 3]| ends.iter().any(|end| name.ends_with(end));
        if field == "image" {
            return Self::Image;
        }
        if ends_with(field, IMAGES) {
            return Self::List;
        }
        let name = SUFFIXES.iter().find_map(|suffix| field.strip_suffix(suffix)).unwrap_or(field);
        if ends_with(name, IMAGE) { Self::Like } else { Self::Other }
    }
}

/// Whether a text can hold a field that names an image.
pub(super) fn may_name_image(text: &str) -> bool {
    WORDS.are_in(text)
}

/// Where the value of a field `image` names an image: a text, or a mapping with its parts. A reference with a mistake is one
/// too.
pub(super) fn named(value: Node<'_, '_>) -> Option<Position> {
    let is_text = |part: &Node<'_, '_>| matches!(part.value(), Value::String(_));
    match value.value() {
        Value::String(text) => is_meant_as_image(text).then(|| value.position()),
        Value::Mapping => {
            let has_version = ["tag", "version", "digest"].into_iter().any(|part| value.get(part).is_some());
            let name = has_version.then_some("name");
            let mut parts =
                ["reference", "repository"].into_iter().chain(name).filter_map(|part| value.get(part));
            parts.find(is_text).map(Node::position)
        }
        _ => None,
    }
}

/// The same of a field with a longer name: a text is an image only where it says a version or a registry.
pub(super) fn versioned(value: Node<'_, '_>) -> Option<Position> {
    match value.value() {
        Value::String(text) => is_versioned_image(text).then(|| value.position()),
        _ => named(value),
    }
}

/// Where the items of a list, or the values of a mapping, are images.
pub(super) fn listed(value: Node<'_, '_>) -> Vec<Position> {
    let values = value.items().chain(value.entries().map(|(_, value)| value));
    let is_text = |value: &Node<'_, '_>| matches!(value.value(), Value::String(_));
    values.filter(is_text).filter_map(versioned).collect()
}

/// Where a mapping names an image by its parts, whatever it is called. `image` can be a part where it is no image by itself. A
/// mount of Compose has the type `image` and a source
/// (<https://docs.docker.com/reference/compose-file/services/#long-syntax-6>).
pub(super) fn parts(mapping: Node<'_, '_>, is_image_a_part: bool) -> Option<Position> {
    const NAME: [(&str, [&str; 2]); 1] = [("image", ["tag", "imageTag"])];
    const OTHERS: [(&str, [&str; 2]); 2] =
        [(REPOSITORIES[0], ["tag", "digest"]), (REPOSITORIES[1], ["imageTag", "imageDigest"])];
    let is_mount = mapping.get("type").and_then(Node::text) == Some("image");
    if let Some(mounted) = mapping.get("source").filter(|_| is_mount).and_then(versioned) {
        return Some(mounted);
    }
    let candidates = match mapping.get("image") {
        None => OTHERS.as_slice(),
        Some(image) if is_image_a_part && versioned(image).is_none() => &NAME,
        Some(_) => return None,
    };
    candidates.iter().find_map(|(name, version)| {
        let name = mapping.get(name)?;
        let Value::String(text) = name.value() else { return None };
        let is_set = |part: &&str| mapping.get(part).is_some_and(|part| part.text().is_some());
        (version.iter().any(is_set) && is_meant_as_image(text)).then(|| name.position())
    })
}

/// What no image holds: addresses, and patterns of policies.
const SIGNS_OF_OTHERS: [&str; 10] = ["://", "*", "?", "|", "^", "\\", "(", ")", "[", "]"];

/// Ends of pictures.
const PICTURES: [&str; 7] = [".gif", ".ico", ".jpeg", ".jpg", ".png", ".svg", ".webp"];

fn is_picture(text: &str) -> bool {
    text.starts_with("data:") || PICTURES.iter().any(|end| text.to_ascii_lowercase().ends_with(end))
}

fn is_meant_as_image(text: &str) -> bool {
    match Reference::parse(text.trim()) {
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

fn is_versioned_image(text: &str) -> bool {
    match Reference::parse(text.trim()) {
        Ok(reference) => {
            let is_host =
                |name: &str| name.contains(['.', ':']) && !name.starts_with('.') || name == "localhost";
            let names_registry = text.split_once('/').is_some_and(|(host, _)| is_host(host));
            reference.tag().or(reference.digest()).is_some() || names_registry && !is_picture(text)
        }
        Err(ReferenceError::Placeholder { .. }) => true,
        Err(_) => false,
    }
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
