//! Other tools on the same tree, as far as they are on the PATH.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::corpus::Corpus;
use crate::goals::{Goals, milliseconds};
use crate::measure::{median, scan, timed};
use crate::print;

/// Timed runs of each tool.
const RUNS: usize = 3;

/// Most differences in findings that are named.
const MAX_NAMED: usize = 3;

/// Another tool.
struct Peer {
    name: &'static str,
    /// Before the path of the folder. The tools do as little as they can beside reading: no schema is fetched, and the one
    /// check that they share with tagwatch is that of the tag `latest`, written or implied.
    arguments: &'static [&'static str],
    /// Arguments that make it write JSON, and what it says of that check; `None` where it has none.
    findings: Option<FindingsReader>,
    /// Times the time of tagwatch, at least.
    goal: Option<f64>,
}

/// Arguments, and what reads the JSON that a tool writes with them.
type FindingsReader = (&'static [&'static str], fn(&Value) -> BTreeSet<Finding>);

/// An object and its container.
type Finding = (String, String);

const PEERS: [Peer; 4] = [
    Peer {
        name: "kubeconform",
        arguments: &["-ignore-missing-schemas", "-schema-location", "/nonexistent/{{.ResourceKind}}.json"],
        findings: None,
        goal: Some(33.0),
    },
    Peer {
        name: "kube-linter",
        arguments: &["lint", "--do-not-auto-add-defaults", "--include", "latest-tag"],
        findings: Some((&["--format", "json"], of_kube_linter)),
        goal: Some(45.0),
    },
    Peer {
        name: "kube-score",
        arguments: &["score", "--ignore-container-cpu-limit", "--ignore-container-memory-limit"],
        findings: Some((&["--output-format", "json"], of_kube_score)),
        goal: Some(75.0),
    },
    Peer {
        name: "checkov",
        arguments: &[
            "--framework",
            "kubernetes",
            "--compact",
            "--quiet",
            "--check",
            "CKV_K8S_14",
            "--directory",
        ],
        findings: None,
        goal: None,
    },
];

pub(crate) fn compare(tagwatch: &Path, corpus: &Corpus, goals: &mut Goals) -> io::Result<()> {
    print(&format!(
        "Other tools on the tree of {} files; medians of {RUNS} runs in turns:\n\n\
         | Tool | Time | `tagwatch scan` | Times | Goal | Findings of the tag latest |\n|---|---|---|---|---|---|\n",
        corpus.files.len()
    ))?;
    let mut ours = None;
    for peer in PEERS {
        let is_there =
            Command::new(peer.name).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let Peer { name, goal, .. } = peer;
        let shown_goal = goal.map_or("–".to_owned(), |goal| format!("{goal}"));
        let goal_name = format!("{name}: times the time of tagwatch");
        if is_there.is_err() {
            if let Some(goal) = goal {
                goals.not_measured(&goal_name, "not on the PATH", goal);
            }
            print(&format!("| {name} | not on the PATH, not measured | – | – | {shown_goal} | – |\n"))?;
            continue;
        }
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            theirs.push(timed(|| command(&peer, &[], corpus).status().map(drop))?);
            own.push(timed(|| scan(tagwatch, &[corpus.folder.as_os_str()]))?);
        }
        let (theirs, own) = (median(theirs), median(own));
        let times = theirs.as_secs_f64() / own.as_secs_f64();
        if let Some(goal) = goal {
            goals.at_least(&goal_name, times, goal);
        }
        let findings = match peer.findings {
            None => "–".to_owned(),
            Some((as_json, read)) => {
                if ours.is_none() {
                    ours = Some(of_tagwatch(tagwatch, corpus)?);
                }
                let output = command(&peer, as_json, corpus).stdout(Stdio::piped()).output()?;
                let theirs = serde_json::from_slice(&output.stdout).map(|json| read(&json));
                match (theirs, &ours) {
                    (Ok(theirs), Some(ours)) => differences(ours, &theirs),
                    _ => "its output is no JSON".to_owned(),
                }
            }
        };
        print(&format!(
            "| {name} | {:.0} ms | {:.0} ms | {times:.0} | {shown_goal} | {findings} |\n",
            milliseconds(theirs),
            milliseconds(own),
        ))?;
    }
    Ok(())
}

fn command(peer: &Peer, more: &[&str], corpus: &Corpus) -> Command {
    let mut command = Command::new(peer.name);
    command.args(peer.arguments).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if peer.name == "kube-score" {
        command.args(&corpus.files);
    } else {
        command.arg(&corpus.folder);
    }
    command
}

fn differences(ours: &BTreeSet<Finding>, theirs: &BTreeSet<Finding>) -> String {
    let named = |found: &BTreeSet<Finding>, other: &BTreeSet<Finding>| {
        let names = found
            .difference(other)
            .take(MAX_NAMED)
            .map(|(object, container)| format!("{object}/{container}"));
        names.collect::<Vec<_>>().join(", ")
    };
    let both = ours.intersection(theirs).count();
    if ours == theirs {
        return format!("the same {both}");
    }
    format!(
        "{both} the same; {} of tagwatch alone: {}; {} of the other alone: {}",
        ours.len() - both,
        named(ours, theirs),
        theirs.len() - both,
        named(theirs, ours),
    )
}

fn of_tagwatch(tagwatch: &Path, corpus: &Corpus) -> io::Result<BTreeSet<Finding>> {
    let mut command = Command::new(tagwatch);
    command.args([
        "scan",
        "--profile",
        "recommended",
        "--rules",
        "latest-tag,missing-tag",
        "--output",
        "json",
    ]);
    let output = command.arg(&corpus.folder).stderr(Stdio::null()).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    Ok(each(&report["findings"])
        .filter_map(|finding| pair(&finding["name"], &finding["container"]))
        .collect())
}

/// `{"Reports": [{"Diagnostic": {"Message": "The container \"a\" is using …"}, "Object": {"K8sObject": {"Name": …}}}]}`.
fn of_kube_linter(output: &Value) -> BTreeSet<Finding> {
    let finding = |report: &Value| {
        let container = report["Diagnostic"]["Message"].as_str()?.split('"').nth(1)?;
        Some((report["Object"]["K8sObject"]["Name"].as_str()?.to_owned(), container.to_owned()))
    };
    each(&output["Reports"]).filter_map(finding).collect()
}

/// `[{"object_meta": {"name": …}, "checks": [{"check": {"id": "container-image-tag"}, "comments": [{"path": "a"}]}]}]`.
fn of_kube_score(output: &Value) -> BTreeSet<Finding> {
    let mut findings = BTreeSet::new();
    for object in each(output) {
        let checks = each(&object["checks"]).filter(|check| check["check"]["id"] == "container-image-tag");
        let comments = checks.flat_map(|check| each(&check["comments"]));
        findings
            .extend(comments.filter_map(|comment| pair(&object["object_meta"]["name"], &comment["path"])));
    }
    findings
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn pair(object: &Value, container: &Value) -> Option<Finding> {
    Some((object.as_str()?.to_owned(), container.as_str()?.to_owned()))
}
