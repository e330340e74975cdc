//! No circle of files spans two folders of a crate. A module and its own children may know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{code_of, is_of_tests, rust_files, sources, without_visibility};

const CRATES: &[&str] =
    &["client", "console", "controller", "core", "index", "k8s", "monitoring", "tagwatch"];

/// The names of a path in the code, such as `crate`, `state`, `Queue`.
type Names = Vec<String>;

/// A file, and the paths that lead out of it.
#[derive(Default)]
struct Module {
    file: PathBuf,
    paths: Vec<Names>,
    /// What its imports name; others can import them from here, if they are public.
    imported: BTreeMap<String, Names>,
}

/// The files of a crate by the path of their module.
type Modules = BTreeMap<Names, Module>;

fn modules(source: &Path) -> Modules {
    let mut modules = Modules::new();
    for file in rust_files(source) {
        let file = file.strip_prefix(source).unwrap();
        if !is_of_tests(file) {
            let text = fs::read_to_string(source.join(file)).unwrap();
            modules.insert(module_path(file), module(file, &text));
        }
    }
    modules
}

fn module_path(file: &Path) -> Names {
    let mut names: Names =
        file.with_extension("").iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
        names.pop();
    }
    names
}

fn module(file: &Path, text: &str) -> Module {
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    let mut others = String::new();
    let code = code_of(without_tests(text));
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let Some(import) = without_visibility(line).strip_prefix("use ") else {
            others.push_str(line);
            others.push('\n');
            continue;
        };
        let mut import = import.to_owned();
        while !import.trim_end().ends_with(';') {
            import.push_str(lines.next().unwrap());
        }
        for (name, path) in imported(import.trim_end().trim_end_matches(';'), &[]) {
            module.paths.push(path.clone());
            module.imported.insert(name, path);
        }
    }
    module.paths.extend(paths_in(&others));
    module
}

/// Modules of tests are the last of a file.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// The paths of an import, each with the name by which this file knows it.
fn imported(import: &str, before: &[String]) -> Vec<(String, Names)> {
    let mut found = Vec::new();
    for part in parts(import) {
        let names = |text: &str| before.iter().cloned().chain(text.split("::").map(str::to_owned)).collect();
        if let Some((path, list)) = part.split_once('{') {
            let path: Names = match path.strip_suffix("::") {
                Some(path) => names(path),
                None => before.to_vec(),
            };
            found.extend(imported(list.strip_suffix('}').unwrap(), &path));
            continue;
        }
        let (path, alias) = part.split_once(" as ").map_or((part, None), |(path, name)| (path, Some(name)));
        let mut path: Names = names(path);
        path.pop_if(|last| last == "self");
        let name = alias.map(str::to_owned).or_else(|| path.last().cloned());
        found.extend(name.map(|name| (name, path)));
    }
    found
}

/// What stands between the commas of a list, not those of lists in it.
fn parts(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[begin..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Paths such as `crate::judge::judge` within the code.
fn paths_in(code: &str) -> Vec<Names> {
    let is_of_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let words = code.split(|character: char| !is_of_path(character));
    let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

/// The module that holds what a path of the module `from` names, through the modules that export it. `None` for another
/// crate.
fn resolve(modules: &Modules, from: &[String], path: &[String]) -> Option<Names> {
    let mut rest = path.iter().peekable();
    let mut at = match rest.peek()?.as_str() {
        "crate" => {
            rest.next();
            Names::new()
        }
        "self" => {
            rest.next();
            from.to_vec()
        }
        "super" => {
            let mut at = from.to_vec();
            while rest.next_if(|name| *name == "super").is_some() {
                at.pop();
            }
            at
        }
        first => {
            modules.get(&child(from, first))?;
            from.to_vec()
        }
    };
    while let Some(name) = rest.next() {
        let inner = child(&at, name);
        if modules.contains_key(&inner) {
            at = inner;
        } else {
            // Its own name within another crate is no module here.
            let exported = modules.get(&at)?.imported.get(name).filter(|exported| *exported != path);
            return match exported {
                Some(exported) => {
                    let path: Names = exported.iter().chain(rest).cloned().collect();
                    resolve(modules, &at, &path).or(Some(at))
                }
                None => Some(at),
            };
        }
    }
    Some(at)
}

fn child(module: &[String], name: &str) -> Names {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// What each module uses: the modules of its paths apart from those above it, and its own children.
fn uses(modules: &Modules) -> BTreeMap<&Names, BTreeSet<&Names>> {
    let mut uses: BTreeMap<&Names, BTreeSet<&Names>> =
        modules.keys().map(|module| (module, BTreeSet::new())).collect();
    for (name, module) in modules {
        let imports = module.paths.iter().filter_map(|path| resolve(modules, name, path));
        let beside = imports.filter(|import| !name.starts_with(import));
        let known: Vec<&Names> =
            beside.filter_map(|import| modules.get_key_value(&import)).map(|(key, _)| key).collect();
        uses.entry(name).or_default().extend(known);
        if let Some((_, parent)) = name.split_last().filter(|(_, parent)| !parent.is_empty()) {
            let parent = modules.get_key_value(parent);
            uses.entry(parent.unwrap().0).or_default().insert(name);
        }
    }
    uses
}

fn reachable<'a>(uses: &BTreeMap<&'a Names, BTreeSet<&'a Names>>, from: &'a Names) -> BTreeSet<&'a Names> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        next.extend(uses[module].iter().filter(|used| reached.insert(**used)));
    }
    reached
}

/// Pairs of files of two folders that use each other, directly or through others.
fn circles(modules: &Modules) -> Vec<String> {
    let uses = uses(modules);
    let reach: BTreeMap<&Names, BTreeSet<&Names>> =
        modules.keys().map(|module| (module, reachable(&uses, module))).collect();
    let mut circles = Vec::new();
    for (one, reached) in &reach {
        for other in reached.iter().filter(|other| *other > one && reach[**other].contains(one)) {
            let [one, other] = [&modules[*one].file, &modules[*other].file];
            if one.parent() != other.parent() {
                circles.push(format!("{} and {}", one.display(), other.display()));
            }
        }
    }
    circles
}

#[test]
fn no_circle_of_files_spans_two_folders() {
    for krate in CRATES {
        let modules = modules(&sources(krate));
        let edges: usize = uses(&modules).values().map(BTreeSet::len).sum();
        assert!(edges >= modules.len(), "{krate}: {edges} uses in {} files", modules.len());
        assert_eq!(circles(&modules), [""; 0], "{krate}");
    }
}

fn crate_of(files: &[(&str, &str)]) -> Modules {
    files.iter().map(|(file, text)| (module_path(Path::new(file)), module(Path::new(file), text))).collect()
}

#[test]
fn a_circle_is_found_through_children_exports_and_paths() {
    let serve = |certificate: &str| {
        crate_of(&[
            ("lib.rs", "mod serve;"),
            (
                "serve/mod.rs",
                "mod endpoint;\nmod tls;\npub(crate) use endpoint::{Access, Kind as EndpointKind};",
            ),
            ("serve/endpoint.rs", "use super::tls::Files;"),
            ("serve/tls/mod.rs", "mod certificate;\nuse certificate::Certificate;"),
            ("serve/tls/certificate.rs", certificate),
        ])
    };
    let both = ["serve/endpoint.rs and serve/tls/mod.rs", "serve/endpoint.rs and serve/tls/certificate.rs"];
    let found = |certificate: &str| circles(&serve(certificate));
    assert_eq!(found("use crate::{\n    serve::{EndpointKind, other},\n};"), both);
    assert_eq!(found("fn f(kind: super::super::EndpointKind) {}"), both);
    assert_eq!(found("use super::Files;\nuse std::fmt;"), [""; 0], "a child knows its parent");
    assert_eq!(found("// crate::serve::EndpointKind"), [""; 0]);
    assert_eq!(found("\n#[cfg(test)]\nmod tests { use crate::serve::EndpointKind; }"), [""; 0]);
}

#[test]
fn files_of_one_folder_may_know_each_other() {
    let modules = crate_of(&[("lib.rs", ""), ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")]);
    assert_eq!(circles(&modules), [""; 0]);
    assert_eq!(reachable(&uses(&modules), &vec!["a".to_owned()]).len(), 2);
}
