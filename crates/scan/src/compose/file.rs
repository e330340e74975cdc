//! A Compose file as it is written: of each service what decides on the image that runs.

use std::path::Path;

use memchr::memmem;
use tagwatch_core::workload::IgnoreAnnotations;

use super::names::is_compose_name;
use crate::manifest::{Known, Manifest, read_string, remark_beside};
use crate::note::NoteCode;
use crate::yaml::{
    Dialect, Documents, Limits, Located, MergeTag, Node, Overwritten, Position, Source, Value, YamlError,
};

/// Fields at the root of a Compose file. Others begin with `x-`.
const ROOT_FIELDS: [&str; 9] =
    ["name", "version", "services", "networks", "volumes", "configs", "secrets", "include", "models"];

/// Fields of a service in which authors name what they like.
const LABELS: [&str; 2] = ["labels", "annotations"];

/// What the file is called in notes.
const KIND: &str = "Compose";

/// The documents of a file. Compose merges each with those before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ComposeFile(pub(super) Vec<ComposeDocument>);

#[derive(Debug, Clone, Default)]
pub(super) struct ComposeDocument {
    pub(super) services: Vec<(String, Service)>,
    /// Whether the services of earlier files go.
    pub(super) resets_services: bool,
    pub(super) includes: Vec<Include>,
}

/// A text with its place. Variables are not replaced.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) at: Position,
}

/// A field that can take away what an earlier file says.
#[derive(Debug, Clone)]
pub(super) enum Field<T> {
    Absent,
    Reset,
    Set(T),
}

#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) at: Position,
    /// Whether it is no service, and takes away that of an earlier file.
    pub(super) is_reset: bool,
    /// Whether it takes the place of that of an earlier file as a whole.
    pub(super) is_override: bool,
    pub(super) image: Field<Written>,
    pub(super) pull_policy: Field<Written>,
    pub(super) build: Field<()>,
    pub(super) extends: Field<Extends>,
    /// Labels and annotations that exempt.
    pub(super) exempting: Vec<(String, Written)>,
}

#[derive(Debug, Clone)]
pub(super) struct Extends {
    pub(super) service: Written,
    pub(super) file: Option<Written>,
}

/// Files of another project.
#[derive(Debug, Clone)]
pub(super) struct Include {
    pub(super) paths: Vec<Written>,
    pub(super) project_directory: Option<Written>,
    pub(super) env_files: Vec<Written>,
}

/// What was read of a file.
#[derive(Debug, Default)]
pub(crate) struct ReadCompose {
    pub(crate) file: ComposeFile,
    /// One for each document, with remarks.
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) errors: Vec<Located<YamlError>>,
}

/// Reads a text, if it is a Compose file: by its name, or by what it holds.
pub(crate) fn read(path: Option<&Path>, source: &Source, limits: Limits) -> Option<ReadCompose> {
    read_as(path.is_some_and(is_compose_name), source, limits)
}

/// The same for a file that `is_named` as one, or that another one refers to. A file with an object of Kubernetes is none.
pub(super) fn read_as(is_named: bool, source: &Source, limits: Limits) -> Option<ReadCompose> {
    if !is_named && !may_hold_services(source.text()) {
        return None;
    }
    let mut read = ReadCompose::default();
    let mut is_compose = is_named;
    for document in Documents::in_dialect(source, limits, Dialect::Compose) {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                read.errors.push(error);
                continue;
            }
        };
        let root = document.root();
        if root.get("apiVersion").is_some() && root.get("kind").is_some() {
            return None;
        }
        is_compose |= has_compose_fields(root);
        let mut manifest = Manifest::default();
        for located in document.overwritten() {
            remark_duplicate(located, &mut manifest);
        }
        read.file.0.push(read_document(root, &mut manifest));
        read.manifests.push(manifest);
    }
    let holds = |document: &ComposeDocument| !document.services.is_empty() || !document.includes.is_empty();
    let is_read = is_compose && read.file.0.iter().any(holds);
    (is_read || (is_named && read.manifests.is_empty() && !read.errors.is_empty())).then_some(read)
}

/// Whether it is worth reading the text: the test costs no more than reading a line.
pub(crate) fn may_hold_services(text: &str) -> bool {
    let is_json = text.trim_start().starts_with('{');
    if is_json {
        return text.contains("\"services\"");
    }
    text.starts_with("services:") || memmem::find(text.as_bytes(), b"\nservices:").is_some()
}

/// Whether the root has services that are mappings, and no field that Compose does not know.
fn has_compose_fields(root: Node<'_, '_>) -> bool {
    let Some(services) = root.get("services") else { return false };
    let is_service = |service: Node<'_, '_>| {
        service.value() == Value::Mapping
            && ["image", "build", "extends"].iter().any(|field| service.get(field).is_some())
    };
    let is_known = |key: &str| ROOT_FIELDS.contains(&key) || key.starts_with("x-");
    services.entries().any(|(_, service)| is_service(service))
        && root.merged_entries().into_iter().all(|(key, _)| is_known(key))
}

/// Compose refuses a file in which a key is written twice.
fn remark_duplicate(located: &Located<Overwritten>, manifest: &mut Manifest) {
    let message = match &located.error {
        Overwritten::ByKey { key, first } => {
            format!("the key \"{key}\" is written twice, first in line {first}; Compose refuses the file")
        }
        // Compose does not replace values so.
        Overwritten::ByMerge { .. } => return,
        Overwritten::More => "other keys of the document are written twice too".to_owned(),
    };
    manifest.remark(located.at, NoteCode::InvalidField, message);
}

fn read_document(root: Node<'_, '_>, manifest: &mut Manifest) -> ComposeDocument {
    let mut document = ComposeDocument::default();
    if let Some(services) = root.get("services") {
        document.resets_services = services.merge_tag().is_some();
        if !matches!(services.value(), Value::Mapping | Value::Null) && !document.resets_services {
            wrong_type(services, "services", "a mapping", manifest);
        }
        for (key, service) in services.entries() {
            let Some(name) = key.text() else { continue };
            if let Some(service) = read_service(name, service, manifest) {
                document.services.push((name.to_owned(), service));
            }
        }
    }
    remark_other_images(root, manifest);
    for include in root.get("include").into_iter().flat_map(Node::items) {
        document.includes.extend(read_include(include, manifest));
    }
    document
}

/// Remarks on the images that are not those of services, such as those of extension fields that no service takes over.
fn remark_other_images(root: Node<'_, '_>, manifest: &mut Manifest) {
    let services = root.get("services").into_iter().flat_map(Node::entries).map(|(_, service)| service);
    let (mut judged, mut labels) = (Vec::new(), Vec::new());
    for service in services {
        judged.extend(service.get("image").map(Node::position));
        labels.extend(LABELS.iter().filter_map(|field| service.get(field)));
    }
    remark_beside(root, ("", KIND), Known { judged: &judged, elsewhere: &labels }, |_| None, manifest);
}

fn read_service(name: &str, service: Node<'_, '_>, manifest: &mut Manifest) -> Option<Service> {
    let tag = service.merge_tag();
    let is_reset = tag == Some(MergeTag::Reset);
    if !is_reset && service.value() != Value::Mapping {
        if service.value() != Value::Null {
            wrong_type(service, &format!("services.{name}"), "a mapping", manifest);
        }
        return None;
    }
    let mut text = |field: &str| read_text(service, name, field, manifest);
    let (image, pull_policy) = (text("image"), text("pull_policy"));
    let build = match service.get("build") {
        None => Field::Absent,
        Some(build) if build.merge_tag() == Some(MergeTag::Reset) => Field::Reset,
        Some(build) if build.value() == Value::Null => Field::Absent,
        Some(_) => Field::Set(()),
    };
    Some(Service {
        at: service.position(),
        is_reset,
        is_override: tag == Some(MergeTag::Override),
        image,
        pull_policy,
        build,
        extends: read_extends(service, name, manifest),
        exempting: LABELS.iter().filter_map(|field| service.get(field)).flat_map(read_exempting).collect(),
    })
}

fn read_text(service: Node<'_, '_>, name: &str, field: &str, manifest: &mut Manifest) -> Field<Written> {
    match service.get(field) {
        None => Field::Absent,
        Some(value) if value.merge_tag() == Some(MergeTag::Reset) => Field::Reset,
        Some(value) => match read_string(value, format_args!("services.{name}.{field}"), manifest) {
            Some(text) => Field::Set(Written { text: text.to_owned(), at: value.position() }),
            None => Field::Absent,
        },
    }
}

fn written(node: Node<'_, '_>) -> Option<Written> {
    Some(Written { text: node.text()?.to_owned(), at: node.position() })
}

fn read_extends(service: Node<'_, '_>, name: &str, manifest: &mut Manifest) -> Field<Extends> {
    let Some(extends) = service.get("extends") else { return Field::Absent };
    if extends.merge_tag() == Some(MergeTag::Reset) {
        return Field::Reset;
    }
    if let Some(service) = written(extends) {
        return Field::Set(Extends { service, file: None });
    }
    if let Some(service) = extends.get("service").and_then(written) {
        return Field::Set(Extends { service, file: extends.get("file").and_then(written) });
    }
    let path = format!("services.{name}.extends");
    wrong_type(extends, &path, "the name of a service, or a mapping with one", manifest);
    Field::Absent
}

/// A path, or a mapping with one or several.
fn read_include(include: Node<'_, '_>, manifest: &mut Manifest) -> Option<Include> {
    let texts = |field: &str| -> Vec<Written> {
        let Some(value) = include.get(field) else { return Vec::new() };
        written(value).map_or_else(|| value.items().filter_map(written).collect(), |one| vec![one])
    };
    if let Some(path) = written(include) {
        return Some(Include { paths: vec![path], project_directory: None, env_files: Vec::new() });
    }
    let paths = texts("path");
    if paths.is_empty() {
        wrong_type(include, "include[*]", "a path, or a mapping with one", manifest);
        return None;
    }
    let project_directory = include.get("project_directory").and_then(written);
    Some(Include { paths, project_directory, env_files: texts("env_file") })
}

/// Labels as a mapping, or as a list of `name=value`.
fn read_exempting(labels: Node<'_, '_>) -> Vec<(String, Written)> {
    const KEYS: [&str; 3] = [IgnoreAnnotations::IGNORE, IgnoreAnnotations::REASON, IgnoreAnnotations::UNTIL];
    let of_mapping =
        labels.entries().filter_map(|(key, value)| Some((key.text()?.to_owned(), written(value)?)));
    let of_list = labels.items().filter_map(|item| {
        let (key, text) = item.text()?.split_once('=')?;
        Some((key.to_owned(), Written { text: text.to_owned(), at: item.position() }))
    });
    of_mapping.chain(of_list).filter(|(key, _)| KEYS.contains(&key.as_str())).collect()
}

fn wrong_type(node: Node<'_, '_>, path: &str, expected: &str, manifest: &mut Manifest) {
    let message = format!("{path} must be {expected}, found a {}", node.value().type_name());
    manifest.remark(node.position(), NoteCode::InvalidField, message);
}
