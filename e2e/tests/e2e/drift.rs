//! What really runs: digests that differ, and those that only seem to.

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt, api::ListParams};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{eventually, tagwatch_binary};

use crate::{
    bench::{Bench, LIMIT},
    checks,
    drift_fleet::{
        IMAGE, PROVEN, digest, hasty, known_as, kubelet, node, patch_status, pods_beside, pods_of,
    },
    objects::{PASSES, container, deployment, pod, pulled},
    report::Report,
    runner::shared,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(repushed_tag_is_found_with_digests_and_nodes),
        shared(grace_ends_without_an_event),
        shared(rolling_update_in_progress_is_no_finding),
        shared(platforms_of_one_index_are_no_finding),
        shared(digests_that_a_node_knows_as_one_are_no_finding),
        shared(config_ids_are_never_compared),
        shared(status_of_an_older_spec_is_ignored),
        shared(status_of_an_older_spec_forgets_nothing),
        shared(pull_that_fails_is_found_and_forgotten),
        shared(restart_with_the_same_image_is_said),
    ]
}

/// The report's result of a rule of drift.
fn result<'a>(report: &'a Report, rule: &str) -> Result<&'a Value> {
    report.results().iter().find(|result| result["rule"] == rule).with_context(|| format!("no {rule}"))
}

async fn repushed_tag_is_found_with_digests_and_nodes(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let (old, new) = (node(bench, "a", 'a').await?, node(bench, "b", 'b').await?);
    let owner = bench.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(bench, "web", 2).await?;
    old.run_pod(bench.namespace(), &pods[0]).await?;
    bench.reported("Deployment", "web", &PASSES).await?;
    new.run_pod(bench.namespace(), &pods[1]).await?;
    let report =
        bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    checks::form(&report, &owner);
    let mixed = result(&report, "mixed-digests")?;
    assert_eq!((&mixed["severity"], &mixed["category"]), (&json!("critical"), &json!("Image Drift")));
    assert_eq!(mixed["properties"]["confidence"], "proven");
    let message = mixed["message"].as_str().unwrap();
    assert!(message.contains("ran as 2 digests: sha256:aaaaaaaaaaaa on 1 pod since "), "{message}");
    assert!(message.contains(", sha256:bbbbbbbbbbbb on 1 pod since "), "{message}");
    assert!(!message.contains("stale") && !message.contains("newest"), "{message}");
    let evidence = mixed["properties"]["evidence"].as_str().unwrap();
    for (digit, node, pod) in [('a', "a", &pods[0]), ('b', "b", &pods[1])] {
        let node = format!("node: {}-{node}", bench.namespace());
        for part in [&digest(digit), &node, pod] {
            assert!(evidence.contains(part.as_str()), "no {part} in\n{evidence}");
        }
    }
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "proven")], 1.0).await?;
    tagwatch.counts("tagwatch_mixed_workloads", &[("namespace", bench.namespace())], 1.0).await?;
    listed(bench, &pods).await?;

    // More of the same is nothing to write.
    let mark = bench.audit_log().mark().await?;
    bench.patch("Deployment", "web", json!({ "spec": { "replicas": 3 } })).await?;
    let third = pods_beside(bench, "web", &pods, 1).await?;
    new.run_pod(bench.namespace(), &third[0]).await?;
    bench.create(deployment("other", 0, &[container("web", IMAGE)])).await?;
    bench.reported("Deployment", "other", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    let writes = bench.writes_since(mark).await?;
    let updates = writes.matching(|request| request.verb != "create");
    assert!(updates.count() <= 1, "numbers are taken once more after a minute, and no oftener: {writes}");
    tagwatch.end().await
}

/// `tagwatch issues --drift` shows both digests, the pods and the nodes.
async fn listed(bench: &Bench, pods: &[String]) -> Result<()> {
    let mut issues = tokio::process::Command::new(tagwatch_binary()?);
    issues
        .args(["issues", "--drift", "--namespace", bench.namespace()])
        .env("KUBECONFIG", bench.cluster().control_plane.kubeconfig())
        .kill_on_drop(true);
    let output = issues.output().await?;
    let printed = String::from_utf8(output.stdout)?;
    let head = format!("{}/Deployment/web: mixed-digests (critical, proven) for ", bench.namespace());
    ensure!(printed.starts_with(&head), "{printed}");
    for part in [&digest('a'), &digest('b'), &pods[0], &pods[1]] {
        ensure!(printed.contains(part.as_str()), "no {part} in\n{printed}");
    }
    ensure!(!printed.contains("floating-tag"), "{printed}");
    Ok(())
}

async fn grace_ends_without_an_event(bench: &Bench) -> Result<()> {
    let policy = crate::policies::TagPolicy::of(bench);
    policy.create(json!({ "rules": { "mixed-digests": { "grace": "8s" } } })).await?;
    let tagwatch = policy.tagwatch().await?;
    let (old, new) = (node(bench, "a", 'a').await?, node(bench, "b", 'b').await?);
    bench.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(bench, "web", 2).await?;
    old.run_pod(bench.namespace(), &pods[0]).await?;
    new.run_pod(bench.namespace(), &pods[1]).await?;
    let report =
        bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let second = bench.api("Pod").get(&pods[1]).await?;
    let started = second.data["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str();
    let started: Timestamp = started.context("it does not run")?.parse()?;
    let waited = report.first_seen()?["web mixed-digests fail"] - started.as_second();
    ensure!(waited >= 8, "found {waited} s after the second pod's start");
    // The pods agree again, and the tag has moved all the same.
    bench.patch("Deployment", "web", json!({ "spec": { "replicas": 0 } })).await?;
    bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    tagwatch.end().await
}

async fn rolling_update_in_progress_is_no_finding(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let (old, new) = (node(bench, "a", 'a').await?, node(bench, "b", 'b').await?);
    let other = node(bench, "c", 'c').await?;
    bench.create(deployment("web", 3, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let before = pods_of(bench, "web", 3).await?;
    for pod in &before {
        old.run_pod(bench.namespace(), pod).await?;
    }
    bench.reported("Deployment", "web", &PASSES).await?;

    // The same tag, pushed again: each pod that starts runs another image, on one node as on another.
    let restarted = json!({ "spec": { "template": { "metadata": { "annotations": {
        "kubectl.kubernetes.io/restartedAt": k8s_openapi::jiff::Timestamp::now().to_string(),
    } } } } });
    bench.patch("Deployment", "web", restarted).await?;
    let first = started(bench, &[]).await?;
    new.run_pod(bench.namespace(), &first).await?;
    let second = started(bench, &[&first]).await?;
    other.run_pod(bench.namespace(), &second).await?;
    let third = started(bench, &[&first, &second]).await?;
    // What comes later in the same watch has been seen, so that those pods have been, too.
    bench.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    bench.reported("Pod", "later", &PASSES).await?;
    let moved = [PROVEN[0], PROVEN[1], "web moved-tag fail"];
    bench.reported("Deployment", "web", &moved).await?;
    tagwatch.counts("tagwatch_mixed_workloads", &[], 0.0).await?;

    // The last pod of the ReplicaSet before goes, and the rollout is over.
    other.run_pod(bench.namespace(), &third).await?;
    let report =
        bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let message = result(&report, "mixed-digests")?["message"].as_str().context("a message")?;
    assert!(message.contains("ran as 2 digests") && !message.contains("sha256:aaaa"), "{message}");
    tagwatch.end().await
}

/// The next pod of the Deployment's newest ReplicaSet, beside those that run already.
async fn started(bench: &Bench, running: &[&str]) -> Result<String> {
    eventually(LIMIT, "a pod of the newest ReplicaSet", || async {
        let sets = bench.api("ReplicaSet").list(&ListParams::default()).await?.items;
        let restarted = |set: &&kube::api::DynamicObject| {
            !set.data["spec"]["template"]["metadata"]["annotations"].is_null()
        };
        let newest = sets.iter().find(restarted).context("no ReplicaSet was made")?.name_any();
        let pods = bench.api("Pod").list(&ListParams::default().labels("app=web")).await?.items;
        let mut names = pods.iter().map(ResourceExt::name_any).filter(|name| name.starts_with(&newest));
        names.find(|name| !running.contains(&name.as_str())).context("it has no other pod")
    })
    .await
}

async fn platforms_of_one_index_are_no_finding(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let amd64 = node(bench, "a", 'a').await?;
    let arm64 = kubelet(bench, "b", 'b').with_platform("linux", "arm64", "containerd://2.1.4");
    arm64.register_node(Vec::new()).await?;
    let crio = kubelet(bench, "c", 'c').with_platform("linux", "amd64", "cri-o://1.34.0");
    crio.register_node(Vec::new()).await?;
    agree(bench, &[&amd64, &arm64, &crio]).await?;
    // One more on the platform of the first is another matter.
    differs(bench, &node(bench, "d", 'd').await?).await?;
    tagwatch.end().await
}

async fn digests_that_a_node_knows_as_one_are_no_finding(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    // Every tagwatch on this control plane learns it, so these are digests of no other test.
    let (index, manifest) = (kubelet(bench, "a", '1'), kubelet(bench, "b", '2'));
    index.register_node(Vec::new()).await?;
    let names = ['1', '2'].map(|digit| format!("registry.example.com/web@{}", digest(digit)));
    manifest.register_node(known_as(&names)).await?;
    agree(bench, &[&index, &manifest]).await?;
    differs(bench, &node(bench, "c", '3').await?).await?;
    tagwatch.end().await
}

async fn config_ids_are_never_compared(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let docker = |node: &str, digit: char| {
        let id = format!("docker://{}", digest(digit));
        kubelet(bench, node, digit).with_image_ids(move |_| id.clone())
    };
    let (one, other) = (docker("a", 'a'), docker("b", 'b'));
    one.register_node(Vec::new()).await?;
    other.register_node(Vec::new()).await?;
    agree(bench, &[&one, &other]).await?;
    tagwatch.end().await
}

/// One pod of a Deployment on each node; nothing is found.
async fn agree(bench: &Bench, nodes: &[&tagwatch_e2e::Kubelet]) -> Result<()> {
    let replicas = u32::try_from(nodes.len())?;
    bench.create(deployment("web", replicas, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(bench, "web", nodes.len()).await?;
    for (node, pod) in nodes.iter().zip(&pods) {
        node.run_pod(bench.namespace(), pod).await?;
    }
    // What comes later in the same watch has been seen, so that those pods have been, too.
    bench.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    bench.reported("Pod", "later", &PASSES).await?;
    bench.reported("Deployment", "web", &PASSES).await.map(drop)
}

/// One more pod of the Deployment on this node makes a finding.
async fn differs(bench: &Bench, node: &tagwatch_e2e::Kubelet) -> Result<()> {
    let pods = bench.api("Pod").list(&ListParams::default().labels("app=web")).await?.items;
    let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
    bench.patch("Deployment", "web", json!({ "spec": { "replicas": names.len() + 1 } })).await?;
    let added = pods_beside(bench, "web", &names, 1).await?;
    node.run_pod(bench.namespace(), &added[0]).await?;
    let verdicts = [PROVEN[0], PROVEN[1], "web mixed-digests fail"];
    bench.reported("Deployment", "web", &verdicts).await.map(drop)
}

async fn status_of_an_older_spec_is_ignored(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let (old, new) = (node(bench, "a", 'a').await?, node(bench, "b", 'b').await?);
    for name in ["one", "two"] {
        bench.create(pod(name, &[pulled("web", "registry.example.com/web:1.0.0", "IfNotPresent")])).await?;
    }
    old.run_pod(bench.namespace(), "one").await?;
    let stored = bench.api("Pod").get("one").await?;
    let generation = stored.metadata.generation.context("the API server counts generations of pods")?;
    patch_status(bench, "one", json!({ "observedGeneration": generation })).await?;
    let image = json!({ "spec": { "containers": [{ "name": "web", "image": IMAGE }] } });
    let patched = |pod: &'static str| {
        let patch = kube::api::Patch::Strategic(image.clone());
        let api = bench.api("Pod");
        async move { api.patch(pod, &kube::api::PatchParams::default(), &patch).await }
    };
    let one = patched("one").await?;
    ensure!(one.metadata.generation == Some(generation + 1), "{:?}", one.metadata.generation);
    patched("two").await?;
    new.run_pod(bench.namespace(), "two").await?;
    // The status of the first still tells of what it ran before.
    bench.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    bench.reported("Pod", "later", &PASSES).await?;
    tagwatch.counts("tagwatch_moved_tags", &[], 0.0).await?;
    bench.reported("Pod", "one", &PASSES).await?;
    patch_status(bench, "one", json!({ "observedGeneration": generation + 1 })).await?;
    bench.reported("Pod", "one", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    tagwatch.end().await
}

/// A toleration, a resize or a container for debugging counts the generation up, and changes no image.
async fn status_of_an_older_spec_forgets_nothing(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let (old, new) = (node(bench, "a", 'a').await?, node(bench, "b", 'b').await?);
    bench.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(bench, "web", 2).await?;
    old.run_pod(bench.namespace(), &pods[0]).await?;
    new.run_pod(bench.namespace(), &pods[1]).await?;
    bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let generation = async || {
        let pod = bench.api("Pod").get(&pods[0]).await?;
        pod.metadata.generation.context("the API server counts generations of pods")
    };
    let observed = generation().await?;
    patch_status(bench, &pods[0], json!({ "observedGeneration": observed })).await?;
    let mark = bench.audit_log().mark().await?;
    let stored = bench.api("Pod").get(&pods[0]).await?;
    let mut tolerations = stored.data["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    tolerations.push(json!({ "key": "spot", "operator": "Exists", "effect": "NoSchedule" }));
    bench.patch("Pod", &pods[0], json!({ "spec": { "tolerations": tolerations } })).await?;
    ensure!(generation().await? == observed + 1, "the status is of an older spec");
    // It was seen: what comes later in the same watch has been.
    bench.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    bench.reported("Pod", "later", &PASSES).await?;
    patch_status(bench, &pods[0], json!({ "observedGeneration": observed + 1 })).await?;
    bench.create(pod("last", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    bench.reported("Pod", "last", &PASSES).await?;
    // Numbers are taken once more a minute after a change; a finding that ended and came back would be two.
    let updates = bench.writes_since(mark).await?.matching(|request| request.verb != "create");
    assert!(updates.count() <= 1, "{updates}");
    bench.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    tagwatch.end().await
}

async fn pull_that_fails_is_found_and_forgotten(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let kubelet = node(bench, "a", 'a').await?;
    bench.create(deployment("web", 1, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pod = bench.pod_of("web").await?;
    kubelet.fail_pull(bench.namespace(), &pod).await?;
    let report =
        bench.reported("Deployment", "web", &[PASSES[0], PASSES[1], "web image-pull-failing fail"]).await?;
    let failing = result(&report, "image-pull-failing")?;
    let message = failing["message"].as_str().unwrap();
    assert!(message.contains("ErrImagePull") && !failing["properties"]["evidence"].is_null(), "{message}");

    // The kubelet goes to and fro between two reasons.
    let mark = bench.audit_log().mark().await?;
    for reason in ["ErrImagePull", "ImagePullBackOff", "ErrImagePull"] {
        let waiting = json!([{ "name": "web", "image": IMAGE, "imageID": "", "ready": false,
            "restartCount": 0, "state": { "waiting": { "reason": reason } } }]);
        patch_status(bench, &pod, json!({ "containerStatuses": waiting })).await?;
    }
    kubelet.run_pod(bench.namespace(), &pod).await?;
    bench.reported("Deployment", "web", &PASSES).await?;
    // One for the end of the failure, and perhaps one for its numbers, which are taken once more after a minute; none for
    // each of the reasons.
    let writes = bench.writes_since(mark).await?;
    assert!((1..=2).contains(&writes.count()), "{writes}");
    tagwatch.end().await
}

async fn restart_with_the_same_image_is_said(bench: &Bench) -> Result<()> {
    let tagwatch = hasty(bench).await?;
    let kubelet = node(bench, "a", 'a').await?;
    let image = "registry.example.com/web:1.27";
    bench.create(deployment("web", 1, &[pulled("web", image, "IfNotPresent")])).await?;
    let before = pods_of(bench, "web", 1).await?;
    kubelet.run_pod(bench.namespace(), &before[0]).await?;
    let fails = ["web floating-tag warn", "web stale-pull-policy fail"];
    bench.reported("Deployment", "web", &fails).await?;
    // Times of pods have seconds.
    let began = k8s_openapi::jiff::Timestamp::now().as_second();
    eventually(LIMIT, "the clock's next second", || async {
        let now = k8s_openapi::jiff::Timestamp::now().as_second();
        ensure!(now > began + 1, "it is {now}");
        Ok(now)
    })
    .await?;
    let restarted = json!({ "spec": { "template": { "metadata": { "annotations": {
        "kubectl.kubernetes.io/restartedAt": k8s_openapi::jiff::Timestamp::now().to_string(),
    } } } } });
    bench.patch("Deployment", "web", restarted).await?;
    let after = pods_beside(bench, "web", &before, 1).await?;
    kubelet.run_pod(bench.namespace(), &after[0]).await?;
    let said = async || {
        let report = bench.report("Deployment", "web").await?;
        let message = result(&report, "stale-pull-policy")?["message"].to_string();
        ensure!(message.contains("restarted, same image"), "{message}");
        Ok(())
    };
    eventually(LIMIT, "the restart is told", said).await?;
    tagwatch.end().await
}
