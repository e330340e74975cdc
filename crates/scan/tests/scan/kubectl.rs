//! Manifests are read as kubectl reads them. `kubectl label --local -f FILE x=y -o json` shows how; the differential test
//! in `src/yaml` compares more of them.

use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{judged, notes, pod, scan_stdin};

/// Images with their places.
fn images(report: &ScanReport) -> Vec<String> {
    let image = |image: &tagwatch_scan::report::ImageEntry| {
        format!("{}:{} {}", image.place.line, image.place.column, image.image.raw())
    };
    report.images.iter().map(image).collect()
}

fn with_containers(containers: &str) -> ScanReport {
    scan_stdin(format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{containers}"
    ))
}

#[test]
fn a_merge_key_replaces_what_stands_before_it() {
    let report = scan_stdin(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: merge-order\n  annotations: &base {image: \"nginx:latest\"}\n\
         spec:\n  containers:\n  - name: web\n    image: nginx@sha256:00\n    <<: *base\n",
    );
    assert_eq!(images(&report), ["5:30 nginx:latest"]);
    assert_eq!(notes(&report), ["10:5 duplicate-key"]);
    assert_eq!(
        report.notes[0].message,
        "the merge key `<<` replaces the key \"image\" of line 9, as kubectl reads it, since it is written after it"
    );
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Findings);
}

#[test]
fn the_first_of_several_merged_mappings_has_precedence() {
    let report = with_containers("  - <<: [{image: \"a:1\", name: x}, {image: \"b:1\"}]\n    name: own\n");
    assert_eq!(images(&report), ["6:18 a:1"]);
    assert_eq!(report.images[0].place.container.raw(), "own");
    assert_eq!(notes(&report), [""; 0]);
}

#[test]
fn tags_are_read_as_go_yaml_reads_them() {
    let report = with_containers(
        "  - {name: !!binary YQ==, image: !!binary bmdpbng6bGF0ZXN0}\n  - {name: b, image: !Ref nginx}\n  \
           - {name: c, image: !!str 1.25}\n",
    );
    assert_eq!(images(&report), ["6:43 nginx:latest", "7:27 nginx", "8:28 1.25"]);
    assert_eq!(report.images[0].place.container.raw(), "a");
    assert_eq!(notes(&with_containers("  - {name: a, image: !!binary nginx}\n")), ["6:31 invalid-yaml"]);
}

#[test]
fn a_quoted_scalar_may_go_on_at_the_margin() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: note\n  annotations:\n    note: \"first\n    second\"\n\
                spec: {containers: [{name: a, image: \"nginx\nextra\"}]}\n";
    let report = scan_stdin(text);
    assert_eq!(images(&report), ["8:38 nginx extra"]);
    assert_eq!(notes(&report), [""; 0]);
}

#[test]
fn the_last_value_of_a_key_applies_and_a_note_says_so() {
    let report = with_containers("  - {name: a, image: \"a:1\", image: \"b:latest\", \"image\": \"c:2\"}\n");
    assert_eq!(images(&report), ["6:57 c:2"]);
    assert_eq!(notes(&report), ["6:29 duplicate-key", "6:48 duplicate-key"]);
    let message = "the key \"image\" is written twice, first in line 6; kubectl keeps the last value";
    assert_eq!(report.notes[0].message, message);
    assert_eq!(report.exit_status(FailOn::Never), ExitStatus::Clean);
}

#[test]
fn only_some_keys_that_are_written_twice_are_named() {
    let report = scan_stdin(format!("kind: x\napiVersion: y\ndata:\n{}", "  a: b\n".repeat(1_000)));
    assert_eq!(report.notes.len(), 21);
    assert_eq!(
        report.notes[20].message,
        "values of other keys of the document are replaced too; this is the last one that is named"
    );
}

#[test]
fn json_objects_may_follow_each_other() {
    let object = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}"}},"spec":{{"containers":[{{"name":"a","image":"nginx"}}]}}}}"#
        )
    };
    let report = scan_stdin(format!("{}\n  {}{}\n", object("one"), object("two"), object("three")));
    assert_eq!(judged(&report), ["one", "two", "three"]);
    let columns: Vec<_> = report.images.iter().map(|image| (image.place.line, image.place.column)).collect();
    assert_eq!(columns, [(1, 101), (2, 103), (2, 216)]);
    assert_eq!(notes(&report), [""; 0]);
    // After two objects kubectl reads JSON alone, after one YAML too.
    let report = scan_stdin(format!("{}\n---\n{}", object("one"), pod("two", "nginx")));
    assert_eq!(judged(&report), ["one", "two"]);
    let text = format!("{}\n{}\n---\n{}", object("one"), object("two"), pod("three", "nginx"));
    let report = scan_stdin(text);
    assert_eq!(
        (judged(&report), notes(&report)),
        (vec!["one", "two", "three"], vec!["3:2 invalid-yaml".to_owned()])
    );
}

/// What `jq` or a script prints, with templates among it: each object is read, or named.
#[test]
fn objects_around_a_template_or_a_broken_one_of_a_json_stream_are_read() {
    let pod = |name: &str, image: &str| {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"containers\":[{{\"name\":\"a\",\"image\":{image}}}]}}}}\n"
        )
    };
    let good = |name: &str| pod(name, "\"nginx:1.27.3\"");
    let template = pod("template", "{{ .Values.image }}");
    let indented = template.replace("\"spec\":{", "\n  \"spec\":\n{\n").replace("]}}\n", "]\n}\n}\n");
    let broken = good("broken").replace("}]}}", "}]}");
    let open = good("open").replace("\"nginx:1.27.3\"", "\"nginx");
    for (text, read, expected) in [
        (template.clone() + &good("b") + &good("c"), &["b", "c"][..], &["helm-template"][..]),
        (good("a") + &template + &good("c"), &["a", "c"], &["helm-template"]),
        (good("a") + &good("b") + &template + &good("d"), &["a", "b", "d"], &["helm-template"]),
        (good("a") + &good("b") + &indented + &good("d"), &["a", "b", "d"], &["helm-template"]),
        (good("a") + &template + &template + &good("d"), &["a", "d"], &["helm-template"; 2]),
        (
            good("a") + "{{ if .Values.more }}\n" + &good("b") + "{{ end }}\n" + &good("c"),
            &["a", "b", "c"],
            &["helm-template"; 2],
        ),
        (good("a") + &good("b") + &broken + &good("d"), &["a", "b", "d"], &["invalid-yaml"]),
        (good("a") + &broken + &good("c"), &["a", "c"], &["invalid-yaml"]),
        (good("a") + &good("b") + &open + &good("d"), &["a", "b", "d"], &["invalid-yaml"]),
        (good("a") + &good("b") + "text\n" + &good("d"), &["a", "b", "d"], &["invalid-yaml"]),
        (good("a") + &template + "---\n" + &good("c"), &["a", "c"], &["helm-template"]),
    ] {
        let report = scan_stdin(&text);
        assert_eq!(judged(&report), read, "{text}{:?}", report.notes);
        let codes: Vec<&str> = report.notes.iter().map(|note| note.code.as_str()).collect();
        assert_eq!(codes, expected, "{text}{:?}", report.notes);
    }
    // Each of a hundred thousand beginnings is looked at once.
    let hostile = "{\"a\":[\n".repeat(100_000);
    let report = scan_stdin(&hostile);
    assert!(!report.notes.is_empty() && report.exit_status(FailOn::Never) == ExitStatus::IncompleteInput);
}

#[test]
fn text_that_kubectl_does_not_read_is_an_error() {
    let (first, second) = (pod("first", "nginx:1.0.0"), pod("second", "nginx:1.0.0"));
    let report = scan_stdin(format!("{first}...\n# and\n{second}---\n{second}"));
    assert_eq!(judged(&report), ["first", "second"]);
    assert_eq!(notes(&report), ["11:1 text-ignored"]);
    assert_eq!(report.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
    assert_eq!(notes(&scan_stdin(format!("{first}...\n# nothing\n...\n---\n{second}"))), [""; 0]);
}

#[test]
fn only_a_comment_may_follow_a_separator() {
    let (first, second) = (pod("first", "nginx:1.0.0"), pod("second", "nginx:1.0.0"));
    let report = scan_stdin(format!("{first}--- # next\n{second}--- {{a: b}}\n{first}"));
    assert_eq!(judged(&report), ["first", "first"]);
    assert_eq!(notes(&report), ["18:1 invalid-yaml"]);
}

#[test]
fn utf16_is_read_by_its_byte_order_mark() {
    let text = pod("é😀", "nginx:latest");
    let encode = |bytes: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    for file in [encode(u16::to_le_bytes, &text), encode(u16::to_be_bytes, &text)] {
        let report = scan_stdin(file);
        assert_eq!(judged(&report), ["é😀"]);
        assert_eq!(images(&report), ["8:14 nginx:latest"]);
    }
    // kubectl decodes the file before it looks for documents.
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let report = scan_stdin(encode(bytes, &format!("{text}---\n{text}")));
        assert_eq!((judged(&report), notes(&report)), (vec!["é😀", "é😀"], Vec::new()));
    }
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}"#;
    assert_eq!(scan_stdin(format!("\u{feff}{json}\n{json}")).summary.documents, 2);
}

#[test]
fn an_object_with_items_is_a_list_whatever_its_kind() {
    let inner =
        "{apiVersion: v1, kind: Pod, metadata: {name: inner}, spec: {containers: [{name: a, image: x}]}}";
    for kind in ["ConfigMap", "Pod", "Service", "Whatever", "DeploymentList"] {
        let outer = format!(
            "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: outer\nspec:\n  containers:\n    - name: a\n      image: y\n"
        );
        let report = scan_stdin(format!("{outer}items:\n- {inner}\n"));
        assert_eq!(judged(&report), ["inner"], "{kind}");
        assert_eq!(notes(&report), [""; 0], "{kind}");
        for none in ["[]", "null"] {
            assert_eq!(judged(&scan_stdin(format!("{outer}items: {none}\n"))), [""; 0], "{kind}");
        }
        assert_eq!(notes(&scan_stdin(format!("{outer}items: {{}}\n"))), ["9:8 invalid-field"], "{kind}");
    }
    // As its own kind, where the items name none.
    let report = scan_stdin(
        "apiVersion: v1\nkind: Pod\nitems:\n- metadata: {name: b}\n  spec: {containers: [{name: a, image: x}]}\n",
    );
    assert_eq!(judged(&report), ["b"]);
}

#[test]
fn null_is_no_text() {
    for null in ["", "~", "null", "!!null ''"] {
        let report = with_containers(&format!("  - image: nginx:1.0.0\n    name: {null}\n"));
        assert_eq!(report.images[0].place.container.raw(), "", "{null:?}");
        assert_eq!(notes(&report), [""; 0]);
    }
    assert_eq!(notes(&scan_stdin("apiVersion: ~\nkind: Pod\n")), ["1:1 not-kubernetes-object"]);
}

#[test]
fn line_breaks_that_no_editor_shows_do_not_count_as_lines() {
    let breaks = "apiVersion: v1\u{85}kind: Pod\u{2028}metadata: {name: p}\n";
    let report = scan_stdin(format!("{breaks}spec:\r\n  containers:\r  - image: nginx\u{2029}    name: a"));
    assert_eq!(images(&report), ["4:12 nginx"]);
    assert_eq!(report.images[0].place.container.raw(), "a");
}
