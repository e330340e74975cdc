//! `tagwatch generate`, on a copy of what it writes.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{folder, run};

/// What the repository holds of generated files, and the README, in a folder of its own.
fn copy_of_repository() -> TempDir {
    let copy = folder(&[]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for part in [
        "README.md",
        "config/crd",
        "config/monitoring",
        "config/policy",
        "config/rbac",
        "charts/tagwatch/crds",
        "charts/tagwatch/files",
        "docs",
    ] {
        copy_all(&root.join(part), &copy.path().join(part));
    }
    copy
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}

#[test]
fn what_is_committed_is_what_is_generated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let printed = run(&root, &["generate", "--check"]);
    assert_eq!(printed, "exit code: 0\n");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/man");
    for (command, option) in
        [("tagwatch", "color"), ("tagwatch-scan", "baseline"), ("tagwatch-policy-baseline", "expires")]
    {
        let page = fs::read_to_string(folder.join(format!("{command}.1"))).unwrap();
        let title = format!(".TH {command} 1 ");
        assert!(page.lines().any(|line| line.starts_with(&title)), "{command}");
        assert!(page.contains(&format!("\\-\\-{option}")), "{command}: no {option}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 12);
}

#[test]
fn what_differs_is_named_and_written() {
    let copy = copy_of_repository();
    let crd = copy.path().join("config/crd/wgpolicyk8s.io_policyreports.yaml");
    let original = fs::read_to_string(&crd).unwrap();
    fs::write(&crd, "edited").unwrap();
    fs::remove_file(copy.path().join("docs/rules/latest-tag.md")).unwrap();

    insta::assert_snapshot!(run(copy.path(), &["generate", "--check"]), @"
    exit code: 1
    ----- stderr
    error: config/crd/wgpolicyk8s.io_policyreports.yaml: not as `tagwatch generate` writes it
    error: docs/rules/latest-tag.md: not as `tagwatch generate` writes it
    ");
    assert_eq!(fs::read_to_string(&crd).unwrap(), "edited", "a check writes nothing");
    insta::assert_snapshot!(run(copy.path(), &["generate", "crds"]), @"
    exit code: 0
    ----- stdout
    wrote config/crd/wgpolicyk8s.io_policyreports.yaml
    ");
    assert_eq!(fs::read_to_string(&crd).unwrap(), original);
    insta::assert_snapshot!(run(copy.path(), &["generate"]), @"
    exit code: 0
    ----- stdout
    wrote docs/rules/latest-tag.md
    ");
    insta::assert_snapshot!(run(copy.path(), &["generate", "--check"]), @"exit code: 0");
}

#[test]
fn a_folder_that_is_no_repository_exits_with_2() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["generate", "--check"]), @"
    exit code: 2
    ----- stderr
    error: README.md: No such file or directory (os error 2)
    ");
}
