//! Helpers of all tests.

use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{FailOn, ScanOptions, scan};
use tempfile::TempDir;

/// Scans a manifest on standard input with the recommended policy.
pub(crate) fn scan_stdin(input: impl AsRef<[u8]>) -> ScanReport {
    let options =
        ScanOptions { paths: vec![PathBuf::from("-")], show_passed: false, ..ScanOptions::default() };
    scan(&Engine::recommended(), &options, &mut input.as_ref())
}

/// Scans paths; standard input is empty.
pub(crate) fn scan_paths(paths: &[&Path]) -> ScanReport {
    let options = ScanOptions {
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
        show_passed: false,
        ..ScanOptions::default()
    };
    scan(&Engine::recommended(), &options, &mut std::io::empty())
}

/// Scans one path with `--require-workloads`.
pub(crate) fn scan_requiring(path: &str, input: &str) -> ScanReport {
    let options =
        ScanOptions { paths: vec![PathBuf::from(path)], require_workloads: true, ..ScanOptions::default() };
    scan(&Engine::recommended(), &options, &mut input.as_bytes())
}

/// A temporary folder with files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Scans files in a folder of their own, whose path the messages of notes leave out.
pub(crate) fn scan_files(files: &[(&str, &str)]) -> ScanReport {
    let folder = folder(files);
    let mut report = scan_paths(&[folder.path()]);
    for note in &mut report.notes {
        note.message = note.message.replace(&format!("{}/", folder.path().display()), "");
    }
    report
}

/// A Pod with one container.
pub(crate) fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n    - name: app\n      image: {image}\n"
    )
}

/// The images that were evaluated, as they are written.
pub(crate) fn images(report: &ScanReport) -> Vec<&str> {
    report.images.iter().map(|image| image.image.raw()).collect()
}

/// The codes of the notes, in their order.
pub(crate) fn codes(report: &ScanReport) -> Vec<NoteCode> {
    report.notes.iter().map(|note| note.code).collect()
}

/// The message of the first note with a code.
pub(crate) fn message(report: &ScanReport, code: NoteCode) -> &str {
    let note = report.notes.iter().find(|note| note.code == code);
    &note.unwrap_or_else(|| panic!("{:?}", report.notes)).message
}

/// Notes as `line:column code`.
pub(crate) fn notes(report: &ScanReport) -> Vec<String> {
    report.notes.iter().map(|note| format!("{}:{} {}", note.line, note.column, note.code.as_str())).collect()
}

/// Names of the workloads whose images were evaluated.
pub(crate) fn judged(report: &ScanReport) -> Vec<&str> {
    report.images.iter().map(|image| image.place.name.raw()).collect()
}

/// The report in a format, as a file holds it.
pub(crate) fn written(format: Format, report: &ScanReport) -> String {
    written_for(format, report, FailOn::default())
}

/// The same, with a threshold.
pub(crate) fn written_for(format: Format, report: &ScanReport, fail_on: FailOn) -> String {
    let mut out = Vec::new();
    output::write(format, report, fail_on, &mut out, Style::default()).unwrap();
    String::from_utf8(out).unwrap()
}
