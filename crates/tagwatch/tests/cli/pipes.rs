//! Pipes that the documentation, the help and messages recommend: each fails where nothing comes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{folder, run_with_input, tagwatch};

const COMMAND: &str = "tagwatch scan ";

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|its| its == extension) {
            found.push(path);
        }
    }
}

/// The arguments of each `tagwatch scan` in a text that reads standard input. A string of the source may go on in the next
/// line.
fn piped(text: &str) -> Vec<Vec<String>> {
    let mut joined = String::new();
    let mut goes_on = false;
    for line in text.lines() {
        joined.push_str(if goes_on { line.trim_start() } else { line });
        goes_on = joined.ends_with('\\');
        if goes_on {
            joined.pop();
        } else {
            joined.push('\n');
        }
    }
    let commands = joined.match_indices(COMMAND).map(|(at, command)| {
        let rest = &joined[at + command.len()..];
        let end = rest.find(['`', '\n', '#', ';', '"', '|']).unwrap_or(rest.len());
        rest[..end].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    });
    commands.filter(|arguments| arguments.iter().any(|argument| argument == "-")).collect()
}

#[test]
fn every_pipe_that_is_recommended_fails_where_nothing_comes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let empty = folder(&[]);
    let mut places = vec![root.join("README.md")];
    files(&root.join("docs"), "md", &mut places);
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        files(&entry.unwrap().path().join("src"), "rs", &mut places);
    }
    let mut texts: Vec<(String, String)> =
        places.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    let help = tagwatch(empty.path(), &["scan", "--help"]).output().unwrap().stdout;
    texts.push(("--help".to_owned(), String::from_utf8(help).unwrap()));

    let mut in_places = Vec::new();
    for (place, text) in &texts {
        for arguments in piped(text) {
            let command = format!("{place}: {COMMAND}{}", arguments.join(" "));
            assert!(arguments.iter().any(|argument| argument == "--require-workloads"), "{command}");
            let arguments: Vec<&str> =
                ["scan"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
            let transcript = run_with_input(empty.path(), &arguments, "");
            assert!(transcript.starts_with("exit code: 3"), "{command}: {transcript}");
            assert!(transcript.contains("[nothing-judged]"), "{command}: {transcript}");
            in_places.push(place.as_str());
        }
    }
    for expected in ["README.md", "docs/scan.md", "docs/cli.md", "src/report/mod.rs", "--help"] {
        assert!(in_places.iter().any(|place| place.ends_with(expected)), "none in {expected}");
    }
}
