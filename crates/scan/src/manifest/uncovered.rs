//! Images that no place of their kind leads to: they are counted and named, not silently skipped.

use std::collections::BTreeSet;

use tagwatch_core::kinds::{Tree, group_of, template_path_of};
use tagwatch_core::text::UntrustedText;

use super::image_fields::{self, Naming};
use super::{Manifest, Reason, Unjudged, embedded};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// Most paths that a note names.
pub(crate) const MAX_PATHS: usize = 3;

/// The group of Crossplane's packages: a provider or a function runs the image that `package` names
/// (apis/pkg of crossplane/crossplane).
const PACKAGES: &str = "pkg.crossplane.io";

/// Annotations with a function: `FunctionAnnotationKey` and its former name.
const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

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
    let search = Search {
        judged: judged.iter().copied().collect(),
        has_packages: group_of(api_version) == PACKAGES,
        ..Search::default()
    };
    let images = search.of_object(object);
    let hint = images.paths.first().and_then(|path| hint(path));
    push(images, (api_version, kind), Reason::NotCovered { hint }, manifest);
}

/// Remarks on the images that annotations of a workload of Kubernetes, and of its pod template, name: admission adds containers
/// with them.
pub(super) fn remark_annotations<'o, 'd, 't: 'd>(
    object: Node<'d, 't>,
    (api_version, kind): (&str, &str),
    templates: impl Iterator<Item = (Node<'d, 't>, &'o str)>,
    manifest: &mut Manifest,
) {
    let mut search = Search::default();
    search.annotations(object, "metadata.annotations");
    for (template, path) in templates {
        search.annotations(template, &format!("{path}.metadata.annotations"));
    }
    push(search.images, (api_version, kind), Reason::NotCovered { hint: None }, manifest);
}

/// Whether an annotation can name an image, by its key: [`remark_annotations`] looks at no other one.
pub(super) fn may_be_of_image(annotation: &str) -> bool {
    // Without a prefix it is a remark of its author, which no program reads.
    let Some((_, name)) = annotation.rsplit_once('/') else { return false };
    FUNCTIONS.contains(&annotation) || matches!(Naming::of(name), Naming::Image | Naming::Like)
}

/// Remarks on a document that is no object, with the images that it names.
pub(super) fn remark_other(document: Node<'_, '_>, what: String, manifest: &mut Manifest) {
    let search = Search { is_embedded: true, ..Search::default() };
    let images = search.of_object(document);
    if images.first.is_none() {
        return manifest.remark(document.position(), NoteCode::NotKubernetesObject, what);
    }
    let images = Images { first: Some(document.position()), ..images };
    push(images, ("", ""), Reason::NoObject { what }, manifest);
}

/// Remarks on the images in values of a chart that are not at one of the `judged` positions, as those of manifests that are
/// texts there. A field called `image` can hold anything: it names one where it has a version or a registry, or a tag beside it.
pub(super) fn remark_values(values: Node<'_, '_>, kind: &str, judged: &[Position], manifest: &mut Manifest) {
    let search = Search { judged: judged.iter().copied().collect(), is_of_values: true, ..Search::default() };
    push(search.of_object(values), ("", kind), Reason::NotCovered { hint: None }, manifest);
}

fn push(images: Images, (api_version, kind): (&str, &str), reason: Reason, manifest: &mut Manifest) {
    let Images { count, paths, has_more, first } = images;
    let Some(at) = first else { return };
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

/// Whether the path of a field, with dots or slashes, leads to an image.
pub(super) fn leads_to_image(path: &str) -> bool {
    path.rsplit(['.', '/']).next().is_some_and(|field| matches!(field, "image" | "reference"))
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
    /// Whether it is in values of a chart.
    is_of_values: bool,
    /// Whether a field `package` names an image.
    has_packages: bool,
    path: String,
    images: Images,
}

impl Search {
    fn of_object(mut self, object: Node<'_, '_>) -> Images {
        self.annotations(object, "metadata.annotations");
        for (key, value) in Tree::entries(object) {
            if !NOT_DESIRED.contains(&key.as_str()) {
                self.entry(&key, value);
            }
        }
        // JSON patches, and lists of objects.
        self.items(object);
        self.images
    }

    /// Annotations whose names are those of images, such as `sidecar.istio.io/proxyImage`, and functions of Kustomize, which
    /// run an image (kyaml/fn/runtime/runtimeutil of kubernetes-sigs/kustomize).
    fn annotations(&mut self, holder: Node<'_, '_>, path: &str) {
        let annotations = holder.get("metadata").and_then(|metadata| metadata.get("annotations"));
        for (key, value) in annotations.into_iter().flat_map(Node::entries) {
            let Some((key, text)) = key.text().zip(value.text()) else { continue };
            if !may_be_of_image(key) {
                continue;
            }
            let count = if FUNCTIONS.contains(&key) {
                embedded::images_in(text)
            } else {
                u64::from(image_fields::versioned(value).is_some())
            };
            if count > 0 {
                self.path = format!("{path}.{}", UntrustedText::from(key).terminal());
                self.add(value.position(), count);
                self.path.clear();
            }
        }
    }

    /// The depth of the tree limits the recursion.
    fn entry(&mut self, key: &str, value: Node<'_, '_>) {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&UntrustedText::from(key).terminal());
        let named = self.named(key, value);
        for &at in &named {
            if !self.judged.contains(&at) {
                self.add(at, 1);
            }
        }
        self.value(value, !named.is_empty());
        self.path.truncate(length);
    }

    /// Where the value of a field names images.
    fn named(&self, key: &str, value: Node<'_, '_>) -> Vec<Position> {
        match Naming::of(key) {
            _ if self.has_packages && key == "package" => {
                image_fields::versioned(value).into_iter().collect()
            }
            Naming::Image if !self.is_of_values => image_fields::named(value).into_iter().collect(),
            Naming::Image | Naming::Like => image_fields::versioned(value).into_iter().collect(),
            Naming::List => image_fields::listed(value),
            Naming::Other => Vec::new(),
        }
    }

    /// `is_counted` says that the images that the value itself names are.
    fn value(&mut self, value: Node<'_, '_>, is_counted: bool) {
        match value.value() {
            Value::Mapping => {
                let parts = if is_counted { None } else { image_fields::parts(value, self.is_of_values) };
                if let Some(at) = parts.filter(|at| !self.judged.contains(at)) {
                    self.add(at, 1);
                }
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
        list.items().for_each(|item| self.value(item, false));
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
