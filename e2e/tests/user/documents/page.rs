//! The pages, and what one can lead to.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where a citation or a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Path of the page, from the root of the checkout.
    pub(super) path: PathBuf,
    pub(super) heading: Option<Heading>,
}

/// A heading of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// As it is written.
    Text(String),
    /// As a link names it.
    Anchor(String),
}

/// Whether a file is written in Markdown.
pub(super) fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The files of a checkout.
pub(super) struct Pages<'a> {
    checkout: &'a Path,
}

impl<'a> Pages<'a> {
    pub(super) fn new(checkout: &'a Path) -> Self {
        Self { checkout }
    }

    /// Why a target leads nowhere; `None` where it does not.
    pub(super) fn mistake(&self, target: &Target) -> Option<String> {
        let Target { path, heading } = target;
        let file = self.checkout.join(path);
        if !file.exists() {
            return Some(format!("there is no {}", path.display()));
        }
        let heading = heading.as_ref()?;
        let Ok(text) = fs::read_to_string(&file) else {
            return Some(format!("{} is no page, so it has no headings", path.display()));
        };
        let missing = missing(&text, heading)?;
        Some(format!("{} has no heading {missing}", path.display()))
    }
}

/// The heading in quotes, where a page does not have it.
pub(super) fn missing(page: &str, heading: &Heading) -> Option<String> {
    let headings = headings(page);
    let (name, is_there) = match heading {
        Heading::Text(name) => (format!("{name:?}"), headings.contains(name)),
        Heading::Anchor(name) => (format!("#{name}"), anchors(&headings).contains(name)),
    };
    (!is_there).then_some(name)
}

fn headings(page: &str) -> Vec<String> {
    let mut is_code = false;
    let mut headings = Vec::new();
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let text = line.trim_start_matches('#');
        if !is_code && text.len() < line.len() && text.starts_with(' ') {
            headings.push(text.trim().to_owned());
        }
    }
    headings
}

/// As GitHub makes them: lower case, without punctuation, a dash for a blank, and a number for one that comes again.
fn anchors(headings: &[String]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for heading in headings {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String =
            kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect();
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let is_new = |anchor: &String| !anchors.contains(anchor);
        anchors.extend(std::iter::once(anchor.clone()).chain(numbered).find(is_new));
    }
    anchors
}
