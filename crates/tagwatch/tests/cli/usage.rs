//! Wrong usage exits with 2 and says what was expected.

use crate::support::{VERSION, deployment, folder, run};

#[test]
fn no_input() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["scan"]), @"");
}

#[test]
fn no_such_format() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "yml", "web.yaml"]), @"");
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json=", "web.yaml"]), @"");
}

#[test]
fn no_such_result() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--fail-on", "warning", "web.yaml"]), @"");
}

#[test]
fn no_namespace() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["run", "--namespaces", "Shop"]), @"");
    insta::assert_snapshot!(run(folder.path(), &["run", "--namespaces", "a", "--exclude-namespaces", "b"]), @"");
}

#[test]
fn no_log_level() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["run", "--log-level", "=loud="]), @"");
}
