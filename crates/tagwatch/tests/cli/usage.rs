//! Wrong usage exits with 2 and says what was expected.

use crate::support::{VERSION, deployment, folder, run};

#[test]
fn no_input() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["scan"]), @"
    exit code: 2
    ----- stderr
    error: the following required arguments were not provided:
      <PATH>...

    Usage: tagwatch scan <PATH>...

    For more information, try '--help'.
    ");
}

#[test]
fn no_such_format() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "yml", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'yml' for '--output <FORMAT[=FILE]>': no such format; expected one of: table, json

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json=", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'json=' for '--output <FORMAT[=FILE]>': a file name is missing behind `=`

    For more information, try '--help'.
    ");
}

#[test]
fn no_such_result() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--fail-on", "warning", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'warning' for '--fail-on <RESULT>'
      [possible values: error, fail, warn, never]

      tip: a similar value exists: 'warn'

    For more information, try '--help'.
    ");
}

#[test]
fn no_namespace() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["run", "--namespaces", "Shop"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'Shop' for '--namespaces <NAMES>': expected the name of a namespace: at most 63 lower-case letters, digits and `-`

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(run(folder.path(), &["run", "--namespaces", "a", "--exclude-namespaces", "b"]), @"
    exit code: 2
    ----- stderr
    error: the argument '--namespaces <NAMES>' cannot be used with '--exclude-namespaces <NAMES>'

    Usage: tagwatch run --namespaces <NAMES>

    For more information, try '--help'.
    ");
}

#[test]
fn no_log_level() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["run", "--log-level", "=loud="]), @r#"
    exit code: 2
    ----- stderr
    tagwatch: --log-level "=loud=": expected a level (error, warn, info, debug, trace) or a filter: invalid filter directive
    "#);
}
