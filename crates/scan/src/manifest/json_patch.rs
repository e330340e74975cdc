//! JSON patches: lists of operations on an object that stands elsewhere (RFC 6902).

use tagwatch_core::text::UntrustedText;

use super::search::{self, MAX_PATHS};
use super::{Manifest, Reason, Unjudged, set_values, texts};
use crate::yaml::{Node, Value};

/// Whether this is a list of operations.
pub(super) fn is_json_patch(node: Node<'_, '_>) -> bool {
    let is_operation = |item: Node<'_, '_>| item.get("op").is_some() && item.get("path").is_some();
    node.items().len() > 0 && node.items().all(is_operation)
}

/// Counts the images that the operations set.
pub(super) fn read(operations: Node<'_, '_>, manifest: &mut Manifest) {
    let mut paths: Vec<String> = Vec::new();
    let (mut count, mut has_more, mut first) = (0, false, None);
    for operation in operations.items() {
        let Some(path) = operation.get("path").and_then(Node::text) else { continue };
        let Some(value) = operation.get("value") else { continue };
        let found = match value.value() {
            Value::String(text) if set_values::images_at(path, value).is_empty() => {
                texts::images_in(text, manifest.depth)
            }
            Value::String(_) => 1,
            // A container, or several.
            _ => search::count(value, manifest.depth, false),
        };
        if found == 0 {
            continue;
        }
        count += found;
        first.get_or_insert(value.position());
        if paths.len() < MAX_PATHS {
            paths.push(UntrustedText::from(path).terminal());
        } else {
            has_more = true;
        }
    }
    if let Some(at) = first {
        manifest.unjudged.push(Unjudged {
            api_version: "".into(),
            kind: "".into(),
            reason: Reason::Patch,
            count,
            paths,
            has_more,
            at,
        });
    }
}
