//! A search for images in an object, in values or in a text of which no place is known: by the names of fields, parameters and
//! variables, and in manifests, patches, settings and lists that are texts there.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::text::UntrustedText;

use super::image_fields::{self, Naming};
use super::image_parts::ImageParts;
use super::{helm_values, set_values, texts};
use crate::yaml::{Node, Position, Value};

/// Most paths that a note names.
pub(crate) const MAX_PATHS: usize = 3;

/// Annotations with a function: `FunctionAnnotationKey` and its former name.
pub(super) const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

/// The field of an object that does not say what will run.
const STATUS: &str = "status";

const METADATA: &str = "metadata";
const ANNOTATIONS: &str = "annotations";

/// Fields of metadata in which authors name what they like, or the API server says who wrote which field. Annotations that
/// programs read are looked at by their keys.
const FREE_METADATA: [&str; 3] = [ANNOTATIONS, "labels", "managedFields"];

/// Fields with texts for people.
const PROSE: [&str; 5] = ["description", "displayName", "message", "summary", "title"];

/// What is known of an object whose images are searched.
#[derive(Default)]
pub(crate) struct Known<'k, 'd, 't> {
    /// Positions of images that are judged, or counted elsewhere.
    pub(crate) judged: &'k [Position],
    /// Values that are read in another way.
    pub(crate) elsewhere: &'k [Node<'d, 't>],
}

/// The number of images in an object, a patch or values that a text holds. `depth` is the number of texts around. In a text that
/// can be a title, a field called `image` can hold anything.
pub(super) fn count(root: Node<'_, '_>, depth: usize, may_be_title: bool) -> u64 {
    let scope = Scope { depth, is_of_values: may_be_title, has_packages: false };
    Search::new(Known::default(), scope).of_object(root).count
}

/// The number of images in values of a chart.
pub(super) fn count_in_values(root: Node<'_, '_>, depth: usize) -> u64 {
    let found = helm_values::count_images(root);
    let known = Known { judged: &found, elsewhere: &[] };
    let scope = Scope { depth, is_of_values: true, has_packages: false };
    Search::new(known, scope).of_object(root).count + u64::try_from(found.len()).unwrap_or(u64::MAX)
}

/// Images by what a note says of them.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) count: u64,
    /// The first paths, with `[*]` for items of lists; safe for a terminal.
    pub(super) paths: Vec<String>,
    pub(super) has_more: bool,
    pub(super) first: Option<Position>,
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

/// What is searched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scope {
    /// Number of texts around.
    pub(super) depth: usize,
    /// Whether it is in values of a chart. A field called `image` can hold anything there: it names an image where it has a
    /// version or a registry, or a tag beside it.
    pub(super) is_of_values: bool,
    /// Whether a field `package` names an image.
    pub(super) has_packages: bool,
}

/// Each image is counted once, where it is written.
#[derive(Default)]
pub(super) struct Search<'k, 'd, 't> {
    known: Known<'k, 'd, 't>,
    /// Positions of images that are judged, and of those that are counted.
    seen: BTreeSet<Position>,
    /// Positions of values that are not looked at, in order.
    skipped: Vec<Position>,
    scope: Scope,
    /// Images in texts that were read, by where a text is in memory: an alias stands for the same one.
    texts: BTreeMap<*const u8, u64>,
    path: Path<'d>,
    images: Images,
}

impl<'k, 'd, 't> Search<'k, 'd, 't> {
    pub(super) fn new(known: Known<'k, 'd, 't>, scope: Scope) -> Self {
        let seen = known.judged.iter().copied().collect();
        Self { known, seen, scope, ..Self::default() }
    }

    pub(super) fn of_object(mut self, object: Node<'d, 't>) -> Images {
        self.skipped.extend(self.known.elsewhere.iter().map(|node| node.position()));
        self.skipped.sort_unstable();
        match object.value() {
            // JSON patches, and lists of objects.
            Value::Sequence => self.items(object),
            _ => self.mapping(object, true),
        }
        self.images
    }

    /// The depth of the tree limits the recursion.
    fn entry(&mut self, key: &'d str, value: Node<'d, 't>) {
        let is_of_metadata = matches!(self.path.steps.last(), Some(Step::Field(METADATA)));
        self.path.enter(Step::Field(key));
        if is_of_metadata && FREE_METADATA.contains(&key) {
            if key == ANNOTATIONS {
                self.annotations(value);
            }
        } else if is_block_device(key, value) {
            for (key, value) in value.merged_entries().into_iter().filter(|(key, _)| *key != "image") {
                self.entry(key, value);
            }
        } else {
            for at in self.named(key, value) {
                self.add(at, 1);
            }
            match value.value() {
                Value::String(_) if PROSE.contains(&key) => {}
                Value::String(text) if Naming::of(key) == Naming::List => {
                    self.add(value.position(), image_fields::count_in_list(text));
                }
                _ => self.value(value),
            }
        }
        self.path.leave();
    }

    /// Annotations whose names are those of images, such as `sidecar.istio.io/proxyImage`: admission adds containers with them.
    /// And functions of Kustomize, which run an image (kyaml/fn/runtime/runtimeutil of kubernetes-sigs/kustomize).
    fn annotations(&mut self, annotations: Node<'d, 't>) {
        for (key, value) in annotations.merged_entries() {
            let Some(text) = value.text().filter(|_| super::uncovered::may_be_of_image(key)) else {
                continue;
            };
            let count = if FUNCTIONS.contains(&key) {
                texts::images_in(text, self.scope.depth)
            } else {
                u64::from(image_fields::is_versioned_image(text))
            };
            self.path.enter(Step::Field(key));
            self.add(value.position(), count);
            self.path.leave();
        }
    }

    /// Where the value of a field names images.
    fn named(&self, key: &str, value: Node<'_, '_>) -> Vec<Position> {
        // That of a policy of Kyverno adds a field where there is none; other anchors hold conditions.
        let key = key.strip_prefix("+(").and_then(|key| key.strip_suffix(')')).unwrap_or(key);
        match Naming::of(key) {
            _ if self.scope.has_packages && key == "package" => image_fields::versioned(value),
            Naming::Image if !self.scope.is_of_values => image_fields::named(value),
            Naming::Image | Naming::Like => image_fields::versioned(value),
            Naming::List => image_fields::listed(value),
            Naming::Other => Vec::new(),
        }
    }

    fn value(&mut self, value: Node<'d, 't>) {
        match value.value() {
            Value::Mapping | Value::Sequence if self.skipped.binary_search(&value.position()).is_ok() => {}
            Value::Mapping => self.mapping(value, false),
            Value::Sequence => self.items(value),
            Value::String(text) if !self.seen.contains(&value.position()) => {
                let count = self.images_in(text);
                self.add(value.position(), count);
            }
            _ => {}
        }
    }

    fn images_in(&mut self, text: &'d str) -> u64 {
        if !texts::may_hold_image(text) {
            return 0;
        }
        let depth = self.scope.depth;
        *self.texts.entry(text.as_ptr()).or_insert_with(|| texts::images_in(text, depth))
    }

    fn mapping(&mut self, mapping: Node<'d, 't>, is_root: bool) {
        let entries = mapping.merged_entries();
        let text =
            |name: &str| entries.iter().find(|(key, _)| *key == name).and_then(|(_, value)| value.text());
        let is_object = is_root || text("kind").is_some() && text("apiVersion").is_some();
        // It describes images, and holds none.
        if is_object && text("kind") == Some("CustomResourceDefinition") {
            return;
        }
        if let Some(at) = image_fields::parts(mapping, self.scope.is_of_values) {
            self.add(at, 1);
        }
        let mut parts = ImageParts::new();
        for (key, value) in &entries {
            add_part(&mut parts, key, *value);
        }
        for at in parts.found() {
            self.add(at, 1);
        }
        for (field, at) in set_values::found(&entries) {
            self.path.enter(Step::Field(field));
            self.add(at, 1);
            self.path.leave();
        }
        for (key, value) in entries {
            if !(is_object && key == STATUS) {
                self.entry(key, value);
            }
        }
    }

    fn items(&mut self, list: Node<'d, 't>) {
        self.path.enter(Step::Items);
        let mut parts = ImageParts::new();
        let mut flag = "";
        for item in list.items() {
            if let Some((name, value)) = set_values::named_value(item) {
                add_part(&mut parts, name, value);
            }
            if let Value::String(text) = item.value() {
                // The value of a flag can be the next item.
                if Naming::of(texts::flag_name(flag)) != Naming::Other && image_fields::is_image(text) {
                    self.add(item.position(), 1);
                }
                flag = if text.starts_with('-') { text } else { "" };
            }
            self.value(item);
        }
        for at in parts.found() {
            self.add(at, 1);
        }
        self.path.leave();
    }

    fn add(&mut self, at: Position, found: u64) {
        if found > 0 && self.seen.insert(at) {
            self.images.add(at, found, self.path.text());
        }
    }
}

/// Adds a field or a parameter that can be a part of an image.
pub(super) fn add_part<'d>(parts: &mut ImageParts<'d, Position>, key: &'d str, value: Node<'d, '_>) {
    let Some(text) = value.text().filter(|text| !text.is_empty()) else { return };
    let names_one = || Naming::of(key).is_one() && image_fields::is_versioned_image(text);
    let is_name = || image_fields::is_meant_as_image(text) && !names_one();
    parts.add(key, value.position(), is_name);
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
