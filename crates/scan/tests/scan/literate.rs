//! Runs the literate fixtures, whose format `tests/fixtures/README.md` describes.

use std::path::{Path, PathBuf};

use tagwatch_scan::report::ScanReport;

use crate::support::{scan_paths, scan_stdin};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    fixtures.sort();
    fixtures
}

/// What the `#>` comments of a manifest expect, each as `line:column what`, sorted.
fn expected(text: &str) -> Vec<String> {
    let mut expected = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, marks)) = line.split_once("#>") else { continue };
        let (number, marks) = match marks.strip_prefix('^') {
            Some(marks) => (index, marks),
            None => (index + 1, marks),
        };
        for mark in marks.split(';') {
            let (column, what) = mark.trim().split_once(' ').unwrap();
            expected.push(format!("{number}:{column} {what}"));
        }
    }
    expected.sort();
    expected
}

fn said(report: &ScanReport) -> Vec<String> {
    let images = report.images.iter().map(|image| {
        format!("{}:{} image {}", image.place.line, image.place.column, image.tag_class.as_str())
    });
    let findings = report.findings.iter().map(|finding| {
        let place = &finding.place;
        format!("{}:{} {} {}", place.line, place.column, finding.result.as_str(), finding.rule)
    });
    let notes =
        report.notes.iter().map(|note| format!("{}:{} note {}", note.line, note.column, note.code.as_str()));
    let mut said: Vec<_> = images.chain(findings).chain(notes).collect();
    said.sort();
    said
}

#[test]
fn findings_match_the_comments_in_fixtures() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 7, "fixtures are missing: {fixtures:?}");
    for path in fixtures {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = expected(&text);
        assert!(!expected.is_empty(), "{}: nothing is expected", path.display());
        assert_eq!(said(&scan_paths(&[&path])), expected, "{}", path.display());
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_not_shift_positions() {
    for path in fixtures() {
        let text = std::fs::read_to_string(&path).unwrap();
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(said(&scan_stdin(windows)), expected(&text), "{}", path.display());
    }
}

#[test]
fn json_has_positions_too() {
    let json = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"\\ud83d\\ude00\"},\n\
                \t\"spec\": {\"containers\": [{\"name\": \"a\\/b\",\n\t\t\"image\": \"nginx:latest\"}]}\n}\n";
    let report = scan_stdin(json);
    assert_eq!(said(&report), ["6:12 fail latest-tag", "6:12 image latest"]);
    assert_eq!(report.images[0].place.name.raw(), "😀");
    assert_eq!(report.images[0].place.container.raw(), "a/b");
}
