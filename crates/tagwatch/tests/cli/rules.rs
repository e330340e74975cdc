//! `tagwatch rules` and `tagwatch explain`.

use crate::support::{broken_pipe, folder, run, tagwatch};

#[test]
fn rules_are_listed() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["rules"]), @"");
}

#[test]
fn a_rule_is_explained() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["explain", "latest-tag"]), @"");
}

#[test]
fn a_rule_that_is_misspelt_exits_with_2_and_a_suggestion() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run(folder.path(), &["explain", "latest-tags"]), @"");
    insta::assert_snapshot!(run(folder.path(), &["explain", "\u{1b}[31mcolour"]), @"");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder(&[]);
    for arguments in [&["rules"][..], &["explain", "latest-tag"]] {
        let status = tagwatch(folder.path(), arguments).stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}
