//! The rooms of the controller and of the console follow the data: no room imports a later one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in tests, but not in their helpers"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules of the controller from the ground up. Modules of one line may know each other.
const CONTROLLER: &[&[&str]] = &[
    &["state"],
    &["observe"],
    &["judge"],
    &["publish"],
    &["lease"],
    &["reconcile"],
    &["serve"],
    &["error", "options"],
    &["parts", "tasks"],
    &["run"],
    // Builds a whole controller for the tests of every room.
    &["testing"],
    &["lib"],
];

/// The same for the console.
const CONSOLE: &[&[&str]] = &[
    &["access", "text", "url"],
    &["snapshot"],
    &["draw", "filter", "remedy", "source", "view"],
    &["http", "record"],
    &["frame"],
    &["auth"],
    &["filtered"],
    &["api", "export", "pages"],
    &["router"],
    &["lib"],
];

/// Top-level modules of a crate, with the file that names each import.
fn imports(source: &Path) -> Vec<(String, String, PathBuf)> {
    let mut imports = Vec::new();
    for file in rust_files(source) {
        let inner = file.strip_prefix(source).unwrap();
        let first = inner.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.strip_suffix(".rs").unwrap_or(first).to_owned();
        let text = fs::read_to_string(&file).unwrap();
        for imported in imported_modules(&text) {
            imports.push((room.clone(), imported, inner.to_owned()));
        }
    }
    imports
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
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

/// The modules behind each `crate::` of a file, comments apart; of a list, without lists in it.
fn imported_modules(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut modules = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        // Not the end of another name, such as `some_crate::`.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        modules.extend(names.into_iter().map(first_name));
    }
    modules
}

fn first_name(path: &str) -> String {
    let path = path.trim_start();
    path.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

fn floor(order: &[&[&str]], module: &str) -> usize {
    let found = order.iter().position(|modules| modules.contains(&module));
    found.unwrap_or_else(|| panic!("the module {module} has no place in the order of rooms"))
}

fn assert_no_import_of_a_later_room(krate: &str, order: &[&[&str]]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src");
    let imports = imports(&source);
    assert!(imports.len() > 20, "{krate}: {} imports", imports.len());
    let later: Vec<String> = imports
        .iter()
        .filter(|(_, imported, _)| imported != "testing")
        .filter(|(room, imported, _)| floor(order, imported) > floor(order, room))
        .map(|(_, imported, file)| format!("{} imports {imported}", file.display()))
        .collect();
    assert_eq!(later, [""; 0], "{krate}");
}

#[test]
fn no_room_of_the_controller_imports_a_later_one() {
    assert_no_import_of_a_later_room("controller", CONTROLLER);
}

#[test]
fn no_room_of_the_console_imports_a_later_one() {
    assert_no_import_of_a_later_room("console", CONSOLE);
}

#[test]
fn imports_are_found_in_code_and_not_in_comments() {
    let text = "use crate::{api, pages};\n// crate::run\nfn f() { crate::judge::judge(); my_crate::x() }";
    let expected = ["api", "judge", "pages"].map(str::to_owned);
    assert_eq!(imported_modules(text), BTreeSet::from(expected));
}
