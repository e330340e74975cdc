//! Images among values of Helm charts. A chart may do with its values what it likes, so they are found by the convention of
//! Renovate's manager `helm-values` (<https://docs.renovatebot.com/modules/manager/helm-values/>), with a pull policy beside
//! the image.

use std::fmt::Write as _;

use tagwatch_core::kinds::Tree;
use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::{ContainerPlace, Manifest, Reason, Unjudged, open_indexes, uncovered};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// The kind of values, in JSON and for policies.
pub(crate) const VALUES_KIND: &str = "HelmValues";

/// Most images that are read of one document.
const MAX_IMAGES: usize = 10_000;

/// What begins a part that is replaced before the chart sees it: a template, a variable of Flux or of a script.
const PLACEHOLDERS: [&str; 4] = ["{{", "${", "$(", "<"];

/// An image as values name it.
struct Found {
    path: String,
    /// Repository, tag and digest put together.
    image: String,
    /// Position of what decides on the version, and of the image as a whole.
    at: Position,
    repository_at: Position,
    pull_policy: Option<(String, Position)>,
    is_complete: bool,
}

/// Reads the images below a node. `path` is that of the node, from the root of its object. Those whose tag the chart decides
/// on are counted in a note: often it is the version of the application.
pub(super) fn read_values(
    values: Node<'_, '_>,
    path: &str,
    manifest: &mut Manifest,
) -> Vec<(Container, ContainerPlace)> {
    let mut search = Search { path: path.to_owned(), found: Vec::new() };
    search.entries(values);
    if search.found.len() == MAX_IMAGES {
        let message = format!("more than {MAX_IMAGES} images in these values: the others are not judged");
        manifest.remark(values.position(), NoteCode::OverBudget, message);
    }
    let mut containers = Vec::new();
    for found in search.found {
        if PLACEHOLDERS.iter().any(|mark| found.image.contains(mark)) {
            manifest.unjudged.push(unjudged(&found, Reason::Parameter));
        } else if !found.is_complete {
            manifest.unjudged.push(unjudged(&found, Reason::LeftToChart));
        } else {
            containers.push(found.container());
        }
    }
    containers
}

/// Reads a file with values. Images at other places than those of the convention are counted.
pub(crate) fn read_file_of_values(
    root: Node<'_, '_>,
    manifest: &mut Manifest,
) -> Vec<(Container, ContainerPlace)> {
    let containers = read_values(root, "", manifest);
    uncovered::remark_values(root, VALUES_KIND, &count_images(root), manifest);
    containers
}

/// Counts the images of a chart's own default values, which are judged only where the command line names the file.
pub(crate) fn count_default_values(root: Node<'_, '_>, manifest: &mut Manifest) {
    let mut search = Search { path: String::new(), found: Vec::new() };
    search.entries(root);
    let judged: Vec<Position> = search.found.iter().map(|found| found.repository_at).collect();
    let hint = "; they are defaults of a chart: name the file on the command line to have them judged";
    for found in search.found {
        let reason = Reason::NotCovered { hint: Some(hint.to_owned()) };
        manifest.unjudged.push(unjudged(&found, reason));
    }
    uncovered::remark_values(root, VALUES_KIND, &judged, manifest);
}

/// The images below a node that values name, complete or not: their number, and their positions.
pub(super) fn count_images(values: Node<'_, '_>) -> Vec<Position> {
    let mut search = Search { path: String::new(), found: Vec::new() };
    search.entries(values);
    search.found.iter().map(|found| found.repository_at).collect()
}

fn unjudged(found: &Found, reason: Reason) -> Unjudged {
    Unjudged {
        api_version: "".into(),
        kind: VALUES_KIND.into(),
        reason,
        count: 1,
        paths: vec![open_indexes(&found.path)],
        has_more: false,
        at: found.at,
    }
}

impl Found {
    fn container(self) -> (Container, ContainerPlace) {
        let (pull_policy, pull_policy_at) = self.pull_policy.unzip();
        let container = Container {
            name: self.path.as_str().into(),
            container_type: ContainerType::Container,
            image: self.image.into(),
            pull_policy: pull_policy.map(UntrustedText::from),
            field_path: self.path,
            observed: None,
            drift: None,
        };
        (container, ContainerPlace { image: self.at, pull_policy: pull_policy_at })
    }
}

struct Search {
    path: String,
    found: Vec<Found>,
}

impl Search {
    /// The depth of the tree limits the recursion.
    fn entries(&mut self, node: Node<'_, '_>) {
        if self.found.len() == MAX_IMAGES {
            return;
        }
        let length = self.path.len();
        for (key, value) in Tree::entries(node) {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&UntrustedText::from(key.as_str()).terminal());
            let found = key.to_ascii_lowercase().ends_with("image").then(|| self.image(value)).flatten();
            match found {
                Some(found) => self.found.push(found),
                None => self.entries(value),
            }
            self.path.truncate(length);
        }
        for (index, item) in node.items().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{index}]");
            self.entries(item);
            self.path.truncate(length);
        }
    }

    fn image(&self, value: Node<'_, '_>) -> Option<Found> {
        match value.value() {
            Value::Mapping => self.mapping(value),
            Value::String(text) => self.inline(text, value.position()),
            _ => None,
        }
    }

    fn mapping(&self, value: Node<'_, '_>) -> Option<Found> {
        let part = |field: &str| {
            let part = value.get(field)?;
            let text = part.text().filter(|text| !text.is_empty())?;
            Some((text, part.position()))
        };
        let (repository, repository_at) = part("repository")?;
        let tag = part("tag").or_else(|| part("version"));
        let digest = part("digest").or_else(|| part("sha"));
        let mut image = match part("registry") {
            Some((registry, _)) => format!("{}/{repository}", registry.trim_end_matches('/')),
            None => repository.to_owned(),
        };
        for (sign, part) in [(':', tag), ('@', digest)] {
            if let Some((text, _)) = part {
                image.push(sign);
                // Some charts write the algorithm themselves.
                image.push_str(if sign == '@' && !text.contains(':') { "sha256:" } else { "" });
                image.push_str(text);
            }
        }
        // The tag may be part of the repository.
        let is_complete = tag.or(digest).is_some() || has_version(repository);
        let policy = part("pullPolicy").or_else(|| part("imagePullPolicy"));
        Some(Found {
            path: self.path.clone(),
            image,
            at: tag.or(digest).map_or(repository_at, |(_, at)| at),
            repository_at,
            pull_policy: policy.map(|(text, at)| (text.to_owned(), at)),
            is_complete,
        })
    }

    /// A text is an image where it is a reference with a tag or a digest. Without one it may be anything, such as the name of
    /// a picture.
    fn inline(&self, text: &str, at: Position) -> Option<Found> {
        let is_placeholder = PLACEHOLDERS.iter().any(|mark| text.contains(mark)) && text.contains([':', '/']);
        (is_placeholder || has_version(text)).then(|| Found {
            path: self.path.clone(),
            image: text.to_owned(),
            at,
            repository_at: at,
            pull_policy: None,
            is_complete: true,
        })
    }
}

fn has_version(image: &str) -> bool {
    Reference::parse(image).is_ok_and(|reference| reference.tag().or(reference.digest()).is_some())
}
