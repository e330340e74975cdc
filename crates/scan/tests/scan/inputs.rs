//! Which files are read, and in which order.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{Exclude, ExitStatus, FailOn, ScanOptions, scan};

use crate::support::{codes, folder, judged, notes, pod, scan_paths, scan_stdin};

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
    assert_eq!(notes(&report), ["1:1 hidden-not-read"]);
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

fn scan_folder(folder: &Path, exclude: &[&str], threads: usize) -> ScanReport {
    let options = ScanOptions {
        paths: vec![folder.to_path_buf()],
        exclude: Exclude::new(exclude.iter().map(|glob| (*glob).to_owned()).collect()).unwrap(),
        threads: NonZeroUsize::new(threads),
        ..ScanOptions::default()
    };
    scan(&Engine::recommended(), &options, &mut std::io::empty())
}

#[test]
fn excluded_files_are_as_in_an_ignore_file_of_the_folder() {
    let manifest = |name| pod(name, "nginx:1.0.0");
    let folder = folder(&[
        ("a.yaml", &manifest("a")),
        ("a-test.yaml", &manifest("a-test")),
        ("charts/b.yaml", &manifest("b")),
        ("deep/charts/c.yaml", &manifest("c")),
        ("deep/keep-test.yaml", &manifest("keep")),
        ("vendor/d.yaml", &manifest("d")),
        ("deep/vendor/e.yaml", &manifest("e")),
    ]);
    let judged_without = |exclude: &[&str]| {
        let report = scan_folder(folder.path(), exclude, 2);
        assert_eq!(codes(&report), []);
        judged(&report).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judged_without(&["charts/", "/vendor"]), ["a-test", "a", "keep", "e"]);
    assert_eq!(judged_without(&["*-test.yaml", "!keep-*", "**/vendor"]), ["a", "b", "c", "keep"]);
    assert_eq!(judged_without(&["deep/*"]), ["a-test", "a", "b", "d"]);
    let named = scan_paths(&[&folder.path().join("a-test.yaml")]);
    assert_eq!(judged(&named), ["a-test"], "a file that is named is read");
    assert!(Exclude::new(vec!["[z-a]".to_owned()]).is_err());
}

#[test]
fn our_own_ignore_file_has_the_last_word() {
    let manifest = |name| pod(name, "nginx:1.0.0");
    let folder = folder(&[
        ("a.yaml", &manifest("a")),
        ("b.yaml", &manifest("b")),
        ("c.yaml", &manifest("c")),
        (".gitignore", "b.yaml\n"),
        (".tagwatchignore", "a.yaml\n!b.yaml\n"),
    ]);
    assert_eq!(judged(&scan_paths(&[folder.path()])), ["b", "c"]);
}

#[test]
fn hidden_files_and_folders_are_counted_in_one_note() {
    let manifest = pod("p", "nginx:1.0.0");
    let folder = folder(&[
        ("a.yaml", &manifest),
        (".git/b.yaml", &manifest),
        (".github/workflows/c.yaml", &manifest),
        (".github/d.yaml", &manifest),
        (".e.yaml", &manifest),
        (".f.txt", ""),
        (".tagwatch.yaml", "kind: TagPolicy\n"),
        ("deep/.h/i.yaml", &manifest),
        ("ignored/.j/k.yaml", &manifest),
        (".ignore", "ignored\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!((judged(&report), codes(&report)), (vec!["p"], vec![NoteCode::HiddenNotRead]));
    let names = [".e.yaml", ".github", "deep/.h"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(
        report.notes[0].message,
        format!(
            "3 hidden files and folders are not read: {}; name one on the command line to have it read",
            names.join(", ")
        )
    );
    assert_eq!(judged(&scan_paths(&[&folder.path().join(".github")])).len(), 2, "named, so it is read");
}

#[test]
fn the_report_is_the_same_whatever_the_threads() {
    let mut files: Vec<(String, String)> = (0..60)
        .map(|number| {
            let text = format!("{}---\n{}", pod(&format!("p{number}"), "nginx"), "broken: [\n");
            (format!("f{}/{number}.yaml", number % 7), text)
        })
        .collect();
    files.push((
        "f0/namespace.yaml".to_owned(),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n".to_owned(),
    ));
    files.push((
        "f1/kustomization.yaml".to_owned(),
        "resources: [1.yaml, 8.yaml]\nimages: [{name: nginx, newTag: '2'}]\n".to_owned(),
    ));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let one = scan_folder(folder.path(), &[], 1);
    assert_eq!((one.summary.images, one.notes.len() > 60), (60, true));
    for threads in [2, 3, 16] {
        assert_eq!(scan_folder(folder.path(), &[], threads), one);
    }
}

/// Shapes of files that repositories hold beside manifests. kubectl is given none of them.
const OTHER_FILES: [(&str, &str); 14] = [
    ("tsconfig.json", "{\n  // settings\n  \"compilerOptions\": {\"strict\": true,},\n}\n"),
    ("data.json", "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n"),
    ("export.json", "# exported\n{\"name\": \"a\"}\n{\"name\": \"b\"}\n"),
    ("package.json", "{\"name\": \"web\", \"scripts\": {\"kind\": \"x\", \"apiVersion\": \"y\"},\n"),
    ("values.yaml", "image:\n  tag: a: b\n"),
    ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: @VERSION@\n"),
    ("mkdocs.yml", "nav: !!python/name:x\n  - a\n b: c\n"),
    ("playbook.yml", "- hosts: all\n  vars: {{ x }}\n  kind: a\n"),
    ("inventory.yml", "{% for host in hosts %}\nhost: a\n{% endfor %}\n"),
    ("config.yml", "<% if true %>\nproduction:\n  a: b\n<% end %>\n"),
    ("legacy.yaml", "a: \u{1}\n"),
    ("table.yaml", "a\tb\n1\t2\n:\t-\n"),
    ("snippet.yaml", "a: 1\n...\nb: 2\n"),
    ("http.json", "{\"listener\": {\"a\": [1, 2}\n"),
];

#[test]
fn files_that_kubectl_is_never_given_are_no_errors() {
    for (name, text) in OTHER_FILES {
        let folder = folder(&[(name, text), ("pod.yaml", &pod("p", "nginx:1.0.0"))]);
        let report = scan_paths(&[folder.path()]);
        assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean, "{name}: {:?}", report.notes);
        assert_eq!(judged(&report), ["p"], "{name}");
        let is_said = report.notes.iter().any(|note| note.file.raw().ends_with(name));
        assert!(is_said, "nothing passes unsaid: {:?}", report.notes);
    }
    let latin = folder(&[]);
    std::fs::write(latin.path().join("latin.yaml"), b"name: caf\xe9\n").unwrap();
    let report = scan_paths(&[latin.path()]);
    assert_eq!(codes(&report), [NoteCode::NotKubernetesObject, NoteCode::ReplacedByte]);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
}

#[test]
fn what_kubectl_would_be_given_must_be_readable() {
    let manifests = [
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n"),
        ("pod.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",]\n"),
        ("several.yaml", "a: 1\n---\nkind: Pod\napiVersion: v1\n---\nb: [\n"),
        ("ignored.yaml", "apiVersion: v1\nkind: Pod\n...\nb: 2\n"),
        ("kustomization.yaml", "resources: [\n"),
    ];
    for (name, text) in manifests {
        let folder = folder(&[(name, text)]);
        let report = scan_paths(&[folder.path()]);
        assert_eq!(
            report.exit_status(FailOn::Never),
            ExitStatus::IncompleteInput,
            "{name}: {:?}",
            report.notes
        );
        assert_eq!(report.summary.files, 0, "{name}: a file that was not read whole is not counted");
    }
    for (name, text) in OTHER_FILES.iter().filter(|(name, _)| ["values.yaml", "tsconfig.json"].contains(name))
    {
        let folder = folder(&[(name, text)]);
        let report = scan_paths(&[&folder.path().join(name)]);
        assert_eq!(report.exit_status(FailOn::Never), ExitStatus::IncompleteInput, "{name} is named");
    }
}

#[test]
fn data_of_many_documents_gets_one_note() {
    let report = scan_stdin("{\"a\": 1}\n".repeat(500));
    assert_eq!((codes(&report), report.summary.documents), (vec![NoteCode::NotKubernetesObject], 500));
    assert!(
        report.notes[0].message.ends_with("; so are 499 more documents of the file"),
        "{:?}",
        report.notes
    );
    let mixed = scan_stdin(format!("a: 1\n---\nb: 1\n---\n{}", pod("p", "nginx:1.0.0")));
    assert_eq!(codes(&mixed), [NoteCode::NotKubernetesObject; 2], "beside an object each is named");
}

/// More than what is read at once, with a finding in every third document.
fn large() -> String {
    let documents = (0..50_000).map(|number| {
        let image = if number % 3 == 0 { "nginx" } else { "nginx:1.0.0" };
        pod(&format!("pod-{number}"), image)
    });
    documents.collect::<Vec<_>>().join("---\n")
}

#[test]
fn a_large_file_is_read_in_pieces_as_it_is_read_whole() {
    let text = large();
    let folder = folder(&[("all.yaml", &text)]);
    let file = folder.path().join("all.yaml");
    let in_pieces = scan_paths(&[&file]);
    let options = ScanOptions {
        paths: vec![PathBuf::from("-")],
        stdin_name: Some(file.to_str().unwrap().to_owned()),
        ..ScanOptions::default()
    };
    let whole = scan(&Engine::recommended(), &options, &mut text.as_bytes());
    assert_eq!(in_pieces.summary.documents, 50_000);
    assert!(in_pieces == whole, "{:?} {:?}", in_pieces.summary, whole.summary);
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_text_from_a_pipe_is_read_whole() {
    use std::io::{Write, pipe};
    use std::os::fd::AsRawFd;

    let text = large();
    let (reader, mut writer) = pipe().unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(text.as_bytes()).unwrap());
        let report = scan_paths(&[&path]);
        assert_eq!(codes(&report), []);
        assert_eq!(report.summary.documents, 50_000);
    });
}

#[test]
fn images_without_a_finding_are_left_out_where_no_format_lists_them() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx:1.0.0")), ("b.yaml", &pod("b", "nginx"))]);
    let options = ScanOptions { paths: vec![folder.path().to_path_buf()], ..ScanOptions::default() };
    let engine = Engine::recommended();
    let all = scan(&engine, &options, &mut std::io::empty());
    let omitting = ScanOptions { omits_clean_images: true, ..options };
    let some = scan(&engine, &omitting, &mut std::io::empty());
    assert_eq!((judged(&all), judged(&some)), (vec!["a", "b"], vec!["b"]));
    assert_eq!((&all.summary, &all.findings), (&some.summary, &some.findings));
    assert_eq!(all.images[1], some.images[0]);
}

#[test]
fn findings_are_the_same_without_what_no_format_shows() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx"))]);
    let options = ScanOptions { paths: vec![folder.path().to_path_buf()], ..ScanOptions::default() };
    let engine = Engine::recommended();
    let mut all = scan(&engine, &options, &mut std::io::empty());
    let omitting = ScanOptions { omits_evidence: true, omits_fingerprints: true, ..options };
    let some = scan(&engine, &omitting, &mut std::io::empty());
    assert!(!all.findings.is_empty());
    for finding in &mut all.findings {
        assert!(!std::mem::take(&mut finding.evidence).is_empty());
        assert!(!std::mem::take(&mut finding.fingerprint).is_empty());
    }
    assert_eq!(all, some);
}
