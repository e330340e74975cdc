//! Manifests that are texts inside of others: patches in kustomizations, data of a `ConfigMap` or a Secret, and fields of
//! custom kinds, such as the manifest of an Argo resource template. Their images are counted.

use memchr::memchr;
use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;

use super::image_fields::{self, Naming};
use super::{Manifest, Reason, Unjudged, uncovered};
use crate::note::NoteCode;
use crate::yaml::{Documents, Limits, Node, Position, Source, YamlError};

/// Limits of a text.
const LIMITS: Limits = Limits { bytes: 1 << 20, documents: 100, nodes: 50_000, depth: 128 };

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
    let (mut count, mut is_template) = (0, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, LIMITS) {
        let document = match document {
            Ok(document) => document,
            Err(located) if located.error.is_fatal() => {
                return manifest.remark(at, NoteCode::OverBudget, format!("{path}: {}", located.error));
            }
            Err(located) => {
                // Otherwise what uses the text refuses it, or it is no YAML.
                is_template |= located.error == YamlError::TemplateAction;
                continue;
            }
        };
        let mut read = Manifest { is_embedded: true, ..Manifest::default() };
        super::object::read(document.root(), None, kinds, &mut read);
        read.set_aside_as_patch();
        let images = read.workloads.iter().map(|located| located.workload.containers.len());
        count += u64::try_from(images.sum::<usize>()).unwrap_or(u64::MAX);
        count += read.unjudged.iter().map(|unjudged| unjudged.count).sum::<u64>();
    }
    if is_template {
        count = count.max(image_lines(text));
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

/// A text in one line is a mapping only as JSON, or in flow style.
pub(super) fn may_be_mapping(text: &str) -> bool {
    memchr(b'\n', text.as_bytes()).is_some() || text.trim_start().starts_with(['{', '['])
}

/// The number of images that a text of a custom kind names as a manifest, a patch or values: most texts are none of these.
pub(super) fn images_in(text: &str) -> u64 {
    if !may_be_mapping(text) || !image_fields::may_name_image(text) {
        return 0;
    }
    let (mut count, mut is_unread) = (0, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, LIMITS) {
        match document {
            Ok(document) => count += uncovered::count(document.root()),
            Err(located) => {
                is_unread |= located.error == YamlError::TemplateAction || located.error.is_fatal();
            }
        }
    }
    if is_unread { count.max(image_lines(text)) } else { count }
}

/// The lines of a text that name an image: what can be counted where a template, or its size, keeps the text from being
/// read.
pub(super) fn image_lines(text: &str) -> u64 {
    let names_image = |line: &&str| {
        let field = line.trim_start().trim_start_matches("- ").trim_start().trim_start_matches('"');
        let rest = field.strip_prefix("image").map(|rest| rest.trim_start_matches('"').trim_start());
        let value = rest.and_then(|rest| rest.strip_prefix(':')).map(str::trim);
        value.is_some_and(|value| !value.is_empty() && !value.starts_with('#'))
    };
    u64::try_from(text.lines().filter(names_image).count()).unwrap_or(u64::MAX)
}

/// The field of a built-in kind that holds texts by name.
pub(super) fn field_of_texts(kind: &str) -> Option<&'static str> {
    match kind {
        "ConfigMap" => Some("data"),
        // Its `data` is encoded.
        "Secret" => Some("stringData"),
        _ => None,
    }
}

/// Counts the images that texts of a `ConfigMap` or a Secret name: manifests and other mappings among them, and those whose key
/// says that they are an image.
pub(super) fn read_texts(texts: Option<Node<'_, '_>>, field: &str, kinds: &Kinds, manifest: &mut Manifest) {
    if manifest.is_embedded {
        return;
    }
    for (key, value) in texts.map(Node::merged_entries).unwrap_or_default() {
        let Some(text) = value.text() else { continue };
        let path = format!("{field}.{}", UntrustedText::from(key).terminal());
        let embedded = Embedded { at: value.position(), path, reason: Reason::Embedded };
        let is_named = matches!(Naming::of(key), Naming::Image | Naming::Like);
        if ["apiVersion", "kind", "image"].iter().all(|word| text.contains(word)) {
            count_embedded_images(text, embedded, kinds, manifest);
        } else if is_named && image_fields::versioned(value).is_some() {
            embedded.count(1, manifest);
        } else {
            // Most data is configuration of other programs.
            embedded.count(images_in(text), manifest);
        }
    }
}
