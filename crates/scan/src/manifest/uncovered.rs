//! Finds pod templates in unsupported kinds, so that they are reported and not silently skipped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tagwatch_core::text::UntrustedText;

use crate::yaml::{Node, Position, Value};

/// A list of containers somewhere in an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UncoveredTemplate {
    /// Position of the key `containers`.
    pub(super) at: Position,
    /// Path of the list from the root of the object.
    pub(super) path: String,
}

/// The first field `containers` that is a list with an `image` in one of its items, outside of the templates at the paths
/// `read`. The depth of the tree limits the recursion.
pub(super) fn find_pod_template(object: Node<'_, '_>, read: &BTreeSet<&str>) -> Option<UncoveredTemplate> {
    let mut path = Vec::new();
    let at = search(object, read, &mut path)?;
    Some(UncoveredTemplate { at, path: render(&path) })
}

enum Segment<'d> {
    Key(&'d str),
    Index(usize),
}

fn search<'d>(node: Node<'d, '_>, read: &BTreeSet<&str>, path: &mut Vec<Segment<'d>>) -> Option<Position> {
    if !read.is_empty() && read.contains(&render(path).as_str()) {
        return None;
    }
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        path.push(Segment::Key(name));
        if name == "containers" && value.items().any(|item| item.get("image").is_some()) {
            return Some(key.position());
        }
        if let Some(found) = search(value, read, path) {
            return Some(found);
        }
        path.pop();
    }
    for (index, item) in node.items().enumerate() {
        if matches!(item.value(), Value::Mapping | Value::Sequence) {
            path.push(Segment::Index(index));
            if let Some(found) = search(item, read, path) {
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
            Segment::Key(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&UntrustedText::from(*name).terminal());
            }
            Segment::Index(index) => {
                // Writing to a String does not fail.
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}
