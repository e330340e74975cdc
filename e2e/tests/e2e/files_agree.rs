//! Which objects `tagwatch scan` finds in a file is what kubectl itself finds: lists by their `items`, and files in other
//! encodings. The differential test of the scan compares the reader behind it with many more files.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;

use crate::{runner::shared, test_env::TestEnv};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(kubectl_finds_the_same_pods)]
}

fn pod(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: a, image: 'x:latest'}}]}}\n"
    )
}

/// An object whose root has these `items`.
fn with_items(kind: &str, items: &str) -> String {
    format!(
        "apiVersion: v1\nkind: {kind}\nmetadata: {{name: outer}}\nspec: {{containers: [{{name: a, image: y}}]}}\nitems: {items}\n"
    )
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
}

fn files() -> Vec<Vec<u8>> {
    let inner =
        "[{apiVersion: v1, kind: Pod, metadata: {name: inner}, spec: {containers: [{name: a, image: x}]}}]";
    let bare = "[{metadata: {name: bare}, spec: {containers: [{name: a, image: x}]}}]";
    let two = format!("{}---\n{}", pod("one"), pod("two"));
    let json = |name: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}, "spec": {{"containers": [{{"name": "a", "image": "x"}}]}}}}"#
        )
    };
    let stream = format!("{}\n{}\n", json("one"), json("two"));
    let mut files: Vec<Vec<u8>> = ["ConfigMap", "Pod", "Whatever", "PodList", "List"]
        .into_iter()
        .flat_map(|kind| {
            [inner, "[]", "null", "{}", "text"].map(|items| with_items(kind, items).into_bytes())
        })
        .collect();
    files.extend(["Pod", "PodList"].map(|kind| with_items(kind, bare).into_bytes()));
    for text in [&two, &stream] {
        files.extend([
            utf16(text, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
            format!("\u{feff}{text}").into_bytes(),
        ]);
    }
    files.push([b"# caf\xe9\n", two.as_bytes()].concat());
    files
}

/// Names of the Pods that kubectl finds; `None` where it refuses the file.
async fn of_kubectl(env: &TestEnv, path: &str) -> Option<Vec<String>> {
    let arguments = ["label", "--local", "-o", "name", "-f", path, "seen=yes"];
    match env.cluster().control_plane.kubectl(&arguments).await {
        Ok(found) => {
            let pods = found.lines().filter_map(|line| line.strip_prefix("pod/"));
            Some(pods.map(str::to_owned).collect())
        }
        // It is an error for kubectl, too, that a list holds nothing.
        Err(error) if format!("{error:#}").contains("no objects passed") => Some(Vec::new()),
        Err(_) => None,
    }
}

fn of_scan(path: &str) -> Result<Option<Vec<String>>> {
    let mut scan = Command::new(tagwatch_e2e::tagwatch_binary()?);
    let output = scan.args(["scan", "--exit-zero", "-o", "json", path]).env_clear().output()?;
    if output.status.code() == Some(3) {
        return Ok(None);
    }
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let images = report["images"].as_array().context("no images")?;
    let name = |image: &Value| image["name"].as_str().map(str::to_owned).context("no name");
    Ok(Some(images.iter().map(name).collect::<Result<_>>()?))
}

async fn kubectl_finds_the_same_pods(env: &TestEnv) -> Result<()> {
    let folder = TempDir::with_prefix("files-")?;
    let path = folder.path().join("file.yaml").display().to_string();
    let (mut refused, mut found) = (0, 0);
    for file in files() {
        fs::write(&path, &file)?;
        let (theirs, ours) = (of_kubectl(env, &path).await, of_scan(&path)?);
        ensure!(
            theirs == ours,
            "{:?}\nkubectl: {theirs:?}\ntagwatch: {ours:?}",
            String::from_utf8_lossy(&file)
        );
        refused += usize::from(theirs.is_none());
        found += theirs.map_or(0, |pods| pods.len());
    }
    ensure!((refused, found) == (10, 21), "{refused} files refused, {found} Pods found");
    Ok(())
}
