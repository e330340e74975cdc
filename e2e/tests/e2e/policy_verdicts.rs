//! A policy file and the API server accept and refuse the same specs: both use one schema.

use std::process::Command;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{policies::TagPolicy, runner::shared, test_env::TestEnv};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(file_and_api_server_say_the_same)]
}

fn exemption(rules: &[&str]) -> Value {
    json!({ "exemptions": [{ "match": { "names": ["web"] }, "rules": rules, "reason": "why" }] })
}

fn change(rules: &Value) -> Value {
    json!({ "overrides": [{ "match": { "names": ["web"] }, "rules": rules }] })
}

fn workload(group: &str, version: &str, kind: &str) -> Value {
    json!({ "workloads": [{ "group": group, "version": version, "kind": kind, "templatePath": "spec.template" }] })
}

/// Specs, and whether each is valid.
fn specs() -> Vec<(Value, bool)> {
    let labels: Vec<String> = (0..17).map(|number| format!("label-{number}")).collect();
    let overrides = vec![change(&json!({ "latest-tag": { "enabled": false } }))["overrides"][0].clone(); 257];
    vec![
        (json!({}), true),
        (json!({ "annotations": { "maxDays": 0 } }), false),
        (json!({ "annotations": { "maxDays": 3650 } }), true),
        (json!({ "annotations": { "maxDays": 5000 } }), false),
        (json!({ "annotations": { "maxDays": 70_000 } }), false),
        (json!({ "annotations": { "namespaceSelector": {} } }), false),
        (
            json!({ "scope": { "namespaceSelector": { "matchExpressions": [{ "key": "", "operator": "Exists" }] } } }),
            false,
        ),
        (json!({ "metricLabels": ["a/b/c"] }), false),
        (json!({ "metricLabels": ["UPPER/x"] }), false),
        (json!({ "metricLabels": ["example.com/Team_x"] }), true),
        (json!({ "metricLabels": labels }), false),
        (json!({ "overrides": overrides }), false),
        (exemption(&["*"]), true),
        (exemption(&["*", "no-such-rule"]), false),
        (exemption(&[]), false),
        (change(&json!({})), false),
        (change(&json!({ "latest-tag": {} })), false),
        (change(&json!({ "latest-tag": { "enabled": true } })), true),
        (change(&json!({ "floating-tag": { "words": ["x"] } })), false),
        (json!({ "rules": { "floating-tag": { "words": ["x"] } } }), true),
        (json!({ "rules": { "latest-tag": {} } }), true),
        (json!({ "rules": { "latest-tag": { "severity": "bad" } } }), false),
        (json!({ "rules": { "latest-tag": { "tags": [""] } } }), false),
        (json!({ "rules": { "floating-tag": { "patterns": vec!["a"; 65] } } }), false),
        (json!({ "rules": { "floating-tag": { "patterns": ["a".repeat(513)] } } }), false),
        (json!({ "immutable": ["a".repeat(513)] }), false),
        (json!({ "immutable": [""] }), false),
        (json!({ "scope": { "namespaces": ["?".repeat(513)] } }), false),
        (json!({ "profil": "strict" }), false),
        (json!({ "rules": { "latest-tag": [false] } }), false),
        (json!(["strict"]), false),
        (workload("", "v1", "Show"), false),
        (workload("example.com", "", "Show"), false),
        (workload("example.com", "v1", ""), false),
        (workload("example.com", "v1", "Show"), true),
    ]
}

async fn file_and_api_server_say_the_same(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let control_plane = &env.cluster().control_plane;
    let file =
        control_plane.data_dir().join(format!("{}-verdict.json", env.namespace())).display().to_string();
    for (spec, valid) in specs() {
        std::fs::write(&file, policy.object(&spec).to_string())?;
        let check = Command::new(tagwatch_e2e::tagwatch_binary()?)
            .args(["policy", "check", &file])
            .env_clear()
            .output()?;
        let messages = String::from_utf8_lossy(&check.stderr).into_owned();
        ensure!(check.status.success() == valid, "{spec} in a file: {messages}");
        let applied = control_plane.kubectl(&["apply", "--dry-run=server", "-f", &file]).await;
        ensure!(applied.is_ok() == valid, "{spec} in a cluster: {applied:?}");
    }
    Ok(())
}
