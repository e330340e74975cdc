//! The scan: inputs, documents, findings.

use std::io::Read;
use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_core::kinds::Kinds;

use crate::input::{self, Input, ReadError};
use crate::kustomize::{self, Kustomization};
use crate::manifest::{DIRECTIVE, Manifest, has_patch_directive};
use crate::note::{Note, NoteCode};
use crate::policy_file::PolicyFile;
use crate::report::{ReadFile, ReportBuilder, ScanReport};
use crate::yaml::{Documents, Limits, Located, Position, Source, YamlError};

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
    /// What places call standard input, in place of `<stdin>`.
    pub stdin_name: Option<String>,
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
        let name = match (&input, &options.stdin_name) {
            (Input::Stdin, Some(name)) => name.clone(),
            _ => input.name(),
        };
        files.push(match input::read(&input, stdin, limits) {
            Ok(source) => read_text(&input, name, &source, limits, engine.policy().kinds()),
            Err(error) => ReadFile::unread(read_note(&name, &error), name),
        });
    }
    kustomize::apply(&mut files);
    if let Some(namespace) = &options.namespace {
        let manifests = files.iter_mut().flat_map(|file| &mut file.manifests);
        for located in manifests.flat_map(|manifest| &mut manifest.workloads) {
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

fn read_text(input: &Input, name: String, source: &Source, limits: Limits, kinds: &Kinds) -> ReadFile {
    if matches!(input, Input::File(path) if input::is_chart_template(path, source.text())) {
        let message = "a raw Helm template, skipped: scan the output of `helm template` instead";
        return ReadFile::unread(Note::new(&name, NoteCode::HelmTemplate, message), name);
    }
    let path = input.path();
    let mut file = ReadFile { path: path.map(Path::to_path_buf), ..ReadFile::new(name) };
    let is_kustomization = path.is_some_and(kustomize::is_kustomization_file);
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
                let mut manifest = Manifest::read(&document, kinds);
                if can_patch && has_patch_directive(document.root()) {
                    manifest.set_aside_as_patch();
                }
                file.manifests.push(manifest);
            }
            Err(Located { at, error: YamlError::TemplateAction }) => {
                let message = "a template that is no YAML before it is rendered: this document is skipped; render it \
                               first, for Helm by `helm template`";
                file.notes.push(Note::at(&file.name, at, NoteCode::HelmTemplate, message));
            }
            Err(located) => file.notes.push(yaml_note(&file.name, &located)),
        }
    }
    let is_template = file.notes.iter().any(|note| note.code == NoteCode::HelmTemplate);
    file.is_read = !(is_template && file.manifests.is_empty());
    file
}

fn yaml_note(name: &str, located: &Located<YamlError>) -> Note {
    let code = match located.error {
        YamlError::TextIgnored => NoteCode::TextIgnored,
        YamlError::OverBudget { .. } | YamlError::TooDeep(_) => NoteCode::OverBudget,
        _ => NoteCode::InvalidYaml,
    };
    Note::at(name, located.at, code, &located.error.to_string())
}
