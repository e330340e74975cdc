//! Charts, by `helm template`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::source::{Lines, templates};
use super::tools::Tools;
use crate::charts::{CHART_FILE, Chart, charts, is_rendered_of};
use crate::manifest::Manifest;
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Documents, Source};

/// Name of the program.
const HELM: &str = "helm";

/// `helm template` of a release, without the pods of `helm test`, which no installation runs by itself.
const ARGUMENTS: [&str; 3] = ["template", "release", "--skip-tests"];

/// Replaces the templates of charts by what they render to.
pub(super) fn apply(files: &mut Vec<ReadFile>, tools: &Tools<'_>) {
    let charts = charts(files, tools.limits);
    if charts.is_empty() {
        return;
    }
    let helm = tools.find(HELM);
    for (index, chart) in charts {
        let name = files[index].name.clone();
        let note = |code, message: String| Note::new(&name, code, &message);
        let missing = chart.missing_dependencies();
        let rendered = match &helm {
            _ if chart.is_library => continue,
            None => Err(note(
                NoteCode::RenderFailed,
                "helm is not on the PATH: this chart is not rendered".to_owned(),
            )),
            Some(_) if !missing.is_empty() => Err(note(
                NoteCode::NotRendered,
                format!(
                    "this chart is not rendered, since {} is not in its folder charts: run `helm dependency build` first",
                    missing.join(", ")
                ),
            )),
            Some(helm) => tools.output(helm, &ARGUMENTS, &chart.folder).map_err(|error| {
                note(NoteCode::RenderFailed, format!("`helm template` of this chart {error}"))
            }),
        };
        match rendered {
            Ok(rendered) => replace(files, &chart, &rendered, tools),
            Err(note) => files[index].notes.push(note),
        }
    }
}

fn replace(files: &mut Vec<ReadFile>, chart: &Chart, rendered: &Source, tools: &Tools<'_>) {
    let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (index, file) in files.iter_mut().enumerate() {
        let of_chart = file.template_of.as_ref() == Some(&chart.folder);
        let path = file.path.clone().filter(|path| of_chart || is_rendered_of(path, &chart.folder));
        if let Some(path) = path {
            let ReadFile { name, .. } = std::mem::take(file);
            *file = ReadFile { path: Some(path.clone()), is_read: false, ..ReadFile::new(name) };
            known.insert(path, index);
        }
    }
    let sources = templates(rendered);
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut read: Vec<(PathBuf, Result<Manifest, Note>)> = Vec::new();
    for document in Documents::new(rendered, tools.limits) {
        let at = document.as_ref().map_or_else(|error| error.at, |document| document.root().position());
        // A template that Helm did not name is the chart's.
        let source =
            sources.range(..=at.line).next_back().map(|(_, source)| source.as_str()).unwrap_or_default();
        let path = template_path(chart, source);
        let manifest = match document {
            Ok(document) => Ok(Manifest::read(&document, tools.kinds)),
            Err(error) => Err(Note::of_document(&path.to_string_lossy(), &error)),
        };
        // A template is text of the chart, and no larger than a file that is scanned.
        texts.entry(path.clone()).or_insert_with_key(|path| fs::read_to_string(path).unwrap_or_default());
        read.push((path, manifest));
    }
    let lines: BTreeMap<&PathBuf, Lines<'_>> =
        texts.iter().map(|(path, text)| (path, Lines::new(rendered, text))).collect();
    for (path, manifest) in read {
        let index = *known.entry(path.clone()).or_insert_with(|| {
            let name = path.to_string_lossy().into_owned();
            files.push(ReadFile { path: Some(path.clone()), ..ReadFile::new(name) });
            files.len() - 1
        });
        let Some(file) = files.get_mut(index) else { continue };
        file.is_read = true;
        match manifest {
            Ok(mut manifest) => {
                if let Some(lines) = lines.get(&path) {
                    lines.move_places(&mut manifest);
                }
                file.add(manifest);
            }
            Err(note) => file.notes.push(Note { line: 1, column: 1, ..note }),
        }
    }
}

/// `chart/templates/web.yaml` is in the folder of the chart, whatever that is called.
fn template_path(chart: &Chart, source: &str) -> PathBuf {
    let below = Path::new(source).components().skip(1);
    let is_plain = below.clone().all(|part| matches!(part, std::path::Component::Normal(_)));
    if is_plain && below.clone().next().is_some() {
        return chart.folder.join(below.collect::<PathBuf>());
    }
    chart.folder.join(CHART_FILE)
}
