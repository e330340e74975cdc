//! Reads the sources of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// The checkout.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The `src` folder of a crate.
pub(crate) fn sources(krate: &str) -> PathBuf {
    workspace().join("crates").join(krate).join("src")
}

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The lines of a file that are no comments.
pub(crate) fn code_of(text: &str) -> String {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// Whether a file holds nothing but tests, or what tests need.
pub(crate) fn is_of_tests(file: &Path) -> bool {
    let names = file.iter().filter_map(|name| name.to_str());
    names.map(|name| name.trim_end_matches(".rs")).any(|name| name == "testing" || name.ends_with("tests"))
}

/// A line without its visibility.
pub(crate) fn without_visibility(line: &str) -> &str {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')').map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    rest.trim_start()
}
