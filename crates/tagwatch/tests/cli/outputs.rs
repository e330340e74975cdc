//! The outputs of `tagwatch scan`, and the arguments that decide what fails.

use std::fs;

use crate::support::{FLOATING, VERSION, broken_pipe, deployment, folder, run, run_with_input, tagwatch};

const FORMATS: [&str; 11] = [
    "table",
    "wide",
    "json",
    "yaml",
    "policyreport",
    "sarif",
    "junit",
    "github",
    "gitlab",
    "markdown",
    "name",
];

#[test]
fn every_format_has_the_same_exit_code_and_content_in_a_file_and_on_standard_output() {
    let broken = format!("{}---\na: [1\n", deployment(FLOATING));
    for (manifest, code) in [(deployment(VERSION), 0), (deployment(FLOATING), 1), (broken, 3)] {
        let folder = folder(&[("web.yaml", &manifest)]);
        for format in FORMATS {
            let printed = tagwatch(folder.path(), &["scan", "-o", format, "web.yaml"]).output().unwrap();
            assert_eq!(printed.status.code(), Some(code), "{format}");
            let file = format!("{format}=out");
            let written = tagwatch(folder.path(), &["scan", "-o", &file, "web.yaml"]).output().unwrap();
            assert_eq!((written.status.code(), written.stdout), (Some(code), Vec::new()), "{format}");
            let same = fs::read(folder.path().join("out")).unwrap() == printed.stdout;
            assert!(same, "{format}");
        }
    }
}

#[test]
fn the_help_and_a_mistake_name_every_format() {
    let folder = folder(&[]);
    let help = run(folder.path(), &["scan", "--help"]);
    let words: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("Formats: {}.", FORMATS.join(", "))), "{help}");
    let mistake = run(folder.path(), &["scan", "-o", "xml", "."]);
    assert!(mistake.contains(&format!("expected one of: {}\n", FORMATS.join(", "))), "{mistake}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_in_any_format() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    for format in FORMATS {
        let mut command = tagwatch(folder.path(), &["scan", "-o", format, "web.yaml"]);
        let status = command.stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
    }
}

#[test]
fn two_formats_for_one_place_are_refused() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    let refused = |outputs: &[&str]| {
        let outputs = outputs.iter().flat_map(|output| ["-o", output]);
        let arguments: Vec<&str> = ["scan", "web.yaml"].into_iter().chain(outputs).collect();
        run(folder.path(), &arguments)
    };
    insta::assert_snapshot!(refused(&["table", "json=-"]), @"
    exit code: 2
    ----- stderr
    error: --output: two formats for standard output; give each a file: --output FORMAT=FILE
    ");
    insta::assert_snapshot!(refused(&["sarif=out", "table", "json=out"]), @"
    exit code: 2
    ----- stderr
    error: --output: two formats for the file out; give each a file: --output FORMAT=FILE
    ");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn findings_are_tolerated_and_broken_input_is_not() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING)), ("broken.yaml", "a: [1\n")]);
    let code = |arguments: &[&str]| {
        let output = tagwatch(folder.path(), &[&["scan"], arguments].concat()).output().unwrap();
        output.status.code()
    };
    assert_eq!(code(&["--exit-zero", "web.yaml"]), Some(0));
    assert_eq!(code(&["--exit-zero", "web.yaml", "broken.yaml"]), Some(3));
    assert_eq!(code(&["--min-severity", "critical", "--fail-on", "warn", "web.yaml"]), Some(0));
    assert_eq!(code(&["--min-severity", "high", "web.yaml"]), Some(1));
    assert_eq!(code(&["--rules", "floating-tag", "web.yaml"]), Some(0), "it is advice");
    assert_eq!(code(&["--rules", "floating-tag,unpinned-image", "web.yaml"]), Some(1), "off by default");
}

#[test]
fn bad_values_name_the_allowed_ones() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--min-severity", "severe", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: invalid value 'severe' for '--min-severity <SEVERITY>'
      [possible values: critical, high, medium, low, info]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--exit-zero", "--fail-on", "warn", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: the argument '--exit-zero' cannot be used with '--fail-on <RESULT>'

    Usage: tagwatch scan --exit-zero <PATH>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--stdin-filename", "a.yaml", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: --stdin-filename names standard input, which no PATH `-` asks for
    ");
    for rule in ["latest-tags", "moved-tag"] {
        let printed = run(folder.path(), &["scan", "--rules", rule, "web.yaml"]);
        assert!(
            printed.starts_with("exit code: 2\n") && printed.contains("'latest-tag'")
                || printed.contains("invalid value 'moved-tag'"),
            "{printed}"
        );
    }
}

#[test]
fn a_baseline_is_an_earlier_scan_or_a_policy() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let quiet = |arguments: &[&str]| {
        let output = tagwatch(folder.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(quiet(&["scan", "-o", "json=scan.json", "--exit-zero", "web.yaml"]).0, Some(0));
    assert_eq!(quiet(&["policy", "baseline", "-o", "policy.yaml", "web.yaml"]).0, Some(0));
    let (code, table) = quiet(&["scan", "--baseline", "scan.json", "web.yaml"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("\nknown to the baseline, so no reason to fail: 2 findings\n"), "{table}");
    let (code, table) = quiet(&["scan", "--baseline", "policy.yaml", "--fail-on", "warn", "web.yaml"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("0 fail, 0 error, 0 warn, 2 skip, 0 pass"), "{table}");

    fs::write(folder.path().join("web.yaml"), deployment(FLOATING).replace("name: web", "name: new"))
        .unwrap();
    for baseline in ["scan.json", "policy.yaml"] {
        assert_eq!(quiet(&["scan", "--baseline", baseline, "web.yaml"]).0, Some(1), "{baseline}");
    }
    insta::assert_snapshot!(run(folder.path(), &["scan", "--baseline", "absent.json", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: cannot read the baseline absent.json: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--baseline", "web.yaml", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: web.yaml:1:13: apiVersion must be tagwatch.dev/v1alpha1
    ");
}

#[test]
fn places_name_the_file_that_standard_input_comes_from() {
    let folder = folder(&[]);
    let arguments = ["scan", "-o", "github", "--stdin-filename", "deploy/web.yaml", "-"];
    let printed = run_with_input(folder.path(), &arguments, &deployment(FLOATING));
    assert!(
        printed.contains("\n::error file=deploy/web.yaml,line=10,col=62,title=stale-pull-policy (high)::"),
        "{printed}"
    );
    let broken = run_with_input(folder.path(), &arguments, "a: [1");
    assert!(broken.contains("error: deploy/web.yaml:1:"), "{broken}");
}

#[test]
fn a_scan_is_read_on_a_narrow_terminal() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING)), ("note.yaml", "a: 1\na: 2\n")]);
    let scan = |width: Option<&str>| {
        let mut scan = tagwatch(folder.path(), &["scan", "--notes", "full", "."]);
        if let Some(width) = width {
            scan.env("COLUMNS", width);
        }
        let output = scan.output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (narrow, narrow_notes) = scan(Some("60"));
    let (plain, plain_notes) = scan(None);
    for text in [&narrow, &narrow_notes] {
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
    let letters = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!([letters(&narrow), letters(&narrow_notes)], [letters(&plain), letters(&plain_notes)]);
    assert!(plain.lines().last().unwrap().chars().count() > 60, "{plain}");
    assert!(plain_notes.lines().any(|line| line.chars().count() > 60), "{plain_notes}");
}
