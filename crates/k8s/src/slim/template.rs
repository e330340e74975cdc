//! Pod templates, wherever a kind keeps them.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tagwatch_core::kinds::{
    TemplatePath, TemplateStep, find_templates, find_unread_template, holds_containers, is_flawed,
    template_path_of, unread_template,
};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::IgnoreAnnotations;

use super::json::{Json, TemplateAt};
use super::meta::SlimIgnore;
use super::wire::WireObject;
use super::{MAX_PLACES, MAX_TEXT_BYTES, PodImages, meta};
use crate::served::ServedKind;

/// Most remarks that are kept of one object: a user may give it ten thousand faulty templates.
const MAX_REMARKS: usize = 20;
/// Longest remark in characters: what a decoder says can hold a value of any length.
const MAX_REMARK: usize = 300;

/// A pod template of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PodTemplate {
    /// Path of the pod spec from the object's root.
    pub(super) path: Arc<str>,
    pub(super) images: PodImages,
    pub(super) ignore: SlimIgnore,
}

/// A pod template of a built-in kind.
#[derive(Deserialize)]
pub(super) struct WireTemplate {
    metadata: Option<meta::TemplateMeta>,
    spec: Option<PodImages>,
}

/// What the templates of an object say.
#[derive(Default)]
pub(super) struct Templates {
    pub(super) found: Vec<PodTemplate>,
    pub(super) restarted_at: Option<Timestamp>,
    pub(super) remarks: Vec<String>,
    /// There is more than is kept.
    pub(super) is_cut: bool,
}

impl Templates {
    /// Reads the templates of an object of this kind.
    pub(super) fn read(object: &WireObject, served: &ServedKind) -> Self {
        if served.kind.traits.is_built_in {
            Self::of_built_in(object, served)
        } else {
            Self::of_custom(object, served)
        }
    }

    /// A built-in kind has one template, at a path of fields.
    fn of_built_in(object: &WireObject, served: &ServedKind) -> Self {
        let Some(path) = served.templates().first() else { return Self::default() };
        let template = match built_in_template(object, path) {
            Ok(template) => template,
            Err(error) => return Self { remarks: vec![cut(&format!("{path}: {error}"))], ..Self::default() },
        };
        let Some(WireTemplate { metadata, spec }) = template else { return Self::default() };
        let ignore = metadata.as_ref().map(meta::TemplateMeta::ignore).unwrap_or_default();
        let restarted_at = metadata.as_ref().and_then(meta::TemplateMeta::restarted_at);
        let template =
            spec.map(|images| PodTemplate::new(served.shared_path(&path.pod_spec()), images, ignore));
        let is_cut = template.as_ref().is_some_and(|template| template.images.is_cut());
        Self { found: template.into_iter().collect(), restarted_at, remarks: Vec::new(), is_cut }
    }

    /// What is not as expected is no template, and a remark: only the kind's own controller checks what its objects
    /// hold.
    fn of_custom(object: &WireObject, served: &ServedKind) -> Self {
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_default();
        let content: Map<String, Value> =
            object.content().map(|(name, raw)| (name.to_owned(), value(raw))).collect();
        let content = Value::Object(content);
        let found = find_templates(Json(&content), served.templates());
        let mut remarks: Vec<String> =
            found.mismatches.iter().map(|mismatch| cut(&mismatch.message())).collect();
        let holding = found.templates.iter().filter(|template| holds_containers(template.template));
        let read: BTreeSet<&str> = holding.map(|template| template.path.as_str()).collect();
        let mut flawed = found.templates.iter().filter(|template| is_flawed(template.template)).peekable();
        if (read.is_empty() || flawed.peek().is_some())
            && let Some(meant) = find_unread_template(Json(&content), &read)
                .and_then(|containers| template_path_of(&containers))
        {
            let flawed = flawed.peek().map(|flawed| flawed.path.as_str());
            remarks.push(cut(&unread_template(flawed, Some(&meant))));
        } else {
            remarks.extend(flawed.map(|flawed| cut(&unread_template(Some(&flawed.path), None))));
        }
        let (mut templates, mut is_cut) = (Vec::new(), false);
        let (mut places, mut bytes) = (0, 0);
        for template in found.templates {
            let path = served.shared_path(&template.pod_spec_path());
            match PodTemplate::of_custom(path, template.template.0) {
                Ok(Some(template)) => {
                    places += template.images.len();
                    bytes += template.images.text_bytes();
                    if places > MAX_PLACES || bytes > MAX_TEXT_BYTES {
                        is_cut = true;
                        break;
                    }
                    is_cut |= template.images.is_cut();
                    templates.push(template);
                }
                Ok(None) => {}
                Err(remark) => remarks.push(cut(&remark)),
            }
        }
        remarks.truncate(MAX_REMARKS);
        Self { found: templates, restarted_at: None, remarks, is_cut }
    }
}

fn built_in_template(object: &WireObject, path: &TemplatePath) -> serde_json::Result<Option<WireTemplate>> {
    let Some((TemplateStep::Field(first), rest)) = path.steps().split_first() else { return Ok(None) };
    let Some(field) = object.field(first) else { return Ok(None) };
    TemplateAt(rest).deserialize(&mut serde_json::Deserializer::from_str(field.get()))
}

impl PodTemplate {
    fn new(path: Arc<str>, images: PodImages, ignore: IgnoreAnnotations) -> Self {
        Self { path, images, ignore: ignore.into() }
    }

    fn of_custom(path: Arc<str>, template: &Value) -> Result<Option<Self>, String> {
        let Some(spec) = template.get("spec").filter(|spec| !spec.is_null()) else { return Ok(None) };
        let images = PodImages::deserialize(spec).map_err(|error| format!("{path}: {error}"))?;
        if images.is_empty() && !holds_containers(Json(template)) {
            return Ok(None);
        }
        let annotations = template.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let ignore = IgnoreAnnotations::from_annotations(|key| annotations?.get(key)?.as_str());
        Ok(Some(Self::new(path, images, ignore)))
    }
}

fn cut(remark: &str) -> String {
    UntrustedText::from(remark).terminal().chars().take(MAX_REMARK).collect()
}
