//! The scan itself: inputs, documents, verdicts.

use crate::input::{self, Input, ReadError};
use crate::manifest::Manifest;
use crate::report::{Note, NoteCode, ReportBuilder, ScanReport};
use crate::yaml::{Documents, Limits, Located, Position, YamlError};
use std::io::Read;
use std::path::PathBuf;
use tagwatch_core::engine::Engine;

/// What to scan, and what to tell.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Files, folders, and `-` for standard input. Each is read once, in this order.
    pub paths: Vec<PathBuf>,
    /// Whether findings hold passes too.
    pub show_passed: bool,
}

/// Reads manifests and judges them. It always gives a report: what cannot be read is a note in it, and the rest is
/// still judged. `stdin` is read only where the paths name it.
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
    for input in input::discover(&options.paths, builder.notes()) {
        let name = input.name();
        match input::read(&input, stdin, limits) {
            Ok(text) => scan_text(&input, &name, &text, limits, &mut builder),
            Err(error) => builder.notes().push(read_note(&name, &error)),
        }
    }
    builder.finish()
}

fn read_note(name: &str, error: &ReadError) -> Note {
    let (at, code) = match error {
        ReadError::Io(_) => (Position::START, NoteCode::UnreadableInput),
        ReadError::TooLarge(_) => (Position::START, NoteCode::OverBudget),
        ReadError::OtherEncoding(_) => (Position::START, NoteCode::InvalidEncoding),
        ReadError::NotUtf8 { at, .. } => (*at, NoteCode::InvalidEncoding),
    };
    Note::at(name, at, code, &error.to_string())
}

fn scan_text(input: &Input, name: &str, text: &str, limits: Limits, builder: &mut ReportBuilder<'_>) {
    if matches!(input, Input::File(path) if input::is_chart_template(path, text)) {
        let message = "a raw Helm template, skipped: scan the output of `helm template` instead";
        return builder.notes().push(Note::new(name, NoteCode::HelmTemplate, message));
    }
    let (mut manifests, mut notes) = (Vec::new(), Vec::new());
    for document in Documents::new(text, limits) {
        match document {
            Ok(document) => manifests.push(Manifest::read(&document)),
            Err(Located { at, error: YamlError::TemplateAction }) => {
                let message = "a template that is no YAML before it is rendered, skipped: render it first, for \
                               Helm by `helm template`";
                return builder.notes().push(Note::at(name, at, NoteCode::HelmTemplate, message));
            }
            Err(located) => notes.push(yaml_note(name, &located)),
        }
    }
    builder.add_file(name, &manifests, notes);
}

fn yaml_note(name: &str, located: &Located<YamlError>) -> Note {
    let code = match located.error {
        YamlError::DuplicateKey { .. } => NoteCode::DuplicateKey,
        YamlError::OverBudget { .. } | YamlError::TooDeep(_) => NoteCode::OverBudget,
        _ => NoteCode::InvalidYaml,
    };
    Note::at(name, located.at, code, &located.error.to_string())
}
