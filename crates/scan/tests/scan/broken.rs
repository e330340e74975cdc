//! Invalid, hostile and oversized input: a clear error, the rest is scanned, and nothing crashes.

use std::fmt::Write as _;

use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{judged, notes, pod, scan_stdin};

#[test]
fn documents_around_an_invalid_one_are_evaluated() {
    let broken = [
        ("kind: [\n", "11:7 invalid-yaml"),
        ("kind: \"Pod\nmetadata:\n", "11:7 invalid-yaml"),
        ("kind: Pod\n  metadata: x\n", "12:11 invalid-yaml"),
        ("kind: *nobody\n", "11:7 invalid-yaml"),
        ("kind: &self {a: *self}\n", "11:17 invalid-yaml"),
        ("kind: @pod\n", "11:7 invalid-yaml"),
        ("kind: a\u{1b}[31mb\n", "11:8 invalid-yaml"),
        ("? {a: b}\n: c\n", "11:3 invalid-yaml"),
        ("<<: text\n", "11:5 invalid-yaml"),
        ("~: x\n", "11:1 invalid-yaml"),
        ("x: .inf\n", "11:4 invalid-yaml"),
        ("x: !!int y\n", "11:10 invalid-yaml"),
    ];
    for (document, note) in broken {
        let text =
            format!("{}\n---\n{document}---\n{}", pod("before", "nginx:1.0.0"), pod("after", "nginx:1.0.0"));
        let report = scan_stdin(text);
        assert_eq!(notes(&report), [note], "{document:?}: {:?}", report.notes);
        assert_eq!(judged(&report), ["before", "after"], "{document:?}");
        assert_eq!(report.summary.documents, 2, "{document:?}");
        assert_eq!(report.exit_status(FailOn::Never), ExitStatus::IncompleteInput, "{document:?}");
        assert!(!report.notes[0].message.contains('\u{1b}'), "{:?}", report.notes[0].message);
    }
}

#[test]
fn errors_describe_the_mistake() {
    let message = |text: &str| scan_stdin(text).notes.remove(0).message;
    assert_eq!(message("a: *b\n"), "no value is named by the alias *b");
    assert_eq!(message("~: a\n"), "a key that is null cannot be sent to the API server, which reads JSON");
    assert_eq!(message("a: b: c\n"), "this is no valid YAML: mapping values are not allowed in this context");
    assert_eq!(
        message(&pod("p", "1.25")),
        "spec.containers[0].image must be a string, found a number 1.25; put it in quotes"
    );
    assert_eq!(
        message(&pod("p", "nginx:1.0.0\n      imagePullPolicy: \"al\\eways\"")),
        "spec.containers[0].imagePullPolicy must be Always, IfNotPresent or Never, found \"al\\u{1b}ways\"; judged \
         by the default for the image"
    );
}

#[test]
fn a_byte_that_is_not_utf8_has_a_position_and_other_encodings_are_errors() {
    let manifest = [pod("p", "nginx:latest").as_bytes(), b"# caf\xe9\n"].concat();
    let report = scan_stdin(manifest);
    assert_eq!(judged(&report), ["p"]);
    assert_eq!(notes(&report), ["9:6 replaced-byte"]);
    assert_eq!(notes(&scan_stdin(b"\xef\xbb\xbfa: b\nc: d\xff\n")), ["2:5 invalid-encoding"]);
    assert_eq!(notes(&scan_stdin(b"\xff\xfea\0:")), ["1:1 invalid-encoding"]);
}

#[test]
fn deep_nesting_is_rejected_before_the_stack_overflows() {
    let flow = "[".repeat(1_000_000);
    assert_eq!(notes(&scan_stdin(format!("a: {flow}"))), ["1:515 over-budget"]);
    let block = (0..3000).fold(String::new(), |mut text, depth| {
        writeln!(text, "{:depth$}a:", "").unwrap();
        text
    });
    assert_eq!(notes(&scan_stdin(block)), ["513:513 over-budget"]);
    // The deepest nesting that is read: lists in lists, down to a Rollout of an uncovered version.
    let lists = "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [".repeat(200);
    let rollout = "{kind: Rollout, apiVersion: argoproj.io/v1alpha1, spec: {containers: [{image: nginx}]}}";
    let report = scan_stdin(format!("{lists}{rollout}{}", "]}".repeat(200)));
    let codes: Vec<_> = report.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["invalid-field", "kind-not-covered"]);
}

#[test]
fn aliases_cannot_expand_a_small_file_beyond_the_limit() {
    let mut lists = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "m0: &m0 {x: y}\n".to_owned();
    for level in 1..30 {
        let aliases = |name: &str| vec![format!("*{name}{}", level - 1); 10].join(", ");
        writeln!(lists, "l{level}: &l{level} [{}]", aliases("l")).unwrap();
        writeln!(merges, "m{level}: &m{level}\n  <<: [{}]", aliases("m")).unwrap();
    }
    for text in [lists, merges] {
        let report = scan_stdin(text);
        assert_eq!(report.notes.len(), 1);
        let message = &report.notes[0].message;
        assert!(message.starts_with("over the budget of 5000000 nodes for a file"), "{message}");
        assert_eq!(report.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
    }
}

#[test]
fn too_many_documents_are_an_error() {
    let report = scan_stdin("---\na: b\n".repeat(100_001));
    assert_eq!(notes(&report).last().unwrap(), "200001:1 over-budget");
}

#[test]
fn too_many_broken_documents_are_an_error() {
    let report = scan_stdin("@\n---\n".repeat(100_001));
    assert_eq!(notes(&report).last().unwrap(), "200000:1 over-budget");
    assert_eq!(report.notes.len(), 100_001);
}

#[test]
fn positions_are_within_the_text_of_a_truncated_file() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    for name in ["containers.yaml", "lists.yaml", "positions.yaml", "types.yaml"] {
        let text = std::fs::read_to_string(format!("{fixtures}{name}")).unwrap();
        for end in (0..text.len()).step_by(5).filter(|&end| text.is_char_boundary(end)) {
            for text in [&text[..end], &text[end..]] {
                let report = scan_stdin(text);
                let images = report.images.iter().map(|image| (image.place.line, image.place.column));
                let places = images.chain(report.notes.iter().map(|note| (note.line, note.column)));
                for (line, column) in places {
                    let line = text.split('\n').nth(usize::try_from(line).unwrap() - 1).unwrap();
                    assert!(
                        usize::try_from(column).unwrap() <= line.chars().count() + 1,
                        "{name} at {end}: {column}"
                    );
                }
            }
        }
    }
}

#[test]
fn hostile_names_and_images_are_evaluated_and_kept_unchanged() {
    let image = r#""\e]0;x\a<script>\u202e\0\n""#;
    let report = scan_stdin(pod(r#""\e[31m</title>""#, image));
    let found = &report.images[0];
    assert_eq!(found.image.raw(), "\u{1b}]0;x\u{7}<script>\u{202e}\0\n");
    assert_eq!(found.place.name.raw(), "\u{1b}[31m</title>");
    assert_eq!(found.tag_class.as_str(), "invalid");
    assert!(report.findings.iter().all(|finding| !finding.message.contains(char::is_control)));
    let long = scan_stdin(pod("long", &format!("acme/{}:latest", "a".repeat(1 << 20))));
    assert_eq!(long.images[0].image.raw().len(), (1 << 20) + 12);
}
