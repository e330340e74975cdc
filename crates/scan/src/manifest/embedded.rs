//! Manifests that are texts inside of others: patches in kustomizations, and data of a `ConfigMap` or a Secret. Their images are counted.

use tagwatch_core::kinds::{Kinds, Tree};
use tagwatch_core::text::UntrustedText;

use super::{Manifest, Reason, Unjudged};
use crate::note::NoteCode;
use crate::yaml::{Documents, Limits, Node, Position, Source};

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
    let mut count = 0;
    let source = Source::utf8(text);
    for document in Documents::new(&source, LIMITS) {
        let document = match document {
            Ok(document) => document,
            Err(located) if located.error.is_fatal() => {
                return manifest.remark(at, NoteCode::OverBudget, format!("{path}: {}", located.error));
            }
            // What uses the text refuses it, or it is no YAML.
            Err(_) => continue,
        };
        let mut read = Manifest { is_embedded: true, ..Manifest::default() };
        super::object::read(document.root(), None, kinds, &mut read);
        read.set_aside_as_patch();
        let images = read.workloads.iter().map(|located| located.workload.containers.len());
        count += u64::try_from(images.sum::<usize>()).unwrap_or(u64::MAX);
        count += read.unjudged.iter().map(|unjudged| unjudged.count).sum::<u64>();
    }
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

/// The field of a built-in kind that holds texts by name.
pub(super) fn field_of_texts(kind: &str) -> Option<&'static str> {
    match kind {
        "ConfigMap" => Some("data"),
        // Its `data` is encoded.
        "Secret" => Some("stringData"),
        _ => None,
    }
}

/// Counts the images of manifests in the texts of a `ConfigMap` or a Secret.
pub(super) fn read_texts(node: Node<'_, '_>, field: &str, kinds: &Kinds, manifest: &mut Manifest) {
    if manifest.is_embedded {
        return;
    }
    for (key, value) in node.get(field).map(Tree::entries).unwrap_or_default() {
        let Some(text) = value.text() else { continue };
        // Most data is configuration of other programs.
        if !["apiVersion", "kind", "image"].iter().all(|word| text.contains(word)) {
            continue;
        }
        let path = format!("{field}.{}", UntrustedText::from(key.as_str()).terminal());
        let embedded = Embedded { at: value.position(), path, reason: Reason::Embedded };
        count_embedded_images(text, embedded, kinds, manifest);
    }
}
