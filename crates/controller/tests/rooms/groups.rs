//! Imports come in three groups: std, other crates, this crate. rustfmt sorts the lines of a group; grouping them is not
//! among its stable options.

use std::fs;

use crate::source::{code_of, rust_files, without_visibility, workspace};

/// Folders of crates whose sources and tests are read.
const FOLDERS: &[&str] = &[
    "crates/client",
    "crates/console",
    "crates/controller",
    "crates/core",
    "crates/k8s",
    "crates/monitoring",
    "crates/tagwatch",
    "e2e",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Std,
    Crates,
    Own,
}

/// The group of each import at the head of a file, or `None` for an empty line.
fn head(code: &str) -> Vec<Option<Group>> {
    let modules =
        code.lines().filter_map(|line| without_visibility(line).strip_prefix("mod ")?.strip_suffix(';'));
    let modules: Vec<&str> = modules.collect();
    let group = |path: &str| {
        let name = path.split([':', ';', ' ']).next().unwrap_or_default();
        match name {
            "std" | "core" | "alloc" => Group::Std,
            "crate" | "self" | "super" => Group::Own,
            _ if modules.contains(&name) => Group::Own,
            _ => Group::Crates,
        }
    };
    let mut head = Vec::new();
    let mut lines = code.lines().skip_while(|line| !without_visibility(line).starts_with("use "));
    while let Some(mut line) = lines.next() {
        if let Some(path) = without_visibility(line).strip_prefix("use ") {
            head.push(Some(group(path)));
            while !line.ends_with(';') {
                line = lines.next().unwrap();
            }
        } else if line.is_empty() {
            head.push(None);
        } else if !line.starts_with("#[") {
            break;
        }
    }
    head
}

fn is_in_groups(code: &str) -> bool {
    let head = head(code);
    let groups = head.split(Option::is_none).filter(|group| !group.is_empty());
    let groups: Vec<Vec<Group>> = groups.map(|group| group.iter().copied().flatten().collect()).collect();
    let is_pure = groups.iter().all(|group| group.iter().all(|import| *import == group[0]));
    is_pure && groups.is_sorted_by(|one, next| one[0] < next[0])
}

#[test]
fn imports_come_in_three_groups() {
    let files: Vec<_> = FOLDERS.iter().flat_map(|folder| rust_files(&workspace().join(folder))).collect();
    assert!(files.len() > 300, "{} files", files.len());
    let wrong: Vec<String> = files
        .iter()
        .filter(|file| !is_in_groups(&code_of(&fs::read_to_string(file).unwrap())))
        .map(|file| file.display().to_string())
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_group_too_many_and_a_mixed_one_are_found() {
    for (expected, code) in [
        (
            true,
            "mod a;\n\nuse std::fmt;\n\nuse kube::{\n    Api,\n};\npub use serde;\n\nuse super::B;\nuse a::A;\n\nfn f() {}",
        ),
        (true, "use crate::a;\n\nfn f() {\n    use std::fmt;\n}"),
        (false, "use std::fmt;\nuse kube::Api;\n"),
        (false, "mod a;\nuse crate::b;\n\npub(crate) use a::A;\n"),
        (false, "use crate::b;\n\nuse std::fmt;\n"),
        (false, "use std::fmt;\n\nuse std::io;\n"),
    ] {
        assert_eq!(is_in_groups(code), expected, "{code}");
    }
}
