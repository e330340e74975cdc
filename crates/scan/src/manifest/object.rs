//! From the root of a document to its objects: lists, identity, and the pod specs of each kind.

use tagwatch_core::kinds::{ContainerSchema, Kinds, TemplatePath, WorkloadKind, group_of};
use tagwatch_core::suggest;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, IgnoreAnnotations, Namespace, Origin, Workload, WorkloadId};

use super::embedded::TextFields;
use super::kinds::{former_version_of, is_of_kubernetes};
use super::search::Known;
use super::{
    ContainerPlace, Manifest, argo, embedded, flux, forms, helm_release, json_patch, pod_spec, replacement,
    templates, transformer, uncovered,
};
use crate::note::NoteCode;
use crate::yaml::{Node, Position, Value};

/// Where an object is.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    /// Number of lists around.
    lists: usize,
    /// `apiVersion` and `kind` of the items of a typed list. The API server omits them in the items.
    inherited: Option<(&'a str, &'a str)>,
}

/// Reads one object, or every item of a list.
pub(super) fn read(node: Node<'_, '_>, kinds: &Kinds, manifest: &mut Manifest) {
    read_at(node, Place::default(), kinds, manifest);
}

/// Lists in lists end with the depth that the tree allows.
fn read_at(node: Node<'_, '_>, place: Place<'_>, kinds: &Kinds, manifest: &mut Manifest) {
    let Place { lists, inherited } = place;
    if json_patch::is_json_patch(node) {
        return json_patch::read(node, manifest);
    }
    if replacement::is_document(node) {
        return replacement::read(node, manifest);
    }
    if node.value() != Value::Mapping {
        let message =
            format!("no Kubernetes object: expected a mapping, found a {}", node.value().type_name());
        return uncovered::remark_other(node, message, manifest);
    }
    let field = |name| node.get(name).and_then(Node::text).filter(|text| !text.is_empty());
    let api_version = field("apiVersion").or(inherited.map(|(api_version, _)| api_version));
    let kind = field("kind").or(inherited.map(|(_, kind)| kind));
    let (Some(api_version), Some(kind)) = (api_version, kind) else {
        let message = "no Kubernetes object: apiVersion and kind are expected".to_owned();
        return uncovered::remark_other(node, message, manifest);
    };
    // Whatever its kind: kubectl takes every object with `items` for a list, and drops the rest of it
    // (`unstructuredJSONScheme` in `k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/helpers.go`).
    match node.get("items").filter(|items| lists == 0 || items.value() == Value::Sequence) {
        Some(items) => {
            if lists == 1 {
                manifest.remark(node.position(), NoteCode::InvalidField, LIST_IN_LIST);
            }
            let item_kind = kind.strip_suffix("List").unwrap_or(kind);
            let inherited = (!item_kind.is_empty()).then_some((api_version, item_kind));
            read_list(items, Place { lists: lists + 1, inherited }, kinds, manifest);
            let is_list = items.value() == Value::Sequence;
            let known = Known { elsewhere: if is_list { &[items] } else { &[] }, ..Known::default() };
            let hint = |_: &str| Some("; of an object with items, kubectl reads these alone".to_owned());
            uncovered::remark_beside(node, (api_version, kind), known, hint, manifest);
        }
        None => read_object(node, api_version, kind, kinds, manifest),
    }
}

/// `FlattenListVisitor` of `k8s.io/cli-runtime/pkg/resource/visitor.go` asks for the items of each list that it finds among items,
/// and has decoded these as objects without any: no object of the outer list is applied then.
const LIST_IN_LIST: &str = "an object with items among the items of a list: kubectl refuses the whole list";

fn read_list(items: Node<'_, '_>, place: Place<'_>, kinds: &Kinds, manifest: &mut Manifest) {
    if !matches!(items.value(), Value::Sequence | Value::Null) {
        let message = format!("items must be a list, found a {}", items.value().type_name());
        return manifest.remark(items.position(), NoteCode::InvalidField, message);
    }
    for item in items.items() {
        read_at(item, place, kinds, manifest);
    }
}

fn read_object(node: Node<'_, '_>, api_version: &str, kind: &str, kinds: &Kinds, manifest: &mut Manifest) {
    match Content::of(api_version, kind, kinds) {
        Content::Namespace => {
            read_namespace(node, manifest);
            uncovered::remark(node, api_version, kind, &[], |_| None, manifest);
        }
        Content::Texts(fields) => {
            let read = [fields.plain, fields.encoded].into_iter().filter_map(|field| node.get(field));
            let read: Vec<_> = read.collect();
            let known = Known { elsewhere: &read, ..Known::default() };
            // That of a function of Kustomize can be one.
            uncovered::remark_beside(node, (api_version, kind), known, |_| None, manifest);
            embedded::read_texts(node, fields, kinds, manifest);
        }
        Content::Application => argo::read(node, api_version, kind, manifest),
        Content::HelmRelease => flux::read_helm_release(node, api_version, kind, kinds, manifest),
        Content::FluxKustomization => flux::read_kustomization(node, api_version, kind, kinds, manifest),
        Content::Containers(schema) => forms::read(node, api_version, kind, schema, manifest),
        Content::Templates(known, paths) => templates::read(node, api_version, known, paths, manifest),
        Content::OfFormerVersion(former) => {
            let hint =
                format!("; this version is no longer served and not read, use {}", former.api_version());
            uncovered::remark(node, api_version, kind, &[], |_| Some(hint), manifest);
        }
        Content::Transformer => transformer::read(node, kind, kinds, manifest),
        Content::Counted => uncovered::remark(node, api_version, kind, &[], |_| None, manifest),
        Content::Nothing => {}
        Content::Unknown => {
            uncovered::remark(node, api_version, kind, &[], uncovered::declare_hint, manifest);
        }
    }
}

/// What is read of an object, by its kind.
pub(super) enum Content<'k> {
    /// Labels and annotations of a namespace.
    Namespace,
    /// Manifests among the texts of its fields.
    Texts(TextFields),
    Application,
    HelmRelease,
    FluxKustomization,
    /// Containers in a form of their own.
    Containers(&'static ContainerSchema),
    Templates(&'k WorkloadKind, &'k [TemplatePath]),
    /// Images, which are counted: a kind of Kubernetes in a version that is no longer served.
    OfFormerVersion(&'static WorkloadKind),
    /// The configuration of a transformer of Kustomize.
    Transformer,
    /// Images, which are counted: a kind of Kubernetes of which nothing runs, such as what a workload was.
    Counted,
    /// Images, which are counted.
    Unknown,
    /// Definitions of kinds, which describe images and hold none.
    Nothing,
}

impl<'k> Content<'k> {
    pub(super) fn of(api_version: &str, kind: &str, kinds: &'k Kinds) -> Self {
        if (api_version, kind) == ("v1", "Namespace") {
            return Self::Namespace;
        }
        if let Some(fields) = TextFields::of(api_version, kind) {
            return Self::Texts(fields);
        }
        if argo::is_application(api_version, kind) {
            return Self::Application;
        }
        if helm_release::is_helm_release(api_version, kind) {
            return Self::HelmRelease;
        }
        if flux::is_kustomization(api_version, kind) {
            return Self::FluxKustomization;
        }
        if transformer::is_transformer(api_version, kind) {
            return Self::Transformer;
        }
        let known = kinds.find(group_of(api_version), kind);
        let version = api_version.split_once('/').map_or(api_version, |(_, version)| version);
        if let Some((known, paths)) = known.and_then(|known| Some((known, known.templates(version)?))) {
            return match known.containers {
                Some(schema) => Self::Containers(schema),
                None => Self::Templates(known, paths),
            };
        }
        if let Some(former) = former_version_of(api_version, kind) {
            return Self::OfFormerVersion(former);
        }
        match (api_version, kind) {
            (_, "CustomResourceDefinition") if group_of(api_version) == "apiextensions.k8s.io" => {
                Self::Nothing
            }
            ("apps/v1", "ControllerRevision") => Self::Counted,
            _ if is_of_kubernetes(api_version, kind) => Self::Counted,
            _ => Self::Unknown,
        }
    }
}

/// A pod spec, its template if it has one, and its path from the root of the object.
pub(super) struct PodSpec<'d, 't> {
    pub(super) template: Option<Node<'d, 't>>,
    pub(super) spec: Node<'d, 't>,
    pub(super) path: String,
}

/// Reads an object with all of its pod specs.
pub(super) fn read_workload(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    specs: &[PodSpec<'_, '_>],
    manifest: &mut Manifest,
) {
    let read = specs.iter().flat_map(|spec| pod_spec::read(spec.spec, &spec.path, manifest));
    let containers = read.collect();
    let names_secrets = |spec: &PodSpec<'_, '_>| {
        spec.spec.get("imagePullSecrets").is_some_and(|secrets| secrets.items().len() > 0)
    };
    let described = Described {
        containers,
        image_pull_secrets: specs.iter().any(names_secrets),
        template: template_annotations(specs, manifest),
        origin: Origin::Manifest,
    };
    add_workload(node, api_version, kind, described, manifest);
}

/// What an object says of its pods.
pub(crate) struct Described {
    pub(crate) containers: Vec<(Container, ContainerPlace)>,
    pub(crate) image_pull_secrets: bool,
    /// The exempting annotations of its pod templates, and where they are.
    pub(crate) template: (IgnoreAnnotations, Option<Position>),
    pub(crate) origin: Origin,
}

impl Described {
    /// Values of a Helm chart: nothing is known of the pods that it makes of them.
    pub(crate) fn of_values(containers: Vec<(Container, ContainerPlace)>) -> Self {
        Self {
            containers,
            image_pull_secrets: false,
            template: (IgnoreAnnotations::default(), None),
            origin: Origin::HelmValues,
        }
    }
}

pub(crate) fn add_workload(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    described: Described,
    manifest: &mut Manifest,
) {
    let Described { containers, image_pull_secrets, template: (template_ignore, template_at), origin } =
        described;
    let id = identity(node, api_version, kind, manifest);
    let (containers, places) = containers.into_iter().unzip();
    let (ignore, at) = ignore_annotations(node, manifest);
    let workload =
        Workload { image_pull_secrets, ignore, template_ignore, ..Workload::new(id, origin, containers) };
    let ignore = [at, template_at];
    manifest.workloads.push(super::LocatedWorkload {
        workload,
        places,
        at: node.position(),
        ignore,
        pull_policy_file: None,
    });
}

/// The annotations that all pod templates share, and their position in the first one. If templates differ, none applies
/// and a note says so.
fn template_annotations(
    specs: &[PodSpec<'_, '_>],
    manifest: &mut Manifest,
) -> (IgnoreAnnotations, Option<Position>) {
    let templates = specs.iter().filter_map(|spec| spec.template);
    let (annotations, places): (Vec<_>, Vec<_>) =
        templates.map(|template| ignore_annotations(template, manifest)).unzip();
    let at = places.into_iter().flatten().next();
    if let Some(common) = IgnoreAnnotations::common(annotations) {
        return (common, at);
    }
    if let Some(at) = at {
        manifest.remark(at, NoteCode::ExemptionNotHonoured, IgnoreAnnotations::DIFFER);
    }
    (IgnoreAnnotations::default(), None)
}

fn read_namespace(node: Node<'_, '_>, manifest: &mut Manifest) {
    let Some(metadata) = node.get("metadata") else { return };
    let Some(name) = metadata.get("name").and_then(Node::text) else { return };
    let labels = metadata.get("labels").map(|labels| {
        let text = |(key, value): (Node<'_, '_>, Node<'_, '_>)| {
            // The API server reads null as an empty text.
            let value = if value.value() == Value::Null { "" } else { value.text()? };
            Some((key.text()?.to_owned(), value.to_owned()))
        };
        labels.entries().filter_map(text).collect()
    });
    let (ignore, _) = ignore_annotations(node, manifest);
    manifest.namespaces.push((
        name.into(),
        Namespace { labels: labels.unwrap_or_default(), ignore, ..Namespace::default() },
    ));
}

pub(super) const ANNOTATION_PREFIX: &str = "tagwatch.dev/";

/// The exempting annotations and their position. A misspelled key gets a note: it would have no effect, or make an
/// exemption permanent.
fn ignore_annotations(node: Node<'_, '_>, manifest: &mut Manifest) -> (IgnoreAnnotations, Option<Position>) {
    const KNOWN: [&str; 3] = [IgnoreAnnotations::IGNORE, IgnoreAnnotations::REASON, IgnoreAnnotations::UNTIL];
    let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let get = |key: &str| annotations?.get(key);
    let at = get(IgnoreAnnotations::IGNORE).map(Node::position);
    for (key, _) in annotations.into_iter().flat_map(Node::entries) {
        let Some(name) = key.text() else { continue };
        if name.starts_with(ANNOTATION_PREFIX) && !KNOWN.contains(&name) {
            manifest.remark(
                key.position(),
                NoteCode::UnknownAnnotation,
                suggest::unknown("annotation", name, &KNOWN),
            );
        }
    }
    (IgnoreAnnotations::from_annotations(|key| get(key)?.text()), at)
}

/// The API server builds the name of an object without one from `generateName`.
pub(super) fn identity(
    node: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    manifest: &mut Manifest,
) -> WorkloadId {
    let metadata = node.get("metadata");
    let mut field = |name| {
        let value = metadata?.get(name)?;
        pod_spec::string(value, format_args!("metadata.{name}"), manifest);
        value.text().filter(|text| !text.is_empty())
    };
    let name = field("name").or_else(|| field("generateName")).unwrap_or_default();
    let namespace = field("namespace");
    WorkloadId {
        api_version: UntrustedText::from(api_version),
        kind: UntrustedText::from(kind),
        namespace: namespace.map(UntrustedText::from),
        name: UntrustedText::from(name),
    }
}
