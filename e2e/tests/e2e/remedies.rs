//! The commands that the console offers, as the API server takes them.

use std::{collections::BTreeSet, process::Output, time::Duration};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::eventually;
use tokio::{process::Command, time::timeout};

use crate::{
    console::{FAILS, get, serving},
    custom_kinds::{create_soon, define, grant},
    objects::{LATEST, deployment, job, pod, pod_spec, pulled, replica_set, template},
    runner::{own, shared},
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(commands_that_are_offered_are_taken), shared(a_newer_image_is_not_replaced)]
}

/// Words for a shell, as they are.
fn quoted(words: impl Iterator<Item = String>) -> String {
    let quote = |word: String| format!("'{}'", word.replace('\'', r"'\''"));
    words.map(quote).collect::<Vec<_>>().join(" ")
}

/// Runs a script with a registry that always answers. `flags` are added to those of kubectl.
async fn run(env: &TestEnv, command: &str, flags: &str) -> Result<Output> {
    let kubectl = env.cluster().control_plane.kubectl_command()?;
    let kubectl = kubectl.as_std();
    let words = [kubectl.get_program()].into_iter().chain(kubectl.get_args());
    let words = quoted(words.map(|word| word.to_string_lossy().into_owned()));
    let digest = "0123456789abcdef".repeat(4);
    let script =
        format!("docker() {{ echo sha256:{digest}; }}\nkubectl() {{ {words} \"$@\" {flags}; }}\n{command}\n");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).kill_on_drop(true);
    shell.envs(kubectl.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ok(timeout(Duration::from_mins(1), shell.output()).await.context("a minute")??)
}

/// Runs what a person would paste, with an API server that changes nothing.
async fn paste(env: &TestEnv, command: &str) -> Result<String> {
    let output = run(env, command, "--dry-run=server").await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command}\n{error}");
    Ok(String::from_utf8(output.stdout)?)
}

fn floating() -> Vec<Value> {
    vec![pulled("web", LATEST, "IfNotPresent")]
}

/// One object of each kind that holds its containers in its own way.
async fn objects(env: &TestEnv) -> Result<()> {
    env.create(deployment("web", 0, &floating())).await?;
    env.create(replica_set("set", 0, &floating())).await?;
    env.create(pod("pod", &floating())).await?;
    let job_spec = job("cron", &floating())["spec"].clone();
    let labels = json!({ "matchLabels": { "app": "db" } });
    let db = template("db", &pod_spec(&floating()));
    for object in [
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db" },
            "spec": { "replicas": 0, "serviceName": "db", "selector": labels, "template": db },
        }),
        json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "cron" },
            "spec": { "schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": { "spec": job_spec } },
        }),
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" },
            "spec": { "template": db },
        }),
        json!({
            "apiVersion": "jobset.x-k8s.io/v1", "kind": "JobSet", "metadata": { "name": "jobs" },
            "spec": { "replicatedJobs": [{ "name": "one", "template": { "spec": { "template": db } } }] },
        }),
    ] {
        create_soon(env, object).await?;
    }
    Ok(())
}

/// `Kind title` of every remedy that has a command.
const COMMANDS: [&str; 13] = [
    "CronJob Pin what the tag means today",
    "CronJob Pull at every start",
    "Deployment Pin what the tag means today",
    "Deployment Pull at every start",
    "JobSet.jobset.x-k8s.io Pin what the tag means today",
    "JobSet.jobset.x-k8s.io Pull at every start",
    "Pod Pin what the tag means today",
    "ReplicaSet Pin what the tag means today",
    "ReplicaSet Pull at every start",
    "Rollout.argoproj.io Pin what the tag means today",
    "Rollout.argoproj.io Pull at every start",
    "StatefulSet Pin what the tag means today",
    "StatefulSet Pull at every start",
];

async fn commands_that_are_offered_are_taken(env: &TestEnv) -> Result<()> {
    grant(env).await?;
    define(env, "argoproj.io", "Rollout", "rollouts", &["v1alpha1"]).await?;
    define(env, "jobset.x-k8s.io", "JobSet", "jobsets", &["v1"]).await?;
    let (tagwatch, base) = serving(env, "none").await?;
    objects(env).await?;
    let issues = eventually(LIMIT, "two issues of each of seven objects", || async {
        let (_, body) = get(&format!("{base}/api/v1/issues"), None)?;
        let listed: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(listed["total"] == 14, "{body}");
        Ok(listed["issues"].as_array().cloned().unwrap_or_default())
    })
    .await?;
    let mut offered = BTreeSet::new();
    for issue in issues {
        let path = issue["path"].as_str().context("a path")?;
        let (_, body) = get(&format!("{base}/api/v1{path}"), None)?;
        let details: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        let kind = issue["kind"].as_str().context("a kind")?;
        for remedy in details["remedies"].as_array().into_iter().flatten() {
            let Some(command) = remedy["command"].as_str() else { continue };
            let said = paste(env, command).await?;
            ensure!(said.contains(" patched"), "{command}\n{said}");
            offered.insert(format!("{kind} {}", remedy["title"].as_str().unwrap_or_default()));
        }
    }
    assert_eq!(offered.iter().map(String::as_str).collect::<Vec<_>>(), COMMANDS);
    // Each was a dry run.
    let web = env.api("Deployment").get("web").await?;
    assert_eq!(web.metadata.generation, Some(1));
    tagwatch.end().await
}

/// A script that was saved before the image was changed would silently roll it back.
async fn a_newer_image_is_not_replaced(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "none").await?;
    env.create(deployment("web", 0, &floating())).await?;
    let issue = env.reported("Deployment", "web", &FAILS).await?.key_of("latest-tag")?;
    let script = eventually(LIMIT, "the script", || async {
        let (status, script) = get(&format!("{base}/issues/{issue}/fix.sh"), None)?;
        ensure!(status == 200, "{status} {script}");
        Ok(script)
    })
    .await?;
    let newer = "nginx:1.29.3-main-abc1234";
    let (namespace, control_plane) = (env.namespace(), &env.cluster().control_plane);
    let image = format!("web={newer}");
    control_plane.kubectl(&["--namespace", namespace, "set", "image", "deployment/web", &image]).await?;
    let refused = run(env, &script, "").await?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(!refused.status.success(), "{script}\n{said}");
    // What the message says of kubectl.
    ensure!(said.contains("The request is invalid") && said.contains("nothing was changed"), "{said}");
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    let words = ["--namespace", namespace, "get", "deployment", "web", "--output", path];
    let read = || control_plane.kubectl(&words);
    ensure!(read().await? == newer, "{}", read().await?);
    // With the image that was checked, it is applied.
    let image = format!("web={LATEST}");
    control_plane.kubectl(&["--namespace", namespace, "set", "image", "deployment/web", &image]).await?;
    let applied = run(env, &script, "").await?;
    ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    ensure!(read().await?.contains("@sha256:"), "{}", read().await?);
    tagwatch.end().await
}
