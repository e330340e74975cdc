//! Images that no place of their kind leads to: they are counted and named, not silently skipped.

use std::collections::BTreeSet;

use tagwatch_core::kinds::{Tree, template_path_of};
use tagwatch_core::reference::{Reference, ReferenceError};
use tagwatch_core::text::UntrustedText;

use super::{Manifest, Reason, Unjudged, embedded};
use crate::yaml::{Node, Position, Value};

/// Most paths that a note names.
pub(crate) const MAX_PATHS: usize = 3;

/// Fields of an object that do not say what will run.
const NOT_DESIRED: [&str; 2] = ["metadata", "status"];

/// Remarks on the images of an object that are not at one of the `judged` positions: those of its fields, and those of
/// manifests and patches that it holds as texts. `hint` gets the path of the first one and returns how a note goes on.
pub(super) fn remark(
    object: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    judged: &[Position],
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let search = Search { judged: judged.iter().copied().collect(), ..Search::default() };
    push(search.of_object(object), (api_version, kind), hint, manifest);
}

/// Remarks on the images of manifests and patches that values of a chart hold as texts. What a field called `image` names is
/// for the convention to say.
pub(super) fn remark_texts(values: Node<'_, '_>, kind: &str, manifest: &mut Manifest) {
    let search = Search { skips_fields: true, ..Search::default() };
    push(search.of_object(values), ("", kind), |_| None, manifest);
}

fn push(
    images: Images,
    (api_version, kind): (&str, &str),
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let Images { count, paths, has_more, first } = images;
    let Some(at) = first else { return };
    let hint = paths.first().and_then(|path| hint(path));
    let reason = Reason::NotCovered { hint };
    manifest.unjudged.push(Unjudged {
        api_version: api_version.into(),
        kind: kind.into(),
        reason,
        count,
        paths,
        has_more,
        at,
    });
}

/// The number of images in an object, a patch or values that a text holds. Texts inside of it are not read.
pub(super) fn count(root: Node<'_, '_>) -> u64 {
    Search { is_embedded: true, ..Search::default() }.of_object(root).count
}

/// How a policy would have the first image read, if it is in a pod template.
pub(super) fn declare_hint(path: &str) -> Option<String> {
    let template = containing_template(path)?;
    Some(format!("; templatePath: {template} in the policy's workloads would read them"))
}

/// The template path that leads to the image at a path.
pub(super) fn containing_template(path: &str) -> Option<String> {
    template_path_of(path.strip_suffix("[*].image")?)
}

/// A path with `[*]` for each number of an item.
pub(crate) fn open_indexes(path: &str) -> String {
    let mut open = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((index, after)) = behind.split_once(']') else { break };
        let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
        open.push_str(before);
        open.push('[');
        open.push_str(if is_number { "*" } else { index });
        open.push(']');
        rest = after;
    }
    open.push_str(rest);
    open
}

/// Images by what a note says of them.
#[derive(Debug, Default)]
struct Images {
    count: u64,
    /// The first paths, with `[*]` for items of lists; safe for a terminal.
    paths: Vec<String>,
    has_more: bool,
    first: Option<Position>,
}

#[derive(Default)]
struct Search {
    judged: BTreeSet<Position>,
    /// Whether it is in a text already.
    is_embedded: bool,
    /// Whether texts alone are looked at.
    skips_fields: bool,
    path: String,
    images: Images,
}

impl Search {
    fn of_object(mut self, object: Node<'_, '_>) -> Images {
        for (key, value) in Tree::entries(object) {
            if !NOT_DESIRED.contains(&key.as_str()) {
                self.entry(&key, value);
            }
        }
        // JSON patches, and lists of objects.
        self.items(object);
        self.images
    }

    /// The depth of the tree limits the recursion.
    fn entry(&mut self, key: &str, value: Node<'_, '_>) {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&UntrustedText::from(key).terminal());
        if let Some(at) = (key == "image" && !self.skips_fields).then(|| named_image(value)).flatten()
            && !self.judged.contains(&at)
        {
            self.add(at, 1);
        }
        self.value(value);
        self.path.truncate(length);
    }

    fn value(&mut self, value: Node<'_, '_>) {
        match value.value() {
            Value::Mapping => {
                for (key, value) in Tree::entries(value) {
                    self.entry(&key, value);
                }
            }
            Value::Sequence => self.items(value),
            Value::String(text) if !self.is_embedded && !self.judged.contains(&value.position()) => {
                let count = embedded::images_in(text);
                if count > 0 {
                    self.add(value.position(), count);
                }
            }
            _ => {}
        }
    }

    fn items(&mut self, list: Node<'_, '_>) {
        let length = self.path.len();
        self.path.push_str("[*]");
        list.items().for_each(|item| self.value(item));
        self.path.truncate(length);
    }

    fn add(&mut self, at: Position, found: u64) {
        let Images { count, paths, has_more, first } = &mut self.images;
        *count += found;
        first.get_or_insert(at);
        if !paths.contains(&self.path) {
            if paths.len() < MAX_PATHS {
                paths.push(self.path.clone());
            } else {
                *has_more = true;
            }
        }
    }
}

/// Where the value of a field `image` names an image: a text, or a mapping with its parts. A reference with a mistake is one
/// too.
fn named_image(value: Node<'_, '_>) -> Option<Position> {
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

/// What no image holds: addresses, and patterns of policies.
const SIGNS_OF_OTHERS: [&str; 10] = ["://", "*", "?", "|", "^", "\\", "(", ")", "[", "]"];

fn is_meant_as_image(text: &str) -> bool {
    match Reference::parse(text.trim()) {
        Ok(_) | Err(ReferenceError::Placeholder { .. } | ReferenceError::UppercaseRepository { .. }) => true,
        // Titles have blanks, and a picture can be a text of any length.
        Err(ReferenceError::Empty | ReferenceError::Blank { .. } | ReferenceError::TooLong) => false,
        Err(_) => {
            // Paths of files, colours, and pictures as data.
            let is_other = text.starts_with(['/', '.', '#']) || text.starts_with("data:");
            !is_other && !SIGNS_OF_OTHERS.iter().any(|sign| text.contains(sign))
        }
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
        ] {
            assert!(!is_meant_as_image(other), "{other}");
        }
    }
}
