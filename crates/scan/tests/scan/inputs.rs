//! Which files are read, and in which order.

use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{ExitStatus, FailOn, ScanOptions, scan};

use crate::support::{folder, judged, notes, pod, scan_paths, scan_stdin};

fn codes(report: &ScanReport) -> Vec<NoteCode> {
    report.notes.iter().map(|note| note.code).collect()
}

#[test]
fn a_folder_is_read_completely_in_the_order_of_names() {
    let manifest = |name| pod(name, "nginx:1.0.0");
    let folder = folder(&[
        ("b.yml", &manifest("b")),
        ("a/z.yaml", &manifest("az")),
        ("a/B.YAML", &manifest("aB")),
        (
            "c.json",
            r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}, "spec": {"containers": [{"image": "a:1.0.0"}]}}"#,
        ),
        ("README.md", "no manifest: ["),
        (".hidden/d.yaml", &manifest("hidden")),
        ("ignored/e.yaml", &manifest("ignored")),
        ("kept/f.yaml", &manifest("kept")),
        ("kept/secret.yaml", &manifest("secret")),
        (".gitignore", "ignored/\n"),
        ("kept/.ignore", "secret.*\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(judged(&report), ["aB", "az", "b", "c", "kept"]);
    assert_eq!(report.summary.files, 5);
    assert_eq!(notes(&report), [""; 0]);
    let file = folder.path().join("a/B.YAML");
    assert_eq!(report.images[0].place.file.raw(), file.to_str().unwrap());
}

#[test]
fn a_given_file_is_read_once_whatever_its_name() {
    let folder = folder(&[("b.txt", &pod("b", "nginx:1.0.0")), ("a.yaml", &pod("a", "nginx:1.0.0"))]);
    let (a, b) = (folder.path().join("a.yaml"), folder.path().join("b.txt"));
    assert_eq!(judged(&scan_paths(&[&b, folder.path(), &a])), ["b", "a"]);
}

#[test]
fn standard_input_is_read_in_the_given_order() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx:1.0.0"))]);
    let paths = vec![PathBuf::from("-"), folder.path().join("a.yaml"), PathBuf::from("-")];
    let options = ScanOptions { paths, ..ScanOptions::default() };
    let report = scan(&Engine::recommended(), &options, &mut pod("stdin", "nginx").as_bytes());
    assert_eq!(judged(&report), ["stdin", "a"]);
    assert_eq!(report.images[0].place.file.raw(), "<stdin>");
}

#[test]
fn an_unreadable_input_is_an_error_and_the_rest_is_evaluated() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx:latest"))]);
    let missing = folder.path().join("missing.yaml");
    let report = scan_paths(&[&missing, folder.path()]);
    assert_eq!(judged(&report), ["a"]);
    assert_eq!(codes(&report), [NoteCode::UnreadableInput]);
    assert_eq!(report.notes[0].file.raw(), missing.to_str().unwrap());
    assert!(report.notes[0].message.starts_with("cannot be read: "), "{}", report.notes[0].message);
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::IncompleteInput, "3 goes before 1");
}

#[test]
fn an_empty_folder_gets_a_note() {
    let folder = folder(&[("README.md", "")]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(codes(&report), [NoteCode::NoManifests]);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[test]
fn an_invalid_ignore_file_gets_a_note() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx:1.0.0")), (".gitignore", "[z-a]\n")]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!((judged(&report), codes(&report)), (vec!["a"], vec![NoteCode::InvalidIgnoreFile]));
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_get_a_note_and_are_not_followed() {
    let outside = folder(&[("a.yaml", &pod("outside", "nginx"))]);
    let folder = folder(&[("b.yaml", &pod("b", "nginx:1.0.0"))]);
    let link =
        |target: &Path, name: &str| std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    link(&outside.path().join("a.yaml"), "link.yaml");
    link(outside.path(), "folder");
    link(folder.path(), "loop");
    link(Path::new("nowhere"), "dangling.txt");
    let report = scan_paths(&[folder.path()]);
    assert_eq!(judged(&report), ["b"]);
    assert_eq!(codes(&report), [NoteCode::SymlinkNotFollowed; 3]);
    assert_eq!(judged(&scan_paths(&[&folder.path().join("link.yaml")])), ["outside"], "named, so it is read");
    assert_eq!(judged(&scan_paths(&[&folder.path().join("folder")])), ["outside"], "a folder likewise");
}

#[test]
fn raw_helm_templates_get_a_note_and_are_skipped() {
    let quoted = pod("t", "\"{{ .Values.image }}\"");
    let folder = folder(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n"),
        ("chart/templates/quoted.yaml", &quoted),
        ("chart/templates/static.yaml", &pod("static", "nginx:1.0.0")),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(judged(&report), ["static"]);
    assert_eq!(codes(&report), [NoteCode::HelmTemplate]);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
    assert_eq!(
        scan_stdin(quoted).images[0].tag_class.as_str(),
        "invalid",
        "outside a chart it is what it says"
    );
}

#[test]
fn templates_that_are_not_yaml_get_a_note_in_any_folder() {
    let templates = [
        "image: {{ .Values.image }}\n",
        "{{- if .Values.enabled }}\nkind: Pod\n{{- end }}\n",
        "metadata:\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\n",
        "kind: Pod\n{{ include \"more\" . }}\n",
        "image: {{ .Values.image }}:{{ .Values.tag }}\n",
        "args:\n  - {{ .Values.first }} - {{ .Values.second }}\n",
        "{{ range .Values.list }}\nname: {{ . }}\n{{ end }}\n",
        "{{/* a comment */}}\nkind: Pod\n",
        "{{ if .Values.enabled }}\nkind: Pod\nspec: {}\n{{ end }}\n",
        "images: [{{ .Values.image }}]\n",
    ];
    for template in templates {
        let text = format!("{}---\n{template}---\n{}", pod("before", "nginx"), pod("after", "nginx"));
        let report = scan_stdin(text);
        assert_eq!(codes(&report), [NoteCode::HelmTemplate], "{template:?}: {:?}", report.notes);
        assert_eq!(judged(&report), ["before", "after"], "{template:?}");
        assert_eq!((report.summary.files, report.summary.templates), (1, 1), "{template:?}");
        let alone = scan_stdin(template);
        assert_eq!((alone.summary.files, alone.summary.templates), (0, 1), "{template:?}");
    }
}

#[test]
fn braces_in_values_do_not_hide_an_error() {
    for error in ["other: b: c\n", "@other\n", "other: \"{{ $value }}\" \"\n"] {
        let text =
            format!("data:\n  rule: \"{{{{ $labels.pod }}}}\"\n  text: |\n    {{{{ define }}}}\n{error}");
        assert_eq!(codes(&scan_stdin(&text)), [NoteCode::InvalidYaml], "{text}");
    }
}
