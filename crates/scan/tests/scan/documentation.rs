//! `docs/scan.md` matches the program.

use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::report::NoteCode;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{folder, scan_paths};

fn documentation() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scan.md")).unwrap()
}

fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_example_prints_the_documented_output() {
    let text = documentation();
    let folder = folder(&[("deployment.yaml", block(&text, "yaml"))]);
    let report = scan_paths(&[&folder.path().join("deployment.yaml")]);
    let mut out = Vec::new();
    output::write(Format::Table, &report, FailOn::default(), &mut out, Style::default()).unwrap();
    let table = String::from_utf8(out).unwrap().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(block(&text, "text"), table);
    assert_eq!(report.exit_status(FailOn::default()), ExitStatus::Findings);
}

#[test]
fn every_code_and_every_threshold_is_documented() {
    let text = documentation();
    for code in NoteCode::ALL {
        let status = if code.is_error() { "yes" } else { "no" };
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", code.as_str())));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {status} |"))), "{code:?}: {row:?}");
    }
    for fail_on in FailOn::ALL {
        assert!(text.contains(&format!("| `{}`", fail_on.as_str())), "{fail_on:?}");
    }
}
