//! Files with values of charts, such as `values-production.yaml`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tagwatch_core::text::UntrustedText;

use super::CHART_FILE;
use crate::manifest::{
    Described, Manifest, VALUES_KIND, add_described, count_default_values, read_file_of_values,
};
use crate::yaml::{Node, Value};

/// The folder with the templates of a chart.
const TEMPLATES: &str = "templates";

/// Most bytes of a `Chart.yaml` in which dependencies are looked for.
const MAX_CHART: u64 = 1 << 20;

/// What a file beside or inside a chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValuesFile {
    /// `Chart.yaml` itself.
    Chart,
    /// The chart's own default values, which an installation may replace.
    Defaults,
    Values,
}

/// What a file is by its name. The default values of a chart are values like others where they are named on the command
/// line.
pub(crate) fn kind_of_file(path: &Path, is_named: bool) -> Option<ValuesFile> {
    let name = path.file_name()?.to_str()?;
    if name == CHART_FILE {
        return Some(ValuesFile::Chart);
    }
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    let is_values = stem == "values"
        || stem.strip_prefix("values").is_some_and(|rest| rest.starts_with(['-', '.', '_']))
        || stem.strip_suffix("values").is_some_and(|rest| rest.ends_with(['-', '.', '_']));
    let is_default = || stem == "values" && path.with_file_name(CHART_FILE).is_file();
    if !is_values {
        return None;
    }
    Some(if !is_named && is_default() { ValuesFile::Defaults } else { ValuesFile::Values })
}

/// Whether the default values beside a `Chart.yaml` are values of other charts. With templates of its own, the note on them says
/// that the chart is not rendered.
fn has_dependencies_alone(path: &Path) -> bool {
    let mut text = Vec::new();
    let opened = File::open(path.with_file_name(CHART_FILE));
    let read = opened.and_then(|chart| chart.take(MAX_CHART).read_to_end(&mut text));
    let has_dependencies = text.split(|&byte| byte == b'\n').any(|line| line.starts_with(b"dependencies:"));
    read.is_ok() && has_dependencies && !path.with_file_name(TEMPLATES).is_dir()
}

/// Reads a document of such a file, if it is no object of Kubernetes. What a chart says of itself holds no image.
pub(crate) fn read_file(root: Node<'_, '_>, path: &Path, kind: ValuesFile, manifest: &mut Manifest) -> bool {
    if root.value() != Value::Mapping || (root.get("apiVersion").is_some() && root.get("kind").is_some()) {
        return false;
    }
    if kind != ValuesFile::Values {
        if kind == ValuesFile::Defaults && has_dependencies_alone(path) {
            count_default_values(root, manifest);
        }
        return true;
    }
    let containers = read_file_of_values(root, manifest);
    if !containers.is_empty() {
        let described = Described::of_values(containers);
        add_described(root, "", VALUES_KIND, described, manifest);
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if let Some(located) = manifest.workloads.last_mut() {
            located.workload.id.name = UntrustedText::from(&*name);
            located.workload.id.namespace = None;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_by_their_names() {
        let kind = |name: &str| kind_of_file(Path::new(name), false);
        for name in ["values.yaml", "values.yml", "values-prod.yaml", "values.prod.yml", "prod-values.yaml"] {
            assert_eq!(kind(name), Some(ValuesFile::Values), "{name}");
        }
        for name in ["valuesets.yaml", "values.json", "myvalues.yaml", "values"] {
            assert_eq!(kind(name), None, "{name}");
        }
        assert_eq!(kind("a/Chart.yaml"), Some(ValuesFile::Chart));
    }
}
