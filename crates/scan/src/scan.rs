//! The scan: inputs, documents, findings.

use std::io::Read;
use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_core::kinds::Kinds;

use crate::charts;
use crate::compose;
use crate::input::{self, Input, ReadError};
use crate::kustomize::{self, Kustomization};
use crate::manifest::{DIRECTIVE, Manifest, has_patch_directive};
use crate::note::{Note, NoteCode};
use crate::policy_file::PolicyFile;
use crate::render::{self, Render};
use crate::report::{ReadFile, ReportBuilder, ScanReport};
use crate::yaml::{Documents, Limits, Position, Source};

/// What to scan and what to report.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Files, folders, or `-` for standard input. Each is read once, in this order.
    pub paths: Vec<PathBuf>,
    /// Whether findings include passes.
    pub show_passed: bool,
    /// The engine's policy file, for notes on its exemptions.
    pub policy_file: Option<PolicyFile>,
    /// Whether the policy file was found rather than given, so that a note must name it.
    pub policy_is_found: bool,
    /// Default namespace of manifests without one.
    pub namespace: Option<String>,
    /// Whether it is an error if nothing was judged.
    pub require_workloads: bool,
    /// Renders charts and kustomizations, by programs of the user.
    pub render: Option<Render>,
}

impl ScanOptions {
    /// Whether the command line names a file, rather than a folder that holds it.
    fn names(&self, path: &Path) -> bool {
        self.paths.iter().any(|named| named.strip_prefix(".").unwrap_or(named) == path)
    }
}

/// Reads and evaluates manifests. Always returns a report: it has a note for each input that cannot be read, and the rest
/// is still evaluated. `stdin` is read only if the paths include `-`.
pub fn scan(engine: &Engine, options: &ScanOptions, stdin: &mut dyn Read) -> ScanReport {
    scan_within(Limits::default(), engine, options, stdin)
}

pub(crate) fn scan_within(
    limits: Limits,
    engine: &Engine,
    options: &ScanOptions,
    stdin: &mut dyn Read,
) -> ScanReport {
    let mut builder = ReportBuilder::new(engine, options.show_passed);
    let mut files = Vec::new();
    for input in input::discover(&options.paths, builder.notes()) {
        let name = input.name();
        files.push(match input::read(&input, stdin, limits) {
            Ok(source) => {
                let is_named = input.path().is_some_and(|path| options.names(path));
                read_text(&input, is_named, name, &source, limits, engine.policy().kinds())
            }
            Err(error) => ReadFile::unread(read_note(&name, &error), name),
        });
    }
    if let Some(render) = &options.render {
        render::apply(&mut files, render, engine.policy().kinds(), limits);
    }
    kustomize::apply(&mut files);
    compose::apply(&mut files, limits);
    charts::apply(&mut files);
    if let Some(namespace) = &options.namespace {
        let manifests = files.iter_mut().flat_map(|file| &mut file.manifests);
        let workloads = manifests.flat_map(|manifest| &mut manifest.workloads);
        for located in workloads.filter(|located| located.is_of_cluster()) {
            located.workload.id.namespace.get_or_insert_with(|| namespace.as_str().into());
        }
    }
    // A namespace applies to workloads in earlier files too.
    let namespaces = files.iter().flat_map(|file| &file.manifests).flat_map(|manifest| &manifest.namespaces);
    builder.know_namespaces(namespaces);
    for file in files {
        builder.add_file(file);
    }
    let required_of = options.paths.first().filter(|_| options.require_workloads);
    let required_of = required_of.map(|path| input::name_of(path));
    builder.finish(options.policy_file.as_ref(), options.policy_is_found, required_of.as_deref())
}

fn read_note(name: &str, error: &ReadError) -> Note {
    let (at, code) = match error {
        ReadError::Io(_) => (Position::START, NoteCode::UnreadableInput),
        ReadError::TooLarge(_) => (Position::START, NoteCode::OverBudget),
        ReadError::Utf32 | ReadError::NotUtf16 => (Position::START, NoteCode::InvalidEncoding),
        ReadError::NotUtf8 { at, .. } => (*at, NoteCode::InvalidEncoding),
    };
    Note::at(name, at, code, &error.to_string())
}

fn read_text(
    input: &Input,
    is_named: bool,
    name: String,
    source: &Source,
    limits: Limits,
    kinds: &Kinds,
) -> ReadFile {
    let path = input.path();
    if let Some(chart) = path.and_then(|path| charts::of_template(path, source.text())) {
        return ReadFile::of_template(name, path, chart);
    }
    if let Some(read) = compose::read(path, source, limits) {
        return ReadFile::of_compose(name, path.map(Path::to_path_buf), read);
    }
    let mut file = ReadFile { path: path.map(Path::to_path_buf), ..ReadFile::new(name) };
    let is_kustomization = path.is_some_and(kustomize::is_kustomization_file);
    let values = path.and_then(|path| Some((path, charts::kind_of_file(path, is_named)?)));
    let can_patch = source.text().contains(DIRECTIVE);
    for document in Documents::new(source, limits) {
        match document {
            Ok(document) if is_kustomization && Kustomization::is_in(document.root()) => {
                let mut manifest = Manifest::default();
                let kustomization = file.kustomization.get_or_insert_default();
                kustomization.add(document.root(), kinds, &mut manifest);
                file.manifests.push(manifest);
            }
            Ok(document) => {
                if let Some((path, kind)) = values {
                    let mut manifest = Manifest::default();
                    if charts::read_file(document.root(), path, kind, &mut manifest) {
                        file.manifests.push(manifest);
                        continue;
                    }
                }
                let mut manifest = Manifest::read(&document, kinds);
                if can_patch && has_patch_directive(document.root()) {
                    manifest.set_aside_as_patch();
                }
                file.manifests.push(manifest);
            }
            Err(located) => file.notes.push(Note::of_document(&file.name, &located)),
        }
    }
    file.count_as_read();
    file
}
