//! Links of a page in Markdown to other files of the checkout.

use std::path::{Component, Path, PathBuf};

use super::page::{Heading, Target};

/// The target of every inline link and picture, outside code.
pub(super) fn targets(page: &Path, text: &str) -> Vec<Target> {
    let mut is_code = false;
    let mut targets = Vec::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if !is_code {
            targets.extend(links(line).filter(|link| !link.contains("://")).map(|link| target(page, link)));
        }
    }
    targets
}

/// What stands in parentheses behind a bracket that closes.
fn links(line: &str) -> impl Iterator<Item = &str> {
    // Every second piece between backticks is code.
    let text = line.split('`').step_by(2);
    text.flat_map(|text| text.split("](").skip(1)).filter_map(|behind| Some(behind.split_once(')')?.0))
}

fn target(page: &Path, link: &str) -> Target {
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link, None),
    };
    let path = if path.is_empty() { page.to_owned() } else { beside(page, path) };
    Target { path, heading: anchor.map(|anchor| Heading::Anchor(anchor.to_owned())) }
}

/// A path that is written from the folder of a page, from the checkout. One that leaves the checkout is not there.
fn beside(page: &Path, path: &str) -> PathBuf {
    let folder = page.parent().unwrap_or(Path::new(""));
    let mut found = PathBuf::new();
    for part in folder.join(path).components() {
        if part != Component::ParentDir {
            found.push(part);
        } else if !found.pop() {
            found.push("outside-of-the-checkout");
        }
    }
    found
}
