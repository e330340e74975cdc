//! Other tools on the same tree, as far as they are on the PATH.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::corpus::Corpus;
use crate::measure::{median, scan, timed};
use crate::{shown, writeln_to};

/// Timed runs of each tool.
const RUNS: usize = 3;

/// Each tool with its arguments, before the path of the folder. They do as little as they can beside reading: no schema
/// is fetched, and the one check that all of them share is that of the tag `latest`.
const PEERS: [(&str, &[&str]); 4] = [
    ("kubeconform", &["-ignore-missing-schemas", "-schema-location", "/nonexistent/{{.ResourceKind}}.json"]),
    ("kube-linter", &["lint", "--do-not-auto-add-defaults", "--include", "latest-tag"]),
    ("kube-score", &["score", "--ignore-container-cpu-limit", "--ignore-container-memory-limit"]),
    (
        "checkov",
        &["--framework", "kubernetes", "--compact", "--quiet", "--check", "CKV_K8S_14", "--directory"],
    ),
];

pub(crate) fn compare(tagwatch: &Path, corpus: &Corpus) -> io::Result<String> {
    let mut text = format!("Other tools on the tree of {} files:\n\n", corpus.files.len());
    for (name, arguments) in PEERS {
        let is_there = Command::new(name).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if is_there.is_err() {
            writeln_to(&mut text, format_args!("- {name}: not on the PATH, not measured"));
            continue;
        }
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            theirs.push(timed(|| run(name, arguments, corpus))?);
            ours.push(timed(|| scan(tagwatch, &[corpus.folder.as_os_str()]))?);
        }
        let (theirs, ours) = (median(theirs), median(ours));
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        writeln_to(
            &mut text,
            format_args!("- {name}: {}, {ratio:.0} times the {} of tagwatch", shown(theirs), shown(ours)),
        );
    }
    Ok(text)
}

fn run(name: &str, arguments: &[&str], corpus: &Corpus) -> io::Result<()> {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if name == "kube-score" {
        command.args(&corpus.files);
    } else {
        command.arg(&corpus.folder);
    }
    command.status().map(drop)
}
