//! `tagwatch scan`.

use std::fs;

use crate::support::{
    FLOATING, FLOATING_ALWAYS, VERSION, broken_pipe, deployment, folder, run, run_with_input, tagwatch,
};

#[test]
fn clean_manifests_exit_with_0() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"");
}

#[test]
fn findings_exit_with_1() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"");
}

#[test]
fn advice_exits_with_1_only_when_asked() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING_ALWAYS))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--fail-on", "warn", "web.yaml"]), @"");
}

#[test]
fn findings_are_tolerated_on_request() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let output = tagwatch(folder.path(), &["scan", "--fail-on", "never", "web.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn input_that_is_not_there_exits_with_3() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "absent.yaml", "web.yaml"]), @"");
}

#[test]
fn input_that_is_broken_exits_with_3_and_the_rest_is_judged() {
    let text = format!("{}---\na: [1\n---\n{}", deployment(VERSION), deployment(FLOATING_ALWAYS));
    let folder = folder(&[("web.yaml", &text)]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"");
}

#[test]
fn standard_input_is_read() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run_with_input(folder.path(), &["scan", "-"], &deployment(FLOATING_ALWAYS)), @"");
}

#[test]
fn json_is_the_contract() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING_ALWAYS))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json", "web.yaml"]), @"");
}

#[test]
fn several_outputs_and_one_of_them_a_file() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let arguments = ["scan", "-o", "table", "-o", "json=out.json", "web.yaml"];
    insta::assert_snapshot!(run(folder.path(), &arguments), @"");
    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(written["schema"], "tagwatch.dev/scan/v1");
    assert_eq!(written["summary"]["results"]["fail"], 1);
    assert_eq!(written["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_exits_with_2() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json=absent/out.json", "web.yaml"]), @"");
}

#[test]
fn passes_are_shown_on_request() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--show-passed", "web.yaml"]), @"");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    for format in ["table", "json"] {
        let mut command = tagwatch(folder.path(), &["scan", "-o", format, "web.yaml"]);
        let status = command.stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
    }
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let escapes = |variables: &[(&str, &str)]| {
        let mut command = tagwatch(folder.path(), &["scan", "web.yaml"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!escapes(&[]), "a pipe is no terminal");
    assert!(escapes(&[("CLICOLOR_FORCE", "1")]));
    assert!(!escapes(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn hostile_text_is_shown_escaped() {
    let container = r#"{ name: web, image: "nginx:\e[31m\a\u202e" }"#;
    let folder = folder(&[("web.yaml", &deployment(container))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"");
}
