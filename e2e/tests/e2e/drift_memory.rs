//! What drift remembers, what it costs, and what it needs.

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Identity, eventually};

use crate::{
    cluster::USER,
    drift_fleet::{IMAGE, PROVEN, hasty, kubelet, node, patch_status, pods_of},
    objects::{PASSES, deployment, pulled, web},
    policies::TagPolicy,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(ten_thousand_status_flips_write_nothing),
        shared(proof_survives_a_restart),
        shared(a_restart_ends_nothing_of_pods_that_changed_in_place),
        shared(object_of_another_client_is_left_alone),
        shared(finding_stays_likely_without_the_right_to_nodes),
    ]
}

const FLIPS: usize = 10_000;
/// The object with the proofs.
const PROOFS: &str = "tagwatch-proven-tags";
/// A tag that moves a little later.
const SECOND: &str = "registry.example.com/second:1.27.3";
const MOVED: [&str; 3] = [PROVEN[0], PROVEN[1], "web moved-tag fail"];

/// Two pods of one Deployment that run two digests.
async fn two_digests(env: &TestEnv) -> Result<Vec<String>> {
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    env.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    Ok(pods)
}

/// Pods become ready and unready, and are restarted, where every status could matter: the tag has moved.
async fn ten_thousand_status_flips_write_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let pods = two_digests(env).await?;
    env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let evaluated = tagwatch.samples().await?.sum("tagwatch_reconciles_total", &[]);
    let mark = env.audit_log().mark().await?;
    let statuses: Vec<Value> = {
        let mut statuses = Vec::new();
        for pod in &pods {
            let stored = env.api("Pod").get(pod).await?;
            statuses.push(stored.data["status"]["containerStatuses"][0].clone());
        }
        statuses
    };
    let flips = (0..FLIPS).map(|flip| {
        let (pod, mut status) = (&pods[flip % 2], statuses[flip % 2].clone());
        let runs = flip / 2 % 2 == 0;
        status["ready"] = runs.into();
        status["restartCount"] = (flip / 4).into();
        if !runs {
            status["state"] = json!({ "running": null, "waiting": { "reason": "CrashLoopBackOff" } });
        }
        patch_status(env, pod, json!({ "containerStatuses": [status] }))
    });
    stream::iter(flips).buffer_unordered(8).try_collect::<Vec<()>>().await?;

    // It has seen them: later changes are reported.
    env.create(web("later", "registry.example.com/later:1.0.0")).await?;
    env.reported("Deployment", "later", &PASSES).await?;
    let writes = env.writes_since(mark).await?.matching(|request| request.verb != "create");
    assert_eq!(writes.count(), 0, "{writes}");
    let cost = tagwatch.samples().await?.sum("tagwatch_reconciles_total", &[]) - evaluated;
    ensure!(cost < 100.0, "{cost} evaluations for statuses that change nothing");
    tagwatch.end().await
}

/// The right to keep proofs in the test's namespace.
async fn grant_proofs(env: &TestEnv) -> Result<()> {
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "proofs" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "update"] }],
    }))
    .await?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "proofs" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "proofs" },
        "subjects": [{ "kind": "User", "name": USER }],
    });
    env.create(binding).await.map(drop)
}

async fn proof_survives_a_restart(env: &TestEnv) -> Result<()> {
    grant_proofs(env).await?;
    let arguments = ["--namespaces", env.namespace(), "--own-namespace", env.namespace()];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    two_digests(env).await?;
    env.reported("Deployment", "web", &MOVED).await?;
    let stored = async || {
        let found = env.api("ConfigMap").get(PROOFS).await?;
        let text = found.data["data"]["proven-tags.json"].as_str().context("no proofs")?.to_owned();
        ensure!(text.contains("registry.example.com/web:1.27.3"), "{text}");
        Ok(text)
    };
    let running = eventually(LIMIT, "the proof is stored", stored).await?;
    // Another one follows before the next write is due, and is stored when the process ends.
    env.create(deployment("second", 2, &[pulled("web", SECOND, "IfNotPresent")])).await?;
    let pods = pods_of(env, "second", 2).await?;
    for (node, pod) in [kubelet(env, "a", 'a'), kubelet(env, "b", 'b')].iter().zip(&pods) {
        node.run_pod(env.namespace(), pod).await?;
    }
    env.reported("Deployment", "second", &MOVED).await?;
    tagwatch.end().await?;
    let at_the_end = stored().await?;
    ensure!(at_the_end.contains(SECOND), "{at_the_end}");

    // Nothing of it runs any more.
    env.delete("Deployment", "second").await?;
    env.unreported("Deployment", "second").await?;
    env.patch("Deployment", "web", json!({ "spec": { "replicas": 0 } })).await?;
    pods_of(env, "web", 0).await?;
    env.create(web("other", IMAGE)).await?;
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.reported("Deployment", "web", &MOVED).await?;
    env.reported("Deployment", "other", &MOVED).await?;
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "proven")], 2.0).await?;
    // It says when they were seen last.
    eventually(LIMIT, "the proof is stored as it is now", async || {
        let ended = stored().await?;
        ensure!(ended != running, "{ended}");
        Ok(())
    })
    .await?;
    tagwatch.end().await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts("tagwatch_workloads", &[], 2.0).await?;
    let writes = env.writes_since(mark).await?;
    assert_eq!(writes.count(), 0, "a restart is no event: {writes}");
    tagwatch.end().await
}

/// A toleration counts the generation up as a container for debugging does, or a resize.
async fn a_restart_ends_nothing_of_pods_that_changed_in_place(env: &TestEnv) -> Result<()> {
    grant_proofs(env).await?;
    let (namespace, policy) = (env.namespace(), TagPolicy::of(env));
    policy.create(json!({ "rules": { "mixed-digests": { "grace": "0s" } } })).await?;
    let arguments = ["--namespaces", namespace, "--policy", policy.name(), "--own-namespace", namespace];
    let started = async || {
        let tagwatch = env.tagwatch_with(&arguments).await?;
        tagwatch.is_ready(LIMIT).await?;
        anyhow::Ok(tagwatch)
    };
    let tagwatch = started().await?;
    let pods = two_digests(env).await?;
    let mixed = [PROVEN[0], PROVEN[1], "web mixed-digests fail"];
    env.reported("Deployment", "web", &mixed).await?;
    for pod in &pods {
        let mut tolerations = env.api("Pod").get(pod).await?.data["spec"]["tolerations"].clone();
        let spot = json!({ "key": "spot", "operator": "Exists", "effect": "NoSchedule" });
        tolerations.as_array_mut().context("the API server adds tolerations")?.push(spot);
        env.patch("Pod", pod, json!({ "spec": { "tolerations": tolerations } })).await?;
        let changed = env.api("Pod").get(pod).await?.metadata.generation;
        ensure!(changed.is_some_and(|generation| generation > 1), "{changed:?}");
        patch_status(env, pod, json!({ "observedGeneration": changed })).await?;
    }
    eventually(LIMIT, "the proof is stored", || async {
        env.api("ConfigMap").get(PROOFS).await.map(drop).map_err(Into::into)
    })
    .await?;
    tagwatch.end().await?;

    let (mark, before) = (env.audit_log().mark().await?, env.report("Deployment", "web").await?);
    let tagwatch = started().await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    let report = env.reported("Deployment", "web", &mixed).await?;
    ensure!(report.annotation("tagwatch.dev/history").is_none(), "nothing is over");
    assert_eq!(report.version(), before.version());
    let writes = env.writes_since(mark).await?;
    assert_eq!(writes.count(), 0, "a restart is no event: {writes}");
    tagwatch.end().await
}

async fn object_of_another_client_is_left_alone(env: &TestEnv) -> Result<()> {
    grant_proofs(env).await?;
    let foreign = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": PROOFS },
        "data": { "theirs": "1", "proven-tags.json": "{\"references\":[]}" } });
    let foreign = env.create(foreign).await?;
    let arguments = ["--namespaces", env.namespace(), "--own-namespace", env.namespace()];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    two_digests(env).await?;
    env.reported("Deployment", "web", &MOVED).await?;
    let reported = async || {
        ensure!(tagwatch.logged("it is left alone")? == 1, "not logged once");
        Ok(())
    };
    eventually(LIMIT, "the other client's object is reported", reported).await?;
    // A proof would have been stored before anything that is proven later is reported.
    let other = json!({ "spec": { "replicas": 0 } });
    env.patch("Deployment", "web", other).await?;
    pods_of(env, "web", 0).await?;
    env.create(web("other", IMAGE)).await?;
    env.reported("Deployment", "other", &MOVED).await?;
    tagwatch.end().await?;
    let now = env.api("ConfigMap").get(PROOFS).await?;
    assert_eq!(now.data["data"], foreign.data["data"]);
    assert_eq!(now.metadata.resource_version, foreign.metadata.resource_version);
    Ok(())
}

async fn finding_stays_likely_without_the_right_to_nodes(env: &TestEnv) -> Result<()> {
    let read = ["get", "list", "watch"];
    env.create(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "reader" } }))
        .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
        "rules": [
            { "apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": read },
            { "apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": ["*"] },
        ],
    }))
    .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": env.namespace() }],
    }))
    .await?;
    let control_plane = &env.cluster().control_plane;
    let identity = Identity::ServiceAccount { namespace: env.namespace(), name: "reader" };
    let kubeconfig = control_plane.kubeconfig_as(identity, control_plane.data_dir()).await?;
    let tagwatch = env.tagwatch_as(&kubeconfig, &["--namespaces", env.namespace()]).await?;
    tagwatch.is_ready(LIMIT).await.context("a right that is not granted holds nothing up")?;
    two_digests(env).await?;
    // The class of the tag rests on proof alone.
    let report = env.reported("Deployment", "web", &[PASSES[0], PASSES[1], "web moved-tag fail"]).await?;
    let moved =
        report.results().iter().find(|result| result["rule"] == "moved-tag").context("no moved-tag")?;
    assert_eq!(moved["properties"]["confidence"], "likely");
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "likely")], 1.0).await?;
    tagwatch.counts("tagwatch_nodes_available", &[], 0.0).await?;
    let errors = tagwatch.samples().await?.sum("tagwatch_watch_errors_total", &[("resource", "nodes")]);
    assert_eq!(errors, 0.0, "a missing right is a state");
    tagwatch.logs_once("nodes may not be read").await?;
    tagwatch.end().await
}
