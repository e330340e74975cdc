//! Wrong usage exits with 2 and says what was expected.

use crate::support::{FLOATING, VERSION, deployment, folder, run, tagwatch};

#[test]
fn no_such_glob() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    let printed = run(folder.path(), &["scan", "--exclude", "[z-a]", "--exclude", "b"]);
    assert!(printed.starts_with("exit code: 2\n") && printed.contains("error: --exclude: "), "{printed}");
}

#[test]
fn no_such_detail_and_no_threads() {
    let folder = folder(&[]);
    let printed = run(folder.path(), &["scan", "--notes", "all"]);
    assert!(
        printed.starts_with("exit code: 2\n") && printed.contains("[possible values: folded, full]"),
        "{printed}"
    );
    let printed = run(folder.path(), &["scan", "--threads", "0"]);
    assert!(printed.starts_with("exit code: 2\n"), "{printed}");
}

#[test]
fn no_such_format() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "yml", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'yml' for '--output <FORMAT[=FILE]>': no such format; expected one of: table, wide, json, yaml, policyreport, sarif, junit, github, gitlab, markdown, name

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
fn no_such_issue() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["issues", "--severity", "high,severe"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'severe' for '--severity <SEVERITIES>'
      [possible values: critical, high, medium, low, info]

    For more information, try '--help'.
    ");
    let printed = run(folder.path(), &["issues", "--rule", "latest-tags"]);
    assert!(printed.starts_with("exit code: 2\n") && printed.contains("'latest-tag'"), "{printed}");
    insta::assert_snapshot!(run(folder.path(), &["issues", "--severity", "high", "--min-severity", "low"]), @"
    exit code: 2
    ----- stderr
    error: the argument '--severity <SEVERITIES>' cannot be used with '--min-severity <SEVERITY>'

    Usage: tagwatch issues --severity <SEVERITIES>

    For more information, try '--help'.
    ");
}

#[test]
fn a_watch_is_for_formats_with_rows() {
    let folder = folder(&[]);
    for format in [&["-o", "yaml"][..], &["-o", "name"], &["--drift"]] {
        let printed = run(folder.path(), &[&["issues", "--watch"], format].concat());
        assert_eq!(
            printed,
            "exit code: 2\n----- stderr\nerror: --watch works with the formats table, wide and json; with --drift, \
             name one by --output\n"
        );
    }
}

#[test]
fn no_log_level() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["run", "--log-level", "=loud="]), @r#"
    exit code: 2
    ----- stderr
    error: --log-level "=loud=": expected a level (error, warn, info, debug, trace) or a filter: invalid filter directive
    "#);
}

#[test]
fn errors_stay_and_notes_go_when_it_is_quiet() {
    let folder = folder(&[("web.yaml", &deployment(VERSION)), ("text.yaml", "a: b")]);
    let loud = run(folder.path(), &["scan", ".", "absent.yaml"]);
    assert!(
        loud.contains("\nnote: text.yaml:1:1: ") && loud.contains("\nerror: absent.yaml:1:1: "),
        "{loud}"
    );
    let quiet = run(folder.path(), &["scan", "-q", ".", "absent.yaml"]);
    assert!(!quiet.contains("note: ") && quiet.contains("\nerror: absent.yaml:1:1: "), "{quiet}");
    let json = |arguments: &[&str]| run(folder.path(), &[arguments, &["-o", "json", "text.yaml"]].concat());
    assert!(
        json(&["--quiet", "scan"]).contains("\"code\": \"not-kubernetes-object\""),
        "the results are whole"
    );
}

#[test]
fn colour_is_as_the_command_line_says() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let escapes = |color: &[&str], variable: &str| {
        let mut command = tagwatch(folder.path(), &[&["scan", "web.yaml", "absent.yaml"], color].concat());
        let output = command.env(variable, "1").output().unwrap();
        [output.stdout, output.stderr].map(|stream| stream.contains(&0x1b))
    };
    assert_eq!(escapes(&[], "UNUSED"), [false; 2], "a pipe is no terminal");
    assert_eq!(
        escapes(&["--color", "always"], "NO_COLOR"),
        [true; 2],
        "an argument goes before the environment"
    );
    assert_eq!(escapes(&["--color", "auto"], "NO_COLOR"), [false; 2]);
    assert_eq!(escapes(&["--color", "auto"], "CLICOLOR_FORCE"), [true; 2]);
    assert_eq!(escapes(&["--color", "never"], "CLICOLOR_FORCE"), [false; 2]);
}

#[test]
fn a_failure_of_our_own_is_coloured_as_those_of_the_arguments() {
    let folder = folder(&[]);
    let failed = |arguments: &[&str]| {
        let output = tagwatch(folder.path(), arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let (ours, theirs) = (failed(&["explain", "no-rule"]), failed(&["explain"]));
    let word = |text: &str| text[..=text.find("error").unwrap()].to_owned();
    assert_eq!(word(&ours), word(&theirs), "{ours:?} {theirs:?}");
    assert!(ours.starts_with('\u{1b}'), "{ours:?}");
}
