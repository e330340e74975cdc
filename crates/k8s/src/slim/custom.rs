//! Objects of custom kinds: their pod templates, wherever the kind keeps them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::DynamicResourceScope;
use kube_core::discovery::ApiResource;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tagwatch_core::kinds::{
    CustomKind, Shape, TemplatePath, Tree, find_templates, find_unread_template, holds_containers, is_flawed,
    template_path_of, unread_template,
};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, IgnoreAnnotations};

use super::{PodImages, meta};
use crate::owner::OwnerId;

/// Longest remark in characters: what a decoder says can hold a value of any length.
const MAX_REMARK: usize = 300;

/// An object of a custom kind as the API server sends it. It is read by [`SlimCustom::read`] and dropped at once: until
/// then it holds all of its JSON but the status.
#[derive(Debug, Clone, Default)]
pub struct CustomObject {
    metadata: ObjectMeta,
    content: Map<String, Value>,
    /// Conditions of the status that are `True`.
    conditions: Vec<String>,
}

impl CustomObject {
    /// Its metadata, as slim as that of the built-in kinds.
    pub fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

struct SlimMeta(ObjectMeta);

impl<'de> Deserialize<'de> for SlimMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        meta::deserialize(deserializer).map(Self)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = CustomObject;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CustomObject, A::Error> {
        let mut object = CustomObject::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => object.metadata = map.next_value::<SlimMeta>()?.0,
                "status" => object.conditions = true_conditions(&map.next_value()?),
                "apiVersion" | "kind" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    object.content.insert(key, map.next_value()?);
                }
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for CustomObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Whatever a custom kind calls its status, nothing of it can fail an object.
fn true_conditions(status: &Value) -> Vec<String> {
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    conditions
        .filter(|condition| condition.get("status").and_then(Value::as_str) == Some("True"))
        .filter_map(|condition| condition.get("type")?.as_str())
        .map(str::to_owned)
        .collect()
}

impl kube_core::Resource for CustomObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What is kept of an object of a custom kind.
#[derive(Debug, Clone, PartialEq)]
pub struct SlimCustom {
    metadata: ObjectMeta,
    templates: Box<[CustomTemplate]>,
    finished: bool,
    remarks: Box<[String]>,
}

/// A pod template of a custom object.
#[derive(Debug, Clone, PartialEq)]
struct CustomTemplate {
    /// Path of the pod spec from the object's root.
    path: Box<str>,
    images: PodImages,
    ignore: IgnoreAnnotations,
}

impl SlimCustom {
    /// Reads the templates of an object in this version of its kind. What is not as expected is no template, and a
    /// remark: nobody but the kind's own controller checks what stands there.
    pub fn read(object: CustomObject, kind: &CustomKind, paths: &[TemplatePath]) -> Self {
        let CustomObject { metadata, content, conditions } = object;
        let content = Value::Object(content);
        let found = find_templates(Json(&content), paths);
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
        let mut templates = Vec::new();
        for template in found.templates {
            match CustomTemplate::read(&template.path, template.template.0) {
                Ok(template) => templates.extend(template),
                Err(remark) => remarks.push(cut(&remark)),
            }
        }
        Self {
            metadata,
            templates: templates.into(),
            finished: conditions.iter().any(|condition| kind.ends_by.contains(&condition.as_str())),
            remarks: remarks.into(),
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    /// Its controller.
    pub fn owner(&self) -> Option<OwnerId> {
        OwnerId::controller_of(&self.metadata)
    }

    /// Whether it has a template.
    pub fn has_template(&self) -> bool {
        !self.templates.is_empty()
    }

    /// Whether its images are not judged, though something stands where a template is expected, or containers where
    /// none is.
    pub fn is_unread(&self) -> bool {
        self.templates.is_empty() && !self.remarks.is_empty()
    }

    /// Nothing will be pulled for it any more, as far as its kind tells.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What was not as expected; safe for a terminal.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The model that the engine judges, template after template. Nobody has filled in a pull policy.
    pub fn containers(&self) -> Vec<Container> {
        let of = |template: &CustomTemplate| {
            let path = &template.path;
            template.images.iter().map(|place| place.to_container(path)).collect::<Vec<_>>()
        };
        self.templates.iter().flat_map(of).collect()
    }

    /// Paths of the pod specs of its templates, from the object's root.
    pub fn pod_spec_paths(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| &*template.path)
    }

    /// Whether a template names `imagePullSecrets`.
    pub fn has_pull_secrets(&self) -> bool {
        self.templates.iter().any(|template| template.images.has_pull_secrets())
    }

    /// Its own annotations that exempt.
    pub fn ignore(&self) -> IgnoreAnnotations {
        self.metadata.annotations.as_ref().map(meta::ignore_of).unwrap_or_default()
    }

    /// Those of its templates, where all say the same.
    pub fn template_ignore(&self) -> IgnoreAnnotations {
        let templates = self.templates.iter().map(|template| template.ignore.clone());
        IgnoreAnnotations::common(templates).unwrap_or_default()
    }

    /// Whether two states of an object get the same verdicts.
    pub fn is_judged_alike(&self, other: &Self) -> bool {
        self.metadata.uid == other.metadata.uid
            && self.templates == other.templates
            && self.finished == other.finished
            && self.ignore() == other.ignore()
    }
}

impl CustomTemplate {
    fn read(path: &str, template: &Value) -> Result<Option<Self>, String> {
        let Some(spec) = template.get("spec").filter(|spec| !spec.is_null()) else { return Ok(None) };
        let path = format!("{path}.spec");
        let images = PodImages::deserialize(spec).map_err(|error| format!("{path}: {error}"))?;
        if images.iter().next().is_none() && !holds_containers(Json(template)) {
            return Ok(None);
        }
        let annotations = template.get("metadata").and_then(|metadata| metadata.get("annotations"));
        Ok(Some(Self {
            path: path.into(),
            images,
            ignore: IgnoreAnnotations::from_annotations(|key| annotations?.get(key)?.as_str()),
        }))
    }
}

fn cut(remark: &str) -> String {
    UntrustedText::from(remark).terminal().chars().take(MAX_REMARK).collect()
}

/// JSON as `serde_json` holds it.
#[derive(Debug, Clone, Copy)]
struct Json<'a>(&'a Value);

impl Tree for Json<'_> {
    fn shape(self) -> Shape {
        match self.0 {
            Value::Null => Shape::Null,
            Value::Object(_) => Shape::Mapping,
            Value::Array(_) => Shape::List,
            Value::Bool(_) => Shape::Other("boolean"),
            Value::Number(_) => Shape::Other("number"),
            Value::String(_) => Shape::Other("string"),
        }
    }

    fn field(self, name: &str) -> Option<Self> {
        self.0.get(name).map(Json)
    }

    fn items(self) -> Vec<Self> {
        self.0.as_array().into_iter().flatten().map(Json).collect()
    }

    fn entries(self) -> Vec<(String, Self)> {
        let entries = self.0.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), Json(value))).collect()
    }
}
