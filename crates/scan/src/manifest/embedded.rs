//! Manifests that are texts inside of others: patches in kustomizations, data of a `ConfigMap` or a Secret, and fields of
//! custom kinds, such as the manifest of an Argo resource template. Their images are counted.

use std::collections::BTreeSet;

use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;

use super::image_fields::{self, Naming};
use super::image_parts::ImageParts;
use super::texts::{self, MAX_DEPTH, images_in_lines};
use super::{Manifest, Reason, Unjudged, search};
use crate::note::NoteCode;
use crate::yaml::{Documents, Node, Position, Source, YamlError, decode_base64};

/// Most bytes of a text in Base64 that is decoded: the most that a `ConfigMap` or a Secret can hold (`MaxSecretSize` of
/// `pkg/apis/core/validation`), by four thirds.
const MAX_ENCODED: usize = (1 << 20) / 3 * 4 + 4;

/// Where a text stands, and why its images are not judged.
pub(crate) struct Embedded {
    pub(crate) at: Position,
    /// Path from the root of the object; safe for a terminal.
    pub(crate) path: String,
    pub(crate) reason: Reason,
}

/// Counts the images of the manifests, or patches, in a text.
pub(crate) fn count_embedded_images(text: &str, embedded: Embedded, kinds: &Kinds, manifest: &mut Manifest) {
    let Embedded { at, path, reason } = embedded;
    let (mut count, mut is_unread, mut is_template) = (0, false, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, texts::limits(manifest.depth)) {
        let document = match document {
            Ok(document) => document,
            Err(located) if located.error.is_fatal() => {
                return manifest.remark(at, NoteCode::OverBudget, format!("{path}: {}", located.error));
            }
            Err(located) => {
                is_unread = true;
                is_template |= located.error == YamlError::TemplateAction;
                continue;
            }
        };
        let mut read = Manifest { depth: manifest.depth + 1, ..Manifest::default() };
        super::object::read(document.root(), kinds, &mut read);
        read.set_aside_as_patch();
        let images = read.workloads.iter().map(|located| located.workload.containers.len());
        count += u64::try_from(images.sum::<usize>()).unwrap_or(u64::MAX);
        count += read.unjudged.iter().map(|unjudged| unjudged.count).sum::<u64>();
    }
    if is_unread {
        count = count.max(images_in_lines(text, is_template));
    }
    Embedded { at, path, reason }.count(count, manifest);
}

impl Embedded {
    /// Counts images of the text, if there are any.
    fn count(self, count: u64, manifest: &mut Manifest) {
        let Self { at, path, reason } = self;
        if count > 0 {
            manifest.unjudged.push(Unjudged {
                api_version: "".into(),
                kind: "".into(),
                reason,
                count,
                paths: vec![path],
                has_more: false,
                at,
            });
        }
    }
}

/// The fields of a built-in kind that hold texts by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextFields {
    pub(super) plain: &'static str,
    /// Texts in Base64.
    pub(super) encoded: &'static str,
}

impl TextFields {
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        match (api_version, kind) {
            ("v1", "ConfigMap") => Some(Self { plain: "data", encoded: "binaryData" }),
            ("v1", "Secret") => Some(Self { plain: "stringData", encoded: "data" }),
            _ => None,
        }
    }
}

/// Counts the images that texts of a `ConfigMap` or a Secret name: manifests and other mappings, settings and scripts among them,
/// and those whose key says that they are images.
pub(super) fn read_texts(node: Node<'_, '_>, fields: TextFields, kinds: &Kinds, manifest: &mut Manifest) {
    let TextFields { plain, encoded } = fields;
    let entries = |field: &str| node.get(field).map(Node::merged_entries).unwrap_or_default();
    // An alias stands for a text that is read.
    let mut known = BTreeSet::new();
    let mut parts = ImageParts::new();
    let texts = entries(plain);
    for &(key, value) in &texts {
        let Some(text) = value.text().filter(|text| known.insert(text.as_ptr())) else { continue };
        read_text(text, &Place { field: plain, key, at: value.position() }, kinds, manifest);
        search::add_part(&mut parts, key, value);
    }
    let found: BTreeSet<Position> = parts.found().collect();
    for (key, value) in texts.into_iter().filter(|(_, value)| found.contains(&value.position())) {
        Place { field: plain, key, at: value.position() }.embedded().count(1, manifest);
    }
    for (key, value) in entries(encoded) {
        let is_read = |text: &&str| text.len() <= MAX_ENCODED && known.insert(text.as_ptr());
        if let Some(text) = value.text().filter(is_read).and_then(decode_base64) {
            read_text(&text, &Place { field: encoded, key, at: value.position() }, kinds, manifest);
        }
    }
}

/// The place of a text in a field.
struct Place<'k> {
    field: &'static str,
    key: &'k str,
    at: Position,
}

impl Place<'_> {
    fn embedded(&self) -> Embedded {
        let path = format!("{}.{}", self.field, UntrustedText::from(self.key).terminal());
        Embedded { at: self.at, path, reason: Reason::Embedded }
    }
}

fn read_text(text: &str, place: &Place<'_>, kinds: &Kinds, manifest: &mut Manifest) {
    let naming = Naming::of(without_extension(place.key));
    let before = manifest.unjudged.len();
    if manifest.depth < MAX_DEPTH && ["apiVersion", "kind", "image"].iter().all(|word| text.contains(word)) {
        count_embedded_images(text, place.embedded(), kinds, manifest);
    }
    if manifest.unjudged.len() > before {
        return;
    }
    let count = match naming {
        Naming::Image | Naming::Like if image_fields::is_versioned_image(text) => 1,
        Naming::List => image_fields::count_in_list(text),
        // Most data is configuration of other programs.
        _ => texts::images_in(text, manifest.depth),
    };
    place.embedded().count(count, manifest);
}

/// The name of a file without what says how it is written, such as `images` of `images.txt`.
fn without_extension(name: &str) -> &str {
    const EXTENSIONS: [&str; 6] = [".conf", ".json", ".list", ".txt", ".yaml", ".yml"];
    EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}
