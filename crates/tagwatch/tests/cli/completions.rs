//! `tagwatch completions`.

use std::process::Command;

use crate::support::{broken_pipe, folder, tagwatch};

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let folder = folder(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let output = tagwatch(folder.path(), &["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["issues", "min-severity", "baseline", "critical"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
        let status = tagwatch(folder.path(), &["completions", shell]).stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{shell}");
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = folder(&[]);
    let script = tagwatch(folder.path(), &["completions", "bash"]).output().unwrap().stdout;
    std::fs::write(folder.path().join("tagwatch.bash"), script).unwrap();
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let ask = format!(
            "source ./tagwatch.bash && COMP_WORDS=({line}) COMP_CWORD={} && _tagwatch tagwatch '{last}' '{before}' \
             && echo \"${{COMPREPLY[@]}}\"",
            words.len() - 1
        );
        let output =
            Command::new("bash").args(["--norc", "-c", &ask]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete("tagwatch iss"), "issues");
    assert_eq!(complete("tagwatch issues --min"), "--min-severity");
    assert_eq!(complete("tagwatch issues --min-severity cr"), "critical");
    assert_eq!(complete("tagwatch issues --rule latest"), "latest-tag");
    assert_eq!(complete("tagwatch policy sh"), "show");
}
