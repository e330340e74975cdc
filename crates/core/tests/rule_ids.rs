//! The ids of rules are spelled out in one file.

#![allow(
    clippy::expect_used,
    reason = "clippy.toml allows it in test functions, not in the helpers of an integration test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use tagwatch_core::rules;

#[test]
fn no_code_spells_out_the_id_of_a_rule() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).expect("the folder of the crates") {
        collect(&entry.expect("an entry").path().join("src"), &mut files);
    }
    assert!(files.len() > 200, "{} files are not the whole of the code", files.len());
    let mut literals = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("core/src/rules/ids.rs")) {
        let text = fs::read_to_string(file).expect("a readable file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().replace("\\\"", "\"");
        for rule in rules::all().filter(|rule| code.contains(&format!("\"{}\"", rule.id))) {
            literals.push(format!("{} in {}", rule.id, file.display()));
        }
    }
    assert!(literals.is_empty(), "use rules::ids:\n{}", literals.join("\n"));
}

/// Source files of a folder, without files that hold only tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "tests" && name != "testing" {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
}
