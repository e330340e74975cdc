//! Finds pod templates in kinds that are not read, so that they are named and not passed over in silence.

use crate::yaml::{Node, Position, Value};
use std::fmt::Write as _;

/// A list of containers somewhere in an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundTemplate {
    /// Place of the key `containers`.
    pub(super) at: Position,
    /// Path of the list from the object's root.
    pub(super) path: String,
}

/// The first `containers` in an object that is a list with an entry that has an `image`. The depth of a tree is
/// limited, and so is this recursion.
pub(super) fn find_pod_template(object: Node<'_, '_>) -> Option<FoundTemplate> {
    let mut path = Vec::new();
    let at = search(object, &mut path)?;
    Some(FoundTemplate { at, path: render(&path) })
}

enum Segment<'d> {
    Key(&'d str),
    Index(usize),
}

fn search<'d>(node: Node<'d, '_>, path: &mut Vec<Segment<'d>>) -> Option<Position> {
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        path.push(Segment::Key(name));
        if name == "containers" && value.items().any(|item| item.get("image").is_some()) {
            return Some(key.position());
        }
        if let Some(found) = search(value, path) {
            return Some(found);
        }
        path.pop();
    }
    for (index, item) in node.items().enumerate() {
        if matches!(item.value(), Value::Mapping | Value::Sequence) {
            path.push(Segment::Index(index));
            if let Some(found) = search(item, path) {
                return Some(found);
            }
            path.pop();
        }
    }
    None
}

fn render(path: &[Segment<'_>]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Key(name) if text.is_empty() => text.push_str(name),
            Segment::Key(name) => {
                text.push('.');
                text.push_str(name);
            }
            Segment::Index(index) => {
                // Writing to a String cannot fail.
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}
