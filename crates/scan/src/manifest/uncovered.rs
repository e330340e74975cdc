//! Images that no place of their kind leads to: they are counted and named, not silently skipped.

use std::collections::BTreeSet;

use tagwatch_core::kinds::{Tree, template_path_of};
use tagwatch_core::reference::{Reference, ReferenceError};
use tagwatch_core::text::UntrustedText;

use super::{Manifest, Reason, Unjudged};
use crate::yaml::{Node, Position, Value};

/// Most paths that a note names.
pub(crate) const MAX_PATHS: usize = 3;

/// Fields of an object that do not say what will run.
const NOT_DESIRED: [&str; 2] = ["metadata", "status"];

/// Remarks on the images of an object that are not at one of the `judged` positions. `hint` gets the path of the first
/// one and returns how a note goes on.
pub(super) fn remark(
    object: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    judged: &[Position],
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let mut search =
        Search { judged: judged.iter().copied().collect(), path: String::new(), images: Images::default() };
    for (key, value) in Tree::entries(object) {
        if !NOT_DESIRED.contains(&key.as_str()) {
            search.entry(&key, value);
        }
    }
    let Images { count, paths, has_more, first } = search.images;
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

struct Search {
    judged: BTreeSet<Position>,
    path: String,
    images: Images,
}

impl Search {
    /// The depth of the tree limits the recursion.
    fn entry(&mut self, key: &str, value: Node<'_, '_>) {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&UntrustedText::from(key).terminal());
        if let Some(at) = (key == "image").then(|| named_image(value)).flatten()
            && !self.judged.contains(&at)
        {
            self.add(at);
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
            Value::Sequence => {
                let length = self.path.len();
                self.path.push_str("[*]");
                value.items().for_each(|item| self.value(item));
                self.path.truncate(length);
            }
            _ => {}
        }
    }

    fn add(&mut self, at: Position) {
        let Images { count, paths, has_more, first } = &mut self.images;
        *count += 1;
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

/// Where the value of a field `image` names an image: a reference, or a mapping with its parts. Other texts are addresses of
/// pictures, patterns and titles.
fn named_image(value: Node<'_, '_>) -> Option<Position> {
    let is_text = |part: &Node<'_, '_>| matches!(part.value(), Value::String(_));
    match value.value() {
        Value::String(text) => matches!(
            Reference::parse(text),
            Ok(_) | Err(ReferenceError::Placeholder { .. } | ReferenceError::UppercaseRepository { .. })
        )
        .then(|| value.position()),
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
