//! Images that no place of their kind leads to: they are counted and named, not silently skipped.

use tagwatch_core::kinds::{group_of, template_path_of};
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

/// The field of an object that does not say what will run.
const STATUS: &str = "status";

/// Fields of metadata in which authors name what they like, or the API server says who wrote which field. Annotations that
/// programs read are looked at by their keys.
const FREE_METADATA: [&str; 3] = ["annotations", "labels", "managedFields"];

/// What is known of an object whose images are searched.
#[derive(Default)]
pub(crate) struct Known<'k, 'd, 't> {
    /// Positions of images that are judged, or counted elsewhere.
    pub(crate) judged: &'k [Position],
    /// Pod templates, with their paths: their metadata have free fields as those of the object.
    pub(crate) templates: &'k [(Node<'d, 't>, &'k str)],
    /// Values that are read in another way.
    pub(crate) elsewhere: &'k [Node<'d, 't>],
}

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
    let known = Known { judged, ..Known::default() };
    remark_beside(object, (api_version, kind), known, hint, manifest);
}

/// The same of an object of which more is known.
pub(crate) fn remark_beside<'d, 't>(
    object: Node<'d, 't>,
    (api_version, kind): (&str, &str),
    known: Known<'_, 'd, 't>,
    hint: impl FnOnce(&str) -> Option<String>,
    manifest: &mut Manifest,
) {
    let search = Search { has_packages: group_of(api_version) == PACKAGES, ..Search::beside(known) };
    let images = search.of_object(object);
    let hint = images.paths.first().and_then(|path| hint(path));
    push(images, (api_version, kind), Reason::NotCovered { hint }, manifest);
}

/// Whether an annotation can name an image, by its key: [`Search::metadata`] looks at no other one.
pub(super) fn may_be_of_image(annotation: &str) -> bool {
    // Without a prefix it is a remark of its author, which no program reads.
    let is_named = matches!(Naming::of(annotation), Naming::Image | Naming::Like) && annotation.contains('/');
    is_named || FUNCTIONS.contains(&annotation)
}

/// Whether a document names other images than those at so many places, each by a key of its own. `true` where only a search can
/// tell.
pub(super) fn may_name_others(root: Node<'_, '_>, places: usize) -> bool {
    let may_name = |text: &str| {
        Naming::of(text) != Naming::Other
            || image_fields::REPOSITORIES.contains(&text)
            || embedded::may_be_mapping(text)
    };
    root.count_scalars(may_name) != Some(places)
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
    let known = Known { judged, ..Known::default() };
    let search = Search { is_of_values: true, ..Search::beside(known) };
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

/// A step of a path.
#[derive(Clone, Copy)]
enum Step<'d> {
    Field(&'d str),
    /// Each item of a list.
    Items,
}

/// Where a search is. Few places are named, so each step is written when it is first part of one.
#[derive(Default)]
struct Path<'d> {
    steps: Vec<Step<'d>>,
    /// The first steps, safe for a terminal, and where each of them ends.
    text: String,
    ends: Vec<usize>,
}

impl<'d> Path<'d> {
    fn enter(&mut self, step: Step<'d>) {
        self.steps.push(step);
    }

    fn leave(&mut self) {
        self.steps.pop();
        self.ends.truncate(self.steps.len());
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
    }

    fn text(&mut self) -> &str {
        for step in self.steps.iter().skip(self.ends.len()) {
            match step {
                Step::Items => self.text.push_str("[*]"),
                Step::Field(key) => {
                    self.text.push_str(if self.text.is_empty() { "" } else { "." });
                    self.text.push_str(&UntrustedText::from(*key).terminal());
                }
            }
            self.ends.push(self.text.len());
        }
        &self.text
    }
}

#[derive(Default)]
struct Search<'k, 'd, 't> {
    known: Known<'k, 'd, 't>,
    /// Positions of images that are judged, in order.
    judged: Vec<Position>,
    /// Positions of values that are not looked at, in order.
    skipped: Vec<Position>,
    /// Whether it is in a text already.
    is_embedded: bool,
    /// Whether it is in values of a chart.
    is_of_values: bool,
    /// Whether a field `package` names an image.
    has_packages: bool,
    path: Path<'d>,
    images: Images,
}

impl<'k, 'd, 't> Search<'k, 'd, 't> {
    fn beside(known: Known<'k, 'd, 't>) -> Self {
        let mut judged = known.judged.to_vec();
        judged.sort_unstable();
        Self { known, judged, ..Self::default() }
    }

    fn of_object(mut self, object: Node<'d, 't>) -> Images {
        let Known { templates, elsewhere, judged: _ } = self.known;
        self.skipped.extend(elsewhere.iter().map(|node| node.position()));
        self.metadata(object, "");
        for (template, path) in templates {
            self.metadata(*template, path);
        }
        self.skipped.sort_unstable();
        for (key, value) in object.merged_entries() {
            if key != STATUS {
                self.entry(key, value);
            }
        }
        // JSON patches, and lists of objects.
        self.items(object);
        self.images
    }

    /// Annotations whose names are those of images, such as `sidecar.istio.io/proxyImage`: admission adds containers with them.
    /// And functions of Kustomize, which run an image (kyaml/fn/runtime/runtimeutil of kubernetes-sigs/kustomize).
    fn metadata(&mut self, holder: Node<'d, 't>, path: &str) {
        let Some(metadata) = holder.get("metadata") else { return };
        let free = FREE_METADATA.iter().filter_map(|field| metadata.get(field));
        self.skipped.extend(free.map(Node::position));
        for (key, value) in metadata.get("annotations").into_iter().flat_map(Node::entries) {
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
                let separator = if path.is_empty() { "" } else { "." };
                let key = UntrustedText::from(key).terminal();
                let path = format!("{path}{separator}metadata.annotations.{key}");
                self.images.add(value.position(), count, &path);
            }
        }
    }

    /// The depth of the tree limits the recursion.
    fn entry(&mut self, key: &'d str, value: Node<'d, 't>) {
        self.path.enter(Step::Field(key));
        let named = self.named(key, value);
        for &at in &named {
            if !self.is_judged(at) {
                self.add(at, 1);
            }
        }
        if is_block_device(key, value) {
            for (key, value) in value.merged_entries().into_iter().filter(|(key, _)| *key != "image") {
                self.entry(key, value);
            }
        } else {
            self.value(value, !named.is_empty());
        }
        self.path.leave();
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
    fn value(&mut self, value: Node<'d, 't>, is_counted: bool) {
        match value.value() {
            Value::Mapping | Value::Sequence if self.skipped.binary_search(&value.position()).is_ok() => {}
            Value::Mapping => {
                let parts = if is_counted { None } else { image_fields::parts(value, self.is_of_values) };
                if let Some(at) = parts.filter(|&at| !self.is_judged(at)) {
                    self.add(at, 1);
                }
                for (key, value) in value.merged_entries() {
                    self.entry(key, value);
                }
            }
            Value::Sequence => self.items(value),
            Value::String(text) if !self.is_embedded && !self.is_judged(value.position()) => {
                let count = embedded::images_in(text);
                if count > 0 {
                    self.add(value.position(), count);
                }
            }
            _ => {}
        }
    }

    fn items(&mut self, list: Node<'d, 't>) {
        self.path.enter(Step::Items);
        list.items().for_each(|item| self.value(item, false));
        self.path.leave();
    }

    fn is_judged(&self, at: Position) -> bool {
        self.judged.binary_search(&at).is_ok()
    }

    fn add(&mut self, at: Position, found: u64) {
        self.images.add(at, found, self.path.text());
    }
}

impl Images {
    fn add(&mut self, at: Position, found: u64, path: &str) {
        self.count += found;
        self.first.get_or_insert(at);
        if self.paths.iter().all(|known| known != path) {
            if self.paths.len() < MAX_PATHS {
                self.paths.push(path.to_owned());
            } else {
                self.has_more = true;
            }
        }
    }
}

/// Whether a field is a volume on a block device of Ceph, whose image is none of containers: `RBDVolumeSource` of
/// `k8s.io/api/core/v1/types.go`, which requires monitors.
fn is_block_device(key: &str, value: Node<'_, '_>) -> bool {
    key == "rbd" && value.get("monitors").is_some()
}
