//! The formats of `-o`: one golden file each, what their consumers ask for, and that no manifest can break out of them.
//! `INSTA_UPDATE=always` writes the golden files anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use tagwatch_core::engine::Engine;
use tagwatch_k8s::crd::policy_report_crd;
use tagwatch_scan::output::Format;
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{FailOn, ScanOptions, scan};

use crate::support::{pod, scan_stdin, written, written_for};

/// Every result and severity that a scan gives, names that mean something in each format, and a broken document.
const MANIFEST: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      initContainers:
        - {name: setup, image: 'acme/setup:main', imagePullPolicy: Always}
      containers:
        - name: app
          image: nginx:latest
          imagePullPolicy: IfNotPresent
        - {name: side, image: 'nginx:1.27.3'}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: exempt
  annotations:
    tagwatch.dev/ignore: missing-tag
    tagwatch.dev/ignore-reason: "a | `b` <c> & [d](https://example.com) 100%, @team"
spec:
  template:
    spec:
      containers:
        - {name: once, image: busybox}
---
apiVersion: v1
kind: Pod
metadata: {name: "a|b`c\e[31m<i>\u202e, 50%"}
spec:
  containers:
    - {name: "::error::x]]>\"'&amp; 50%", image: "[x](https://example.com)|``a\r\n::stop-commands::b"}
---
a: [1
"#;

/// A name in which each character means something to one of the formats.
const FILE: &str = "./deploy/a,b:c %|`x`.yaml";

fn report_of(manifest: &str) -> ScanReport {
    let options = ScanOptions {
        paths: vec![PathBuf::from("-")],
        stdin_name: Some(FILE.to_owned()),
        ..ScanOptions::default()
    };
    let today = "2026-11-29".parse().unwrap();
    scan(&Engine::recommended().on(today), &options, &mut manifest.as_bytes())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn parsed_yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn every_format_is_as_its_golden_file() {
    let report = report_of(MANIFEST);
    for format in Format::ALL {
        insta::assert_snapshot!(format.as_str(), written(format, &report));
    }
}

#[test]
fn a_scan_without_findings_is_valid_in_every_format() {
    for report in [scan_stdin(pod("web", "nginx:1.27.3")), scan_stdin("")] {
        let text = |format| written(format, &report);
        assert_eq!((text(Format::Name), text(Format::Github)), (String::new(), String::new()));
        assert_eq!(parsed(&text(Format::Gitlab)), json!([]));
        let sarif = parsed(&text(Format::Sarif));
        assert_eq!(sarif["runs"][0]["results"], json!([]));
        assert!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len() > 5);
        assert_eq!(parsed_yaml(&text(Format::Yaml)), parsed(&text(Format::Json)));
        assert_eq!(parsed_yaml(&text(Format::PolicyReport))["kind"], "List");
        assert!(text(Format::Junit).contains("failures=\"0\" errors=\"0\""));
        assert!(text(Format::Markdown).starts_with("### tagwatch: 0 fail, 0 error, 0 warn\n"));
        assert_eq!(text(Format::Wide), text(Format::Table));
    }
}

#[test]
fn nothing_that_drives_a_terminal_is_in_any_format() {
    let report = report_of(MANIFEST);
    for format in Format::ALL {
        let text = written(format, &report);
        let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(bad), "{format:?}: {text:?}");
    }
}

#[test]
fn json_and_yaml_hold_the_text_of_the_manifest_as_it_is() {
    let report = report_of(MANIFEST);
    let json = parsed(&written(Format::Json, &report));
    assert_eq!(parsed_yaml(&written(Format::Yaml, &report)), json);
    let names: Vec<&str> =
        json["images"].as_array().unwrap().iter().filter_map(|image| image["name"].as_str()).collect();
    assert!(names.contains(&"a|b`c\u{1b}[31m<i>\u{202e}, 50%"), "{names:?}");
}

#[test]
fn a_block_of_the_table_has_the_image_once_and_each_way_to_fix_it_once() {
    let table = written(Format::Table, &scan_stdin(MANIFEST.split("---").next().unwrap()));
    let block = table.split("\n\n").find(|block| block.contains("latest-tag")).unwrap();
    assert!(block.contains("stale-pull-policy"), "{block}");
    assert_eq!(block.matches("nginx:latest").count(), 1, "{block}");
    assert_eq!(block.matches("fix: ").count(), 1, "{block}");
}

#[test]
fn a_workflow_command_is_one_line_whatever_a_manifest_holds() {
    let text = written(Format::Github, &report_of(MANIFEST));
    let mut levels = BTreeSet::new();
    for line in text.lines() {
        let (level, rest) = line.strip_prefix("::").unwrap().split_once(' ').unwrap();
        levels.insert(level);
        let (properties, message) = rest.split_once("::").unwrap();
        let names: Vec<&str> = properties.split(',').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["file", "line", "col", "title"], "{line}");
        assert!(properties.starts_with("file=deploy/a%2Cb%3Ac %25|`x`.yaml,"), "{line}");
        assert!(!message.is_empty());
    }
    assert_eq!(levels.into_iter().collect::<Vec<_>>(), ["error", "warning"]);
    assert!(text.contains("50%25"), "{text}");
    assert!(text.contains("%0AFix: "), "{text}");
}

/// docs.gitlab.com, "Code Quality report format".
#[test]
fn gitlab_gets_what_its_documentation_asks_for() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "location", "severity"],
            "properties": {
                "description": { "type": "string", "minLength": 1 },
                "check_name": { "type": "string", "minLength": 1 },
                "fingerprint": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
                "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": { "type": "string", "not": { "pattern": "^(\\./|/)" } },
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": { "begin": { "type": "integer", "minimum": 1 } }
                        }
                    }
                }
            }
        }
    });
    let entries = parsed(&written(Format::Gitlab, &report_of(MANIFEST)));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> = validator.iter_errors(&entries).map(|error| error.to_string()).collect();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    assert_eq!(entries.as_array().unwrap().len(), 4, "a warning, two failures and an error");
}

#[test]
fn sarif_says_which_rule_and_where_and_what_is_exempt() {
    let report = report_of(MANIFEST);
    let sarif = parsed(&written(Format::Sarif, &report));
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.findings.len());
    for (result, finding) in results.iter().zip(&report.findings) {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding.rule);
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "deploy/a%2Cb%3Ac%20%25%7C%60x%60.yaml");
        assert_eq!(
            (&physical["region"]["startLine"], &physical["region"]["startColumn"]),
            (&json!(finding.place.line), &json!(finding.place.column))
        );
        assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], finding.fingerprint);
        assert_eq!(result["suppressions"].is_null(), finding.exemption.is_none());
        assert!(result["baselineState"].is_null());
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false, "a document was not read");
    assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "error");
    let text = sarif.to_string();
    assert!(text.contains(r"\\[x\\](https://example.com)") && !text.contains("\"[x]("), "a link: {text}");
}

#[test]
fn an_absolute_path_is_a_file_uri() {
    let folder = crate::support::folder(&[("a b.yaml", &pod("web", "nginx"))]);
    let sarif = parsed(&written(Format::Sarif, &crate::support::scan_paths(&[folder.path()])));
    let uri = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, &json!(format!("file://{}/a%20b.yaml", folder.path().display())));
}

#[test]
fn the_cells_of_the_markdown_table_are_code_and_stay_cells() {
    let text = written(Format::Markdown, &report_of(MANIFEST));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), 6, "a heading, a warning, two failures, an exempt finding and an error");
    for row in &rows {
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 8, "{row}");
    }
    // Outside of code, a manifest says nothing: what is left without spans and blocks is ours.
    let fence = text.lines().find(|line| line.starts_with("```")).unwrap();
    let fence = fence.trim_end_matches("text");
    let (before, rest) = text.split_once(&format!("\n{fence}text\n")).unwrap();
    let (_, after) = rest.rsplit_once(&format!("\n{fence}\n")).unwrap();
    let prose = without_spans(before) + after;
    for hostile in ["example.com", "@team", "<i>", "::", "deploy/"] {
        assert!(!prose.contains(hostile), "{hostile}: {prose}");
    }
}

/// Text without its code spans (`CommonMark` 0.31, section 6.1).
fn without_spans(text: &str) -> String {
    let mut prose = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        prose.push_str(&rest[..at]);
        let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let inside = &rest[at + fence..];
        let mut end = 0;
        let close = loop {
            let from = end + inside[end..].find('`').unwrap();
            let run = inside[from..].len() - inside[from..].trim_start_matches('`').len();
            end = from + run;
            if run == fence {
                break end;
            }
        };
        rest = &inside[close..];
    }
    prose + rest
}

#[test]
fn long_lists_are_cut_in_markdown_and_it_says_so() {
    let pods: Vec<String> = (0..600).map(|index| pod(&format!("web-{index}"), "nginx:latest")).collect();
    let text = written(Format::Markdown, &scan_stdin(pods.join("---\n")));
    assert!(text.len() < 65_536, "a comment on GitHub holds no more, and this has {}", text.len());
    assert!(text.contains("\n500 more are not shown: `tagwatch scan -o table` lists all.\n"), "{text}");
    assert!(text.contains(" more containers are not shown\n"), "{text}");
}

#[test]
fn junit_counts_what_it_holds_and_advice_fails_where_it_is_asked_to() {
    let report = report_of(MANIFEST);
    for (fail_on, failures) in [(FailOn::Fail, 2), (FailOn::Warn, 3), (FailOn::Never, 2)] {
        let text = written_for(Format::Junit, &report, fail_on);
        let count = |element: &str| text.matches(&format!("<{element} ")).count();
        assert_eq!(count("failure"), failures, "{fail_on:?}: {text}");
        // The image that is no reference, and the document that is no YAML.
        assert_eq!((count("error"), count("skipped"), count("testcase")), (2, 1, 7), "{text}");
        assert!(text.contains(&format!("tests=\"7\" failures=\"{failures}\" errors=\"2\">")), "{text}");
        assert_eq!(text.contains("<system-out>warning: "), failures == 2);
    }
    let clean = written(Format::Junit, &scan_stdin(pod("web", "nginx:1.27.3")));
    assert!(clean.contains(r#"<testcase name="Pod web, app" classname="&lt;stdin&gt;"/>"#), "{clean}");
}

#[test]
fn policy_reports_fit_the_definition_and_count_what_they_hold() {
    let list = parsed_yaml(&written(Format::PolicyReport, &report_of(MANIFEST)));
    let crd = serde_json::to_value(policy_report_crd().unwrap()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let validator = jsonschema::validator_for(schema).unwrap();
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        let mistakes: Vec<String> = validator.iter_errors(item).map(|error| error.to_string()).collect();
        assert!(mistakes.is_empty(), "{mistakes:?}");
        assert!(names.insert(item["metadata"]["name"].as_str().unwrap()));
        // A controller takes what has its own label for its own.
        assert_eq!(item["metadata"]["labels"], json!({ "app.kubernetes.io/managed-by": "tagwatch-scan" }));
        let results = item["results"].as_array().unwrap();
        for result in ["pass", "fail", "warn", "error", "skip"] {
            let found = results.iter().filter(|one| one["result"] == result).count();
            assert_eq!(item["summary"][result], json!(found));
        }
        for result in results {
            assert!(ids.insert(result["properties"]["resultID"].as_str().unwrap()));
        }
    }
    assert_eq!(ids.len(), 5);
}

#[test]
fn names_are_those_of_kubectl_and_once_each() {
    assert_eq!(
        written(Format::Name, &report_of(MANIFEST)),
        "deployment.apps/web\npod/a|b`c\\u{1b}[31m<i>\\u{202e}, 50%\n",
        "not the Job, whose finding is exempt"
    );
}

/// Every fingerprint in a format, by where the format keeps it.
fn fingerprints(format: Format, report: &ScanReport) -> Vec<String> {
    let text = written(format, report);
    let (value, list, key) = match format {
        Format::Json => (parsed(&text), "/findings", "/fingerprint"),
        Format::Yaml => (parsed_yaml(&text), "/findings", "/fingerprint"),
        Format::Sarif => (parsed(&text), "/runs/0/results", "/partialFingerprints/primaryLocationLineHash"),
        Format::Gitlab => (parsed(&text), "", "/fingerprint"),
        Format::PolicyReport => (parsed_yaml(&text), "/items/0/results", "/properties/resultID"),
        other => panic!("{other:?} has no fingerprints"),
    };
    let entries = value.pointer(list).and_then(Value::as_array).unwrap();
    entries.iter().map(|entry| entry.pointer(key).and_then(Value::as_str).unwrap().to_owned()).collect()
}

#[test]
fn policy_reports_of_names_that_differ_in_a_dot_have_names_of_their_own() {
    let input = [pod("a.b", "nginx"), pod("a-b", "nginx")].join("\n---\n");
    let list = parsed_yaml(&written(Format::PolicyReport, &scan_stdin(input)));
    let items = list["items"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn fingerprints_stay_when_lines_move_in_every_format_that_has_them() {
    let before = scan_stdin(pod("web", "nginx:1.27"));
    let moved = scan_stdin(format!("# one\n# more\n\n---\n{}", pod("web", "nginx:1.27")));
    assert_ne!(before.findings[0].place.line, moved.findings[0].place.line);
    for format in [Format::Json, Format::Yaml, Format::Sarif, Format::Gitlab, Format::PolicyReport] {
        let known = fingerprints(format, &before);
        assert_eq!(known.len(), 2, "{format:?}");
        assert_eq!(fingerprints(format, &moved), known, "{format:?}");
    }
}
