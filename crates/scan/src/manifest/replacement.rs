//! Replacements of Kustomize: values that it copies from one object into others (api/types/replacement.go of
//! kubernetes-sigs/kustomize). Images that they set are counted.

use tagwatch_core::text::UntrustedText;

use super::set_values::leads_to_image;
use super::{Manifest, Reason, Unjudged};
use crate::yaml::{Node, Value};

/// Whether a document is a replacement, or a list of them, as a kustomization names it by `path`.
pub(super) fn is_document(node: Node<'_, '_>) -> bool {
    let is_one = |node: Node<'_, '_>| {
        let has_source = ["source", "sourceValue"].iter().any(|field| node.get(field).is_some());
        has_source && node.get("targets").is_some_and(|targets| targets.value() == Value::Sequence)
    };
    is_one(node) || node.items().len() > 0 && node.items().all(is_one)
}

/// Counts the images that a document with replacements sets.
pub(super) fn read(node: Node<'_, '_>, manifest: &mut Manifest) {
    if node.value() == Value::Mapping {
        count(std::iter::once(node), manifest);
    } else {
        count(node.items(), manifest);
    }
}

/// Counts those of the field `replacements`.
pub(crate) fn read_field(node: Node<'_, '_>, manifest: &mut Manifest) {
    count(node.get("replacements").into_iter().flat_map(Node::items), manifest);
}

fn count<'d, 't: 'd>(replacements: impl Iterator<Item = Node<'d, 't>>, manifest: &mut Manifest) {
    let targets = replacements.filter_map(|one| one.get("targets")).flat_map(Node::items);
    let fields = targets.filter_map(|target| target.get("fieldPaths")).flat_map(Node::items);
    let images = fields.filter_map(|field| Some((field.position(), field.text()?)));
    for (at, path) in images.filter(|(_, path)| leads_to_image(path)) {
        manifest.unjudged.push(Unjudged {
            api_version: "".into(),
            kind: "".into(),
            reason: Reason::Replacement,
            count: 1,
            paths: vec![UntrustedText::from(path).terminal()],
            has_more: false,
            at,
        });
    }
}
