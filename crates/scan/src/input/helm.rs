//! Detects raw Helm templates, which are not manifests until Helm renders them.

use std::path::Path;

/// Whether a file is a raw template of a Helm chart: it contains template actions and is in the `templates` folder beside
/// a `Chart.yaml` (<https://helm.sh/docs/topics/charts/#the-chart-file-structure>). Helm renders a file without actions
/// unchanged, so that is a manifest.
pub(crate) fn is_chart_template(path: &Path, text: &str) -> bool {
    text.contains("{{") && is_in_chart(path)
}

fn is_in_chart(path: &Path) -> bool {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute
        .ancestors()
        .skip(1)
        .filter(|folder| folder.file_name().is_some_and(|name| name == "templates"))
        .filter_map(Path::parent)
        .any(|chart| chart.join("Chart.yaml").is_file())
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
        assert!(!is_chart_template(&file, "a: {{ .b }}"), "no Chart.yaml yet");
        fs::write(folder.path().join("chart/Chart.yaml"), "name: c\n").unwrap();
        assert!(is_chart_template(&file, "a: \"{{ .b }}\""));
        assert!(!is_chart_template(&file, "a: b"));
        assert!(!is_chart_template(&folder.path().join("chart/values.yaml"), "a: {{ .b }}"));
    }
}
