//! The table: grouped by container, folded, and without control characters.

use tagwatch_scan::FailOn;
use tagwatch_scan::output::{self, Format, NoteDetail, Style};
use tagwatch_scan::report::ScanReport;
use unicode_width::UnicodeWidthStr;

use crate::support::{folder, pod, scan_paths, scan_stdin};

fn table(report: &ScanReport, style: Style) -> String {
    let mut out = Vec::new();
    output::write(Format::Table, report, FailOn::default(), &mut out, style).unwrap();
    String::from_utf8(out).unwrap()
}

fn talk(report: &ScanReport, style: Style) -> String {
    let mut out = Vec::new();
    output::write_notes(report, NoteDetail::Folded, &mut out, style).unwrap();
    String::from_utf8(out).unwrap()
}

const WORKLOADS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      initContainers:
        - {name: setup, image: 'acme/setup:main'}
      containers:
        - name: app
          image: nginx
          imagePullPolicy: Never
";

#[test]
fn rules_of_a_container_are_aligned_and_text_is_folded() {
    let style = Style { color: false, width: Some(100) };
    let mut report = scan_stdin(WORKLOADS);
    for finding in &mut report.findings {
        finding.message =
            format!("container {} says a thing or two, ", finding.place.container.raw()).repeat(3);
    }
    insta::assert_snapshot!(table(&report, style), @"
    <stdin>:8:32  Deployment shop/web  setup
      image: acme/setup:main
      8:32  warn  medium  floating-tag
        container setup says a thing or two, container setup says a thing or two, container setup says a
          thing or two,
      8:32  fail  high    stale-pull-policy
        container setup says a thing or two, container setup says a thing or two, container setup says a
          thing or two,
      fix: Set image to acme/setup:main@sha256:<digest>, or to a tag that is never pushed again, such as
        acme/setup:<full version>. As a stopgap set imagePullPolicy: Always: the kubelet then asks the
        registry at every start, though a mirror or a cache can still answer with an old digest.

    <stdin>:11:18  Deployment shop/web  app
      image: nginx
      11:18  fail  high  missing-tag
        container app says a thing or two, container app says a thing or two, container app says a thing
          or two,
      12:28  fail  high  pull-policy-never
        container app says a thing or two, container app says a thing or two, container app says a thing
          or two,
      fix: Set image to nginx:<version>@sha256:<digest>, or to a tag that is never pushed again, such as
        nginx:<full version>. Then set imagePullPolicy: IfNotPresent, so that nodes without the image
        can pull it.

    1 file, 1 document, 1 workload and 2 images read: 3 fail, 0 error, 1 warn, 0 skip, 0 pass
    ");
}

#[test]
fn without_a_terminal_nothing_is_folded() {
    let text = table(&scan_stdin(WORKLOADS), Style::default());
    let messages = text.lines().filter(|line| line.starts_with("    ")).count();
    assert_eq!(messages, scan_stdin(WORKLOADS).findings.len());
}

#[test]
fn findings_are_grouped_by_file() {
    let folder = folder(&[("a.yaml", &pod("a", "nginx")), ("b.yaml", &pod("b", "nginx"))]);
    let text = table(&scan_paths(&[folder.path()]), Style::default());
    assert_eq!(text.split("\n\n").count(), 3, "{text}");
}

#[test]
fn a_clean_scan_prints_one_line() {
    let text = table(&scan_stdin(pod("a", "nginx:1.27.3")), Style::default());
    assert_eq!(
        text,
        "1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 0 warn, 0 skip, 2 pass\n"
    );
}

#[test]
fn a_file_that_was_not_read_completely_is_not_counted() {
    assert_eq!(
        table(&scan_stdin("a: [1\n"), Style::default()),
        "0 files, 0 documents, 0 workloads and 0 images read: 0 fail, 0 error, 0 warn, 0 skip, 0 pass\n\
         nothing was judged: no manifest was read\n"
    );
    let half = table(&scan_stdin(format!("{}---\na: [1\n", pod("a", "nginx:1.27.3"))), Style::default());
    assert!(half.starts_with("0 files, 1 document, "), "{half}");
}

#[test]
fn an_image_is_never_cut_and_a_way_to_fix_two_findings_is_there_once() {
    let digest = format!("registry.example.com/shop/web:stable@sha256:{}", "0123456789abcdef".repeat(4));
    let manifest = pod("a", &digest) + "      imagePullPolicy: Never\n";
    let text = table(&scan_stdin(manifest), Style { color: false, width: Some(60) });
    assert!(text.contains(&format!("\n  image: {digest}\n")), "{text}");
    let two = WORKLOADS.replace("Never", "IfNotPresent").replace("image: nginx", "image: nginx:latest");
    let text = table(&scan_stdin(two), Style { color: false, width: Some(60) });
    let block = text.split("\n\n").find(|block| block.contains("latest-tag")).unwrap();
    assert_eq!(block.matches("  fix: ").count(), 1, "{block}");
    assert!(block.contains("stale-pull-policy") && block.contains("stopgap"), "{block}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let manifest = WORKLOADS
        .replace("web", "a-deployment-with-a-rather-long-name-日本語日本語")
        .replace("shop", "a-namespace-with-a-long-name")
        .replace("name: app", "name: a-container-with-a-long-name-too");
    let report = scan_stdin(manifest);
    for width in 60..200 {
        let text = table(&report, Style { color: false, width: Some(width) });
        for line in text.lines().take_while(|line| !line.is_empty()) {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn long_names_are_cut() {
    for filler in ["a", "e\u{301}", "\u{301}", "日"] {
        let manifest = pod(&filler.repeat(100_000), "nginx")
            .replace("name: app", &format!("name: {}", filler.repeat(99_999)));
        let report = scan_stdin(manifest);
        let narrow = table(&report, Style { color: false, width: Some(80) });
        assert!(narrow.len() < 2000, "{}", narrow.len());
        assert!(table(&report, Style::default()).len() < 3000);
    }
}

#[test]
fn a_long_path_has_its_own_line_and_is_not_cut() {
    let name = format!("{}.yaml", "long-".repeat(30));
    let folder = folder(&[(&name, &pod("a", "nginx"))]);
    let path = folder.path().join(&name);
    let text = table(&scan_paths(&[&path]), Style { color: false, width: Some(80) });
    assert_eq!(text.lines().next().unwrap(), format!("{}:8:14", path.display()));
    let next: Vec<&str> = text.lines().skip(1).take(3).collect();
    assert_eq!(next, ["  Pod a  app", "  image: nginx", "  8:14  fail  high  missing-tag"]);
}

#[test]
fn colours_are_written_only_when_enabled() {
    let report = scan_stdin(format!("{WORKLOADS}---\na: [\n"));
    let plain = Style { color: false, width: None };
    let color = Style { color: true, ..plain };
    assert!(!table(&report, plain).contains('\u{1b}') && !talk(&report, plain).contains('\u{1b}'));
    for (colored, plain) in
        [(table(&report, color), table(&report, plain)), (talk(&report, color), talk(&report, plain))]
    {
        assert!(colored.contains("\u{1b}[31m"), "{colored:?}");
        assert_eq!(strip_colors(&colored), plain);
    }
}

fn strip_colors(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
}

#[test]
fn notes_have_the_format_of_compilers() {
    let report = scan_stdin("a: b: c\n---\nno: kind\n");
    assert_eq!(
        talk(&report, Style::default()),
        "error: <stdin>:1:5: this is no valid YAML: mapping values are not allowed in this context [invalid-yaml]\n\
         note: <stdin>:3:1: no Kubernetes object: apiVersion and kind are expected [not-kubernetes-object]\n"
    );
}

#[test]
fn no_control_character_reaches_a_terminal() {
    let hostile = r#""\e]0;title\a\r\n\u202e\u009b31m\0""#;
    let manifest = pod(hostile, hostile).replace("name: app", &format!("name: {hostile}"))
        + &format!(
            "      imagePullPolicy: {hostile}\n---\n{{kind: {hostile}, apiVersion: {hostile}, spec: {{containers: [{{image: a}}]}}}}\n"
        )
        + &format!("---\n{{{hostile}: 1, {hostile}: 2}}\n");
    let mut files = vec![("a.yaml", manifest.as_str())];
    if cfg!(unix) {
        files.push(("\u{1b}[31m\n.yaml", manifest.as_str()));
    }
    let folder = folder(&files);
    let report = scan_paths(&[folder.path()]);
    // Of the last document two: its key is written twice, and it is no object.
    assert_eq!((report.images.len(), report.notes.len()), (files.len(), 4 * files.len()));
    let text = table(&report, Style { color: false, width: Some(80) }) + &talk(&report, Style::default());
    let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(bad), "{text:?}");
}

#[test]
fn notes_are_folded_by_code() {
    let folder = folder(&[
        ("a.yaml", "a: 1\n"),
        ("b.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n"),
        ("c.yaml", "---\nc: 1\n---\n"),
        ("d.yaml", "d: 1\n"),
        ("e.yaml", "e: 1\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    let written = |detail| {
        let mut out = Vec::new();
        output::write_notes(&report, detail, &mut out, Style::default()).unwrap();
        String::from_utf8(out).unwrap().replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        written(NoteDetail::Folded),
        "note: a.yaml:1:1: no Kubernetes object: apiVersion and kind are expected; 3 more: c.yaml:2:1, d.yaml:1:1, …; \
         --notes full shows all [not-kubernetes-object]\n\
         error: b.yaml:3:7: this is no valid YAML: unclosed bracket '[' [invalid-yaml]\n"
    );
    let full = written(NoteDetail::Full);
    assert_eq!(full.lines().count(), 5, "{full}");
    assert!(
        full.contains("note: e.yaml:1:1: no Kubernetes object: apiVersion and kind are expected [not"),
        "{full}"
    );
}
