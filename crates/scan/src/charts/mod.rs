//! Helm charts among the inputs. Their templates are no manifests until Helm renders them; one note for each chart says so.

mod template;
mod values_file;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tagwatch_core::text::UntrustedText;

pub(crate) use template::of_template;
pub(crate) use values_file::{ValuesFile, kind_of_file, read_file};

use crate::input;
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Documents, Limits, Node};

/// The file that makes a folder a chart.
pub(crate) const CHART_FILE: &str = "Chart.yaml";

/// The folder with the charts that a chart depends on.
const SUBCHARTS: &str = "charts";

/// Adds a note for each chart whose templates were skipped.
pub(crate) fn apply(files: &mut [ReadFile]) {
    let mut charts: BTreeMap<PathBuf, (usize, usize)> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(chart) = &file.template_of {
            charts.entry(chart.clone()).or_insert((index, 0)).1 += 1;
        }
    }
    for (chart, (first, count)) in charts {
        let templates =
            if count == 1 { "1 raw template".to_owned() } else { format!("{count} raw templates") };
        let message = format!(
            "{templates} of this chart skipped: --render judges what Helm makes of them, as does `helm template NAME \
             FOLDER | tagwatch scan - --require-workloads`"
        );
        let name = chart.join(CHART_FILE).to_string_lossy().into_owned();
        if let Some(file) = files.get_mut(first) {
            file.notes.push(Note::new(&name, NoteCode::HelmTemplate, &message));
        }
    }
}

/// A chart, as its `Chart.yaml` describes it.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) folder: PathBuf,
    /// Whether it only lends templates to other charts (<https://helm.sh/docs/topics/library_charts/>).
    pub(crate) is_library: bool,
    dependencies: Vec<String>,
}

impl Chart {
    /// The dependencies that are not in the folder `charts`: Helm would have to load them.
    pub(crate) fn missing_dependencies(&self) -> Vec<String> {
        let vendored: Vec<String> = fs::read_dir(self.folder.join(SUBCHARTS))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let is_missing = |name: &&String| {
            let is_archive = |file: &String| {
                let rest = file.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('-'));
                // As Helm packs it.
                rest.is_some_and(|version| version.strip_suffix(".tgz").is_some())
            };
            !vendored.iter().any(|file| file == *name || is_archive(file))
        };
        self.dependencies
            .iter()
            .filter(is_missing)
            .map(|name| UntrustedText::from(name.as_str()).terminal())
            .collect()
    }
}

/// The charts among the files, each with the place of its `Chart.yaml`. One inside of another is part of that.
pub(crate) fn charts(files: &[ReadFile], limits: Limits) -> Vec<(usize, Chart)> {
    let mut charts = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let Some(path) = file.path.as_deref().filter(|path| path.file_name() == Some(OsStr::new(CHART_FILE)))
        else {
            continue;
        };
        if template::chart_of(path, SUBCHARTS).is_some() {
            continue;
        }
        let (Ok(mut file), mut buffer) = (File::open(path), Vec::new()) else { continue };
        let Ok(source) = input::read(&mut file, &mut buffer, limits) else { continue };
        let Some(Ok(document)) = Documents::new(&source, limits).next() else { continue };
        let root = document.root();
        let dependencies = root.get("dependencies").into_iter().flat_map(Node::items);
        let name = |dependency: Node<'_, '_>| dependency.get("name")?.text().map(str::to_owned);
        let chart = Chart {
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            is_library: root.get("type").and_then(Node::text) == Some("library"),
            dependencies: dependencies.filter_map(name).collect(),
        };
        charts.push((index, chart));
    }
    charts
}

/// Whether Helm renders a file together with a chart.
pub(crate) fn is_rendered_of(path: &Path, chart: &Path) -> bool {
    let first = path.strip_prefix(chart).ok().and_then(|below| below.components().next());
    first.is_some_and(|first| {
        ["templates", "crds", SUBCHARTS].iter().any(|folder| first.as_os_str() == *folder)
    })
}
