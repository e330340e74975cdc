//! What `tagwatch scan` writes, as its consumers take it: an API server, Microsoft's validator of SARIF, a reader of `JUnit`.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::{checkout, tagwatch_binary};
use tempfile::TempDir;

use crate::{
    kinds,
    runner::shared,
    test_env::{Skipped, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(an_api_server_takes_the_policy_reports),
        shared(consumers_read_sarif_and_junit),
        shared(the_presync_hook_of_the_documentation_is_accepted),
    ]
}

fn scan(arguments: &[&str]) -> Result<()> {
    let output = Command::new(tagwatch_binary()?).arg("scan").args(arguments).env_clear().output()?;
    let code = output.status.code();
    ensure!(
        matches!(code, Some(0 | 1 | 3)),
        "scan {arguments:?}: {code:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Names and images that mean something to a format.
const HOSTILE: &str = r#"apiVersion: v1
kind: Pod
metadata: {name: "a|b`c\e[31m<i>\u202e &amp; 50%"}
spec:
  containers:
    - {name: "::error::x]]>\"'\uffff", image: "[x](https://example.com) {0} ``a\r\n::b"}
    - {name: b, image: nginx}
---
a: [1
"#;

fn path(file: &Path) -> Result<&str> {
    file.to_str().context("a path in UTF-8")
}

async fn an_api_server_takes_the_policy_reports(env: &TestEnv) -> Result<()> {
    let folder = TempDir::new()?;
    let (manifest, reports) = (folder.path().join("hostile.yaml"), folder.path().join("reports.yaml"));
    fs::write(&manifest, HOSTILE)?;
    let output = format!("policyreport={}", reports.display());
    scan(&["-n", env.namespace(), "--show-passed", "-o", &output, &kinds::fixture(), path(&manifest)?])?;
    let control_plane = &env.cluster().control_plane;
    let apply = ["apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f", path(&reports)?];
    let accepted = control_plane.kubectl(&apply).await?;
    let workloads = kinds::VERDICTS.len() + 1;
    assert_eq!(accepted.lines().count(), workloads, "{accepted}");
    assert!(
        accepted.lines().all(|name| name.starts_with("policyreport.wgpolicyk8s.io/tagwatch-")),
        "{accepted}"
    );
    Ok(())
}

async fn consumers_read_sarif_and_junit(_: &TestEnv) -> Result<()> {
    let consumers = checkout().join("e2e/consumers");
    // Fetched by `make test` beforehand: no test talks to a registry.
    if !consumers.join("node_modules/@microsoft/sarif-multitool-linux").is_dir() {
        let reason = "the readers of SARIF and JUnit are missing: run hack/consumers.sh (on Linux, with npm)";
        return Err(Skipped(reason.to_owned()).into());
    }
    let (inputs, outputs) = (TempDir::new()?, TempDir::new()?);
    let (hostile, clean) = (inputs.path().join("a b,c%.yaml"), inputs.path().join("clean.yaml"));
    fs::write(&hostile, HOSTILE)?;
    fs::write(
        &clean,
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: 'nginx:1.27.3'}]}\n",
    )?;
    let fixture = kinds::fixture();
    let before = outputs.path().join("before.json");
    scan(&["-o", &format!("json={}", before.display()), &fixture])?;
    let (hostile, clean, before) = (path(&hostile)?, path(&clean)?, path(&before)?);
    for (name, arguments) in [
        ("all", &["--show-passed", fixture.as_str()][..]),
        ("compared", &["--baseline", before, &fixture, hostile][..]),
        ("hostile", &[hostile][..]),
        ("clean", &[clean][..]),
        ("empty", &["-"][..]),
    ] {
        let sarif = format!("sarif={}/{name}.sarif", outputs.path().display());
        let junit = format!("junit={}/{name}.xml", outputs.path().display());
        scan(&[&["-o", &sarif, "-o", &junit], arguments].concat())?;
    }
    let mut check = tokio::process::Command::new("node");
    check.arg(consumers.join("check.mjs")).arg(outputs.path()).stdin(Stdio::null()).kill_on_drop(true);
    let output = check.output().await?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    ensure!(said.contains("5 SARIF logs, 5 JUnit reports with "), "{said}");
    Ok(())
}

/// The code block of docs/ci.md below a line that ends with `heading`.
fn block(heading: &str) -> Result<String> {
    let page = fs::read_to_string(checkout().join("docs/ci.md"))?;
    let (_, rest) =
        page.split_once(&format!("{heading}\n\n```yaml\n")).with_context(|| heading.to_owned())?;
    let (block, _) = rest.split_once("```").context("the block ends")?;
    Ok(block.to_owned())
}

async fn the_presync_hook_of_the_documentation_is_accepted(env: &TestEnv) -> Result<()> {
    let folder = TempDir::new()?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("kustomization.yaml", &block("`kustomization.yaml`:")?)?;
    write("tagwatch.yaml", &block("`tagwatch.yaml`:")?)?;
    write(
        "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'nginx:latest'}]}}}\n",
    )?;
    let control_plane = &env.cluster().control_plane;
    let rendered = control_plane.kubectl(&["kustomize", path(folder.path())?]).await?;
    ensure!(!rendered.contains("name: tagwatch-manifests\n"), "the name has no hash: {rendered}");
    write("rendered.yaml", &rendered)?;
    let file = folder.path().join("rendered.yaml");
    let apply = [
        "apply",
        "-n",
        env.namespace(),
        "--dry-run=server",
        "--validate=strict",
        "-o",
        "name",
        "-f",
        path(&file)?,
    ];
    let accepted = control_plane.kubectl(&apply).await?;
    assert_eq!(accepted.lines().count(), 3, "{accepted}");

    // What the Job runs, on the file as the ConfigMap mounts it: by a symbolic link.
    let mounted = TempDir::new()?;
    std::os::unix::fs::symlink(
        folder.path().join("deployment.yaml"),
        mounted.path().join("deployment.yaml"),
    )?;
    let job: serde_json::Value = serde_saphyr::from_str(&block("`tagwatch.yaml`:")?)?;
    let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array().context("args")?;
    let arguments = arguments.iter().filter_map(serde_json::Value::as_str);
    let manifests = format!("{}/", mounted.path().display());
    let output = Command::new(tagwatch_binary()?)
        .args(arguments.map(|argument| argument.replace("/manifests/", &manifests)))
        .env_clear()
        .output()?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    Ok(())
}
