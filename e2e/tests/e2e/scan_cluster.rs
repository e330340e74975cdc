//! `tagwatch scan --cluster`: without anything installed it finds what a controller reports.

use std::{collections::BTreeSet, path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Identity, eventually, tagwatch_binary};
use tokio::process::Command;

use crate::{
    drift_fleet::{IMAGE, PROVEN, hasty, node, pods_of},
    issues, kinds,
    objects::{LATEST, container, deployment, pod, pulled},
    policies::TagPolicy,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(a_cluster_is_judged_as_the_controller_judges_it),
        shared(missing_rights_are_said_and_errors_have_a_status_of_their_own),
    ]
}

/// Rules about what really runs, whose messages name times.
const DRIFT: [&str; 2] = ["mixed-digests", "moved-tag"];

struct Scanned {
    code: Option<i32>,
    report: Value,
    stderr: String,
}

async fn scan_as(kubeconfig: &Path, arguments: &[&str]) -> Result<Scanned> {
    let mut command = Command::new(tagwatch_binary()?);
    command.args(["scan", "--cluster", "-o", "json", "--show-passed"]).args(arguments);
    command.env_clear().env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await?;
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok(Scanned { code: output.status.code(), report, stderr: String::from_utf8(output.stderr)? })
}

async fn scan(env: &TestEnv, arguments: &[&str]) -> Result<Scanned> {
    scan_as(env.cluster().control_plane.kubeconfig(), arguments).await
}

/// Kind, name, container, its type, field path, image, effective pull policy, tag class, rule, result, severity,
/// resolution, and message unless it names times.
type Finding = Vec<String>;

fn finding(place: [&Value; 6], judged: [&Value; 2], said: [&Value; 5]) -> Finding {
    let text = |value: &Value| value.as_str().map_or_else(String::new, str::to_owned);
    let mut finding: Finding = place.into_iter().chain(judged).chain(said).map(text).collect();
    if said[0].as_str().is_some_and(|rule| DRIFT.contains(&rule)) {
        finding.pop();
    }
    finding
}

fn found(report: &Value) -> BTreeSet<Finding> {
    let images: Vec<&Value> = report["images"].as_array().into_iter().flatten().collect();
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .map(|found| {
            let is_of = |image: &&&Value| {
                ["kind", "name", "container", "fieldPath"].iter().all(|at| image[*at] == found[*at])
            };
            let image = images.iter().find(is_of).copied().unwrap_or(&Value::Null);
            finding(
                ["kind", "name", "container", "containerType", "fieldPath", "image"].map(|at| &found[at]),
                ["effectivePullPolicy", "tagClass"].map(|at| &image[at]),
                ["rule", "result", "severity", "resolution", "message"].map(|at| &found[at]),
            )
        })
        .collect()
}

async fn reported(env: &TestEnv) -> Result<BTreeSet<Finding>> {
    let mut findings = BTreeSet::new();
    for report in env.reports().await? {
        let scope = report.scope();
        findings.extend(report.results().iter().map(|result| {
            let properties = &result["properties"];
            let [container, kind, path, image] =
                ["container", "containerType", "fieldPath", "image"].map(|at| &properties[at]);
            let [rule, outcome, severity, message] =
                ["rule", "result", "severity", "message"].map(|at| &result[at]);
            finding(
                [&scope["kind"], &scope["name"], container, kind, path, image],
                ["effectivePullPolicy", "tagClass"].map(|at| &properties[at]),
                [rule, outcome, severity, &properties["resolution"], message],
            )
        }));
    }
    Ok(findings)
}

/// A workload of each kind, one whose tag has moved, an exempt one, and objects whose owners hide nothing.
async fn a_cluster_is_judged_as_the_controller_judges_it(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    kinds::load(env).await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    env.create(deployment("moved", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "moved", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    let mut exempt = deployment("exempt", 0, &[pulled("web", LATEST, "IfNotPresent")]);
    exempt["metadata"]["annotations"] =
        json!({ "tagwatch.dev/ignore": "latest-tag", "tagwatch.dev/ignore-reason": "a test" });
    env.create(exempt).await?;
    let mut orphan = pod("orphan", &[container("web", LATEST)]);
    orphan["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1beta2", "kind": "ReplicaSet", "name": "absent",
        "uid": "00000000-0000-0000-0000-000000000002", "controller": true,
    }]);
    env.create(orphan).await?;
    env.create(pod("alone", &[container("web", LATEST)])).await?;
    let drift = ["web mixed-digests fail", PROVEN[0], PROVEN[1]];
    env.reported("Deployment", "moved", &drift).await?;

    let arguments = ["-n", env.namespace(), "--policy-name", TagPolicy::of(env).name()].map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A controller waits for a missing owner for a while.
    let scanned = eventually(2 * LIMIT, "the reports say what the scan says", || async {
        let scanned = scan(env, &arguments).await?;
        let (ours, theirs) = (found(&scanned.report), reported(env).await?);
        let differing: Vec<_> = ours.symmetric_difference(&theirs).collect();
        ensure!(differing.is_empty(), "{differing:#?}\n{}", scanned.stderr);
        Ok(scanned)
    })
    .await?;
    assert_eq!(scanned.code, Some(1), "{}", scanned.stderr);
    let findings = scanned.report["findings"].as_array().context("findings")?;
    for (kind, name, rule, result) in [
        ("Deployment", "moved", "mixed-digests", "fail"),
        ("Deployment", "exempt", "latest-tag", "skip"),
        ("Pod", "orphan", "latest-tag", "fail"),
        ("Pod", "alone", "latest-tag", "fail"),
    ] {
        let is_it = |found: &&Value| {
            [&found["kind"], &found["name"], &found["rule"], &found["result"]] == [kind, name, rule, result]
        };
        let found = findings.iter().find(is_it).with_context(|| format!("{kind} {name}: no {rule}"))?;
        assert_eq!(found["file"], format!("{}/{kind}/{name}", env.namespace()));
    }
    ensure!(scanned.stderr.contains("the TagPolicy"), "{}", scanned.stderr);
    ensure!(scanned.report["summary"]["documents"].as_u64() > Some(15), "{:#}", scanned.report["summary"]);

    // Several outputs, and a baseline that knows all of it.
    let folder = tempfile::tempdir()?;
    let baseline = folder.path().join("known.json");
    std::fs::write(&baseline, scanned.report.to_string())?;
    let mut again = arguments.clone();
    again.extend(["--baseline", baseline.to_str().context("a path")?]);
    let again = scan(env, &again).await?;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    tagwatch.end().await
}

async fn missing_rights_are_said_and_errors_have_a_status_of_their_own(env: &TestEnv) -> Result<()> {
    let (control_plane, here) = (&env.cluster().control_plane, env.namespace());
    env.create(deployment("web", 0, &[container("web", LATEST)])).await?;
    env.create(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "reader" } }))
        .await?;
    let rules = json!([
        { "apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["list"] },
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] },
    ]);
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" }, "rules": rules,
    }))
    .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": here }],
    }))
    .await?;
    let reader = Identity::ServiceAccount { namespace: here, name: "reader" };
    let reader = control_plane.kubeconfig_as(reader, control_plane.data_dir()).await?;
    let scanned = eventually(LIMIT, "the right to list deployments", || async {
        let scanned = scan_as(&reader, &["-n", here]).await?;
        ensure!(scanned.report["summary"]["workloads"] == 1, "{}", scanned.stderr);
        Ok(scanned)
    })
    .await?;
    assert_eq!(scanned.code, Some(3), "{}", scanned.stderr);
    let notes = scanned.report["notes"].as_array().context("notes")?;
    let messages: Vec<&str> = notes.iter().filter_map(|note| note["message"].as_str()).collect();
    for part in
        ["list statefulsets", "list jobs", "list nodes", "list namespaces", "get the TagPolicy default"]
    {
        ensure!(messages.iter().any(|message| message.contains(part)), "no {part} in {messages:#?}");
    }
    ensure!(!messages.iter().any(|message| message.contains("list deployments")), "{messages:#?}");
    let all = scan_as(&reader, &["-A"]).await?;
    assert_eq!((all.code, &all.report["summary"]["workloads"]), (Some(3), &json!(0)), "{}", all.stderr);

    let unknown_kubeconfig =
        control_plane.kubeconfig_as(Identity::Token("unknown"), control_plane.data_dir()).await?;
    let unknown = scan_as(&unknown_kubeconfig, &["-n", here]).await?;
    assert_eq!((unknown.code, unknown.report), (Some(4), Value::Null));
    ensure!(unknown.stderr.starts_with("error: you must be logged in to the server: "), "{}", unknown.stderr);
    let server = issues::server_and_context(&unknown_kubeconfig)?;
    ensure!(unknown.stderr.trim_end().ends_with(&format!(" ({server})")), "{} {server}", unknown.stderr);
    assert_eq!(unknown.stderr.lines().count(), 1, "{}", unknown.stderr);
    // Without any right, everything that is missing is named: what is forbidden is no error of the connection.
    let account = Identity::ServiceAccount { namespace: here, name: "default" };
    let stranger = control_plane.kubeconfig_as(account, control_plane.data_dir()).await?;
    let refused = scan_as(&stranger, &["-n", here]).await?;
    assert_eq!(
        (refused.code, &refused.report["summary"]["workloads"]),
        (Some(3), &json!(0)),
        "{}",
        refused.stderr
    );
    let notes = refused.report["notes"].to_string();
    for part in ["list deployments", "list pods", "list statefulsets", "get the TagPolicy default"] {
        ensure!(notes.contains(part), "no {part} in {notes}");
    }
    let no_policy = scan(env, &["-n", here, "--policy-name", "absent"]).await?;
    assert_eq!(no_policy.code, Some(2), "{}", no_policy.stderr);
    let nothing = scan(env, &["-n", "absent", "--require-workloads"]).await?;
    assert_eq!(nothing.code, Some(3), "{}", nothing.stderr);
    Ok(())
}
