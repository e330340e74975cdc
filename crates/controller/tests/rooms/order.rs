//! The top-level modules of a crate follow the data: none imports a later one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{code_of, is_of_tests, rust_files, sources};

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
    &["absence", "health", "snapshot"],
    &["changes", "draw", "filter", "images", "remedy", "source", "view"],
    &["http", "record"],
    &["frame"],
    &["auth"],
    &["filtered"],
    &["api", "export", "files", "pages"],
    &["router"],
    &["lib"],
];

const CORE: &[&[&str]] = &[
    &["fair", "named", "structured", "text"],
    &["reference"],
    &["drift", "exemption", "glob", "outcome", "pull_policy", "suggest"],
    &["tag", "workload"],
    &["evidence", "kinds", "rules"],
    &["finding", "policy"],
    &["docs", "engine"],
    &["issue"],
    &["lib"],
];

const K8S: &[&[&str]] = &[
    &["discovery", "key", "rbac", "schema", "served"],
    &["report", "slim", "tag_policy"],
    &["crd"],
    &["lib"],
];

const INDEX: &[&[&str]] = &[
    &["answers", "names", "namespaces", "small_map", "misread", "store"],
    &["owners", "pods"],
    &["evidence"],
    &["index"],
    &["assemble", "orphans", "proofs"],
    // Reads a cluster from scripts for the tests of every module.
    &["testing"],
    &["lib"],
];

const CLIENT: &[&[&str]] = &[
    &["api", "backoff", "call", "clock", "kubeconfig"],
    &["cluster_policy", "discovery", "pages", "put_off", "retry_after", "served", "telemetry"],
    &["connect", "issues", "lists"],
    &["lib"],
];

/// The binary: arguments, what all commands need, and then the commands.
const TAGWATCH: &[&[&str]] = &[
    &["args", "style"],
    &["messages"],
    &["status"],
    &["completions", "logging"],
    &["cluster", "rules", "run"],
    &["explain", "issues", "policy", "scan"],
    &["generate"],
    &["main"],
];

/// Top-level modules of a crate, with the file that names each import, of the files that are read.
fn imports(source: &Path, is_read: fn(&Path) -> bool) -> Vec<(String, String, PathBuf)> {
    let mut imports = Vec::new();
    for file in rust_files(source) {
        let inner = file.strip_prefix(source).unwrap();
        if !is_read(inner) {
            continue;
        }
        let first = inner.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.strip_suffix(".rs").unwrap_or(first).to_owned();
        let text = fs::read_to_string(&file).unwrap();
        for imported in imported_modules(&text) {
            imports.push((room.clone(), imported, inner.to_owned()));
        }
    }
    imports
}

/// The modules behind each `crate::` of a file, comments apart; of a list, without lists in it.
fn imported_modules(text: &str) -> BTreeSet<String> {
    let code = code_of(text);
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

fn assert_no_import_of_a_later_room(krate: &str, order: &[&[&str]], is_read: fn(&Path) -> bool) {
    let imports = imports(&sources(krate), is_read);
    assert!(imports.len() > 2 * order.len(), "{krate}: {} imports", imports.len());
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
    assert_no_import_of_a_later_room("controller", CONTROLLER, |_| true);
}

#[test]
fn no_room_of_the_console_imports_a_later_one() {
    assert_no_import_of_a_later_room("console", CONSOLE, |_| true);
}

#[test]
fn no_module_of_the_other_crates_imports_a_later_one() {
    for (krate, order) in
        [("client", CLIENT), ("core", CORE), ("index", INDEX), ("k8s", K8S), ("tagwatch", TAGWATCH)]
    {
        // Tests of a lower module may fill it through a higher one.
        assert_no_import_of_a_later_room(krate, order, |file| !is_of_tests(file));
    }
}

#[test]
fn imports_are_found_in_code_and_not_in_comments() {
    let text = "use crate::{api, pages};\n// crate::run\nfn f() { crate::judge::judge(); my_crate::x() }";
    let expected = ["api", "judge", "pages"].map(str::to_owned);
    assert_eq!(imported_modules(text), BTreeSet::from(expected));
}
