//! What an API server accepts in an image field.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::tagwatch_binary;
use tokio::process::Command;

use crate::{
    checks,
    objects::{container, deployment, pulled, web},
    report::Report,
    runner::shared,
    test_env::TestEnv,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(hostile_images), shared(a_thousand_containers)]
}

/// Name and image. The longest is as large as an object can be, nearly.
fn images() -> Vec<(&'static str, String)> {
    let plain = [
        ("escape", "nginx:\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}"),
        ("newline", "nginx:1\nMessage: all is well\r\n\tfake: true"),
        ("nul", "nginx:\0latest"),
        ("c1", "nginx:\u{9b}31m\u{85}\u{90}"),
        ("bidi", "nginx:\u{202e}tsetal\u{2066}\u{200f}\u{61c}"),
        ("invisible", "nginx:la\u{200b}te\u{feff}st\u{2028}\u{2029}"),
        ("markup", "\"><script>alert(1)</script>"),
        ("yaml", "x: {y: [z, &a *a !!t |"),
        ("template", "{{ .Values.image }}${IMAGE}"),
        ("delete", "nginx:\u{7f}\u{8}\u{8}\u{8}"),
        ("astral", "nginx:\u{1f680}\u{e0001}\u{10ffff}"),
    ];
    let long = [
        ("kilobytes", "a".repeat(64 << 10)),
        ("escapes", "\u{1b}".repeat(64 << 10)),
        ("megabyte", format!("nginx:{}", "\u{202e}x".repeat(250_000))),
    ];
    plain.map(|(name, image)| (name, image.to_owned())).into_iter().chain(long).collect()
}

/// Control characters and those that reorder or hide text, but for the line break, which is what blocks of text are
/// made of.
pub(crate) fn hostile_characters(text: &str) -> BTreeSet<char> {
    let hostile = |c: &char| {
        let marks = ['\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{feff}'];
        let ranges = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
        *c != '\n' && (c.is_control() || marks.contains(c) || ranges.iter().any(|range| range.contains(c)))
    };
    text.chars().filter(hostile).collect()
}

fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

async fn hostile_images(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    for (name, image) in images() {
        let owner = env.create(web(name, &image)).await.with_context(|| format!("Deployment {name}"))?;
        let stored = &owner.data["spec"]["template"]["spec"]["containers"][0]["image"];
        ensure!(*stored == json!(image), "{name}: the API server stored {stored}");
        let report = env.reported("Deployment", name, &["web invalid-image-reference error"]).await?;
        checks::form(&report, &owner);
        harmless(&report, name);
    }
    tagwatch.counts("tagwatch_reconcile_panics_total", &[], 0.0).await?;
    let metrics = tagwatch.metrics().await?;
    assert_eq!(hostile_characters(&metrics), BTreeSet::new(), "metrics");
    assert_eq!(hostile_characters(&tagwatch.log_text()?), BTreeSet::new(), "log");

    let control_plane = &env.cluster().control_plane;
    let namespace = env.namespace();
    let described =
        control_plane.kubectl(&["describe", "policyreports.wgpolicyk8s.io", "-n", namespace]).await?;
    ensure!(described.matches("invalid-image-reference").count() >= images().len(), "{described}");
    assert_eq!(hostile_characters(&described), BTreeSet::new(), "kubectl describe");
    let listed = issues(env).await?;
    ensure!(listed.lines().count() == images().len() + 1, "a line each: {listed}");
    assert_eq!(hostile_characters(&listed), BTreeSet::new(), "tagwatch issues");
    tagwatch.end().await
}

fn harmless(report: &Report, name: &str) {
    let mut all = Vec::new();
    texts(&report.0.data, &mut all);
    assert!(!all.is_empty());
    for text in all {
        assert_eq!(hostile_characters(text), BTreeSet::new(), "{name}: {text:?}");
    }
    // A line break only where text is laid out in lines by us.
    for result in report.results() {
        for single in ["message", "rule", "policy"] {
            assert!(!result[single].as_str().unwrap().contains('\n'), "{name}: {result}");
        }
        assert!(!result["properties"]["image"].as_str().unwrap().contains('\n'), "{name}: {result}");
    }
}

/// What `tagwatch issues` prints.
async fn issues(env: &TestEnv) -> Result<String> {
    let output = Command::new(tagwatch_binary()?)
        .args(["issues", "-n", env.namespace()])
        .env_clear()
        .env("KUBECONFIG", &env.cluster().kubeconfig)
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

async fn a_thousand_containers(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    // Last in the manifest, first in the report.
    let mut containers: Vec<Value> = (0..999)
        .map(|number| container(&format!("clean-{number:03}"), "registry.example.com/a:1.2.3"))
        .collect();
    containers.push(pulled("web", "registry.example.com/a:latest", "IfNotPresent"));
    let owner = env.create(deployment("crowd", 0, &containers)).await?;
    tagwatch.counts("tagwatch_images", &[], 1000.0).await?;
    let report =
        tagwatch_e2e::eventually(crate::test_env::LIMIT, "the report", || env.report("Deployment", "crowd"))
            .await?;
    checks::form(&report, &owner);

    assert_eq!(report.results().len(), 500);
    let mut first = report.verdicts()[..2].to_vec();
    first.sort();
    assert_eq!(first, ["web latest-tag fail", "web stale-pull-policy fail"]);
    assert_eq!(*report.summary(), json!({ "pass": 498, "fail": 2, "warn": 0, "error": 0, "skip": 0 }));
    let omitted = &report.results()[499]["properties"]["omittedResults"];
    assert_eq!(*omitted, json!("1500"), "2,000 results, and the rest is counted");
    tagwatch.end().await
}
