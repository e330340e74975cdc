//! Detects raw Helm templates, which are not manifests until Helm renders them.

use std::path::{Path, PathBuf};

use memchr::memmem;

use super::{CHART_FILE, SUBCHARTS};

/// The folder of the chart whose raw template a file is: one that contains template actions, in the `templates` folder beside
/// a `Chart.yaml` (<https://helm.sh/docs/topics/charts/#the-chart-file-structure>). Helm renders a file without actions
/// unchanged, so that is a manifest. Of a chart inside of another one, the outermost is returned: Helm renders both at once.
pub(crate) fn of_template(path: &Path, text: &str) -> Option<PathBuf> {
    if memmem::find(text.as_bytes(), b"{{").is_some() { chart_of(path, "templates") } else { None }
}

/// The outermost chart around a file that is below this folder of its chart.
pub(super) fn chart_of(path: &Path, folder: &str) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // As many folders up in the path as it is written, so that notes name the chart as it was reached.
    let written = |depth: usize| path.ancestors().nth(depth);
    let is_chart = |folder: &Path| folder.join(CHART_FILE).is_file();
    let ancestors: Vec<&Path> = absolute.ancestors().collect();
    let inner = (1..ancestors.len().saturating_sub(1)).find(|&depth| {
        ancestors[depth].file_name().is_some_and(|name| name == folder) && is_chart(ancestors[depth + 1])
    })? + 1;
    let mut chart = inner;
    // A subchart lies in the folder `charts` of another one.
    while chart + 2 < ancestors.len()
        && ancestors[chart + 1].file_name().is_some_and(|name| name == SUBCHARTS)
        && is_chart(ancestors[chart + 2])
    {
        chart += 2;
    }
    Some(written(chart).unwrap_or(ancestors[chart]).to_path_buf())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_template_needs_a_chart_and_an_action() {
        let folder = tempfile::tempdir().unwrap();
        let templates = folder.path().join("chart/templates/sub");
        fs::create_dir_all(&templates).unwrap();
        let file = templates.join("a.yaml");
        assert_eq!(of_template(&file, "a: {{ .b }}"), None, "no Chart.yaml yet");
        fs::write(folder.path().join("chart/Chart.yaml"), "name: c\n").unwrap();
        assert_eq!(of_template(&file, "a: \"{{ .b }}\""), Some(folder.path().join("chart")));
        assert_eq!(of_template(&file, "a: b"), None);
        assert_eq!(of_template(&folder.path().join("chart/values.yaml"), "a: {{ .b }}"), None);
        let inner = folder.path().join("chart/charts/inner");
        fs::create_dir_all(inner.join("templates")).unwrap();
        fs::write(inner.join("Chart.yaml"), "name: i\n").unwrap();
        let file = inner.join("templates/b.yaml");
        assert_eq!(
            of_template(&file, "{{ .b }}"),
            Some(folder.path().join("chart")),
            "Helm renders both at once"
        );
    }
}
