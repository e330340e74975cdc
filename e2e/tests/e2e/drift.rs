//! What really runs: digests that differ, and those that only seem to.

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt, api::ListParams};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{eventually, tagwatch_binary};

use crate::{
    checks,
    drift_fleet::{
        IMAGE, PROVEN, digest, hasty, known_apart, known_as, kubelet, node, patch_status, pods_beside,
        pods_of,
    },
    objects::{PASSES, container, deployment, pod, pulled},
    report::Report,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(repushed_tag_is_found_with_digests_and_nodes),
        shared(grace_ends_without_an_event),
        shared(rolling_update_in_progress_is_no_finding),
        shared(platforms_of_one_index_are_no_finding),
        shared(digests_that_a_node_knows_as_one_are_no_finding),
        shared(two_digests_are_likely_two_images_until_a_node_has_both),
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

async fn repushed_tag_is_found_with_digests_and_nodes(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    let owner = env.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    let report = env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
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
        let node = format!("node: {}-{node}", env.namespace());
        for part in [&digest(digit), &node, pod] {
            assert!(evidence.contains(part.as_str()), "no {part} in\n{evidence}");
        }
    }
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "proven")], 1.0).await?;
    tagwatch.counts("tagwatch_mixed_workloads", &[("namespace", env.namespace())], 1.0).await?;
    listed(env, &pods).await?;

    // More of the same is nothing to write.
    let mark = env.audit_log().mark().await?;
    env.patch("Deployment", "web", json!({ "spec": { "replicas": 3 } })).await?;
    let third = pods_beside(env, "web", &pods, 1).await?;
    new.run_pod(env.namespace(), &third[0]).await?;
    env.create(deployment("other", 0, &[container("web", IMAGE)])).await?;
    env.reported("Deployment", "other", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    let writes = env.writes_since(mark).await?;
    let updates = writes.matching(|request| request.verb != "create");
    assert!(updates.count() <= 1, "numbers are taken once more after a minute, and no oftener: {writes}");
    tagwatch.end().await
}

/// `tagwatch issues --drift` shows both digests, the pods and the nodes.
async fn listed(env: &TestEnv, pods: &[String]) -> Result<()> {
    let mut issues = tokio::process::Command::new(tagwatch_binary()?);
    issues
        .args(["issues", "--drift", "--namespace", env.namespace()])
        .env("KUBECONFIG", env.cluster().control_plane.kubeconfig())
        .kill_on_drop(true);
    let output = issues.output().await?;
    let printed = String::from_utf8(output.stdout)?;
    let head = format!("{}/Deployment/web: mixed-digests (critical, proven) for ", env.namespace());
    ensure!(printed.starts_with(&head), "{printed}");
    for part in [&digest('a'), &digest('b'), &pods[0], &pods[1]] {
        ensure!(printed.contains(part.as_str()), "no {part} in\n{printed}");
    }
    ensure!(!printed.contains("floating-tag"), "{printed}");
    Ok(())
}

async fn grace_ends_without_an_event(env: &TestEnv) -> Result<()> {
    let policy = crate::policies::TagPolicy::of(env);
    policy.create(json!({ "rules": { "mixed-digests": { "grace": "8s" } } })).await?;
    let tagwatch = policy.tagwatch().await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    env.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    let report = env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let second = env.api("Pod").get(&pods[1]).await?;
    let started = second.data["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str();
    let started: Timestamp = started.context("it does not run")?.parse()?;
    let waited = report.first_seen()?["web mixed-digests fail"] - started.as_second();
    ensure!(waited >= 8, "found {waited} s after the second pod's start");
    // The pods agree again, and the tag has moved all the same.
    env.patch("Deployment", "web", json!({ "spec": { "replicas": 0 } })).await?;
    env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    tagwatch.end().await
}

async fn rolling_update_in_progress_is_no_finding(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    let other = node(env, "c", 'c').await?;
    env.create(deployment("web", 3, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let before = pods_of(env, "web", 3).await?;
    for pod in &before {
        old.run_pod(env.namespace(), pod).await?;
    }
    env.reported("Deployment", "web", &PASSES).await?;

    // The same tag, pushed again: each pod that starts runs another image, on one node as on another.
    let restarted = json!({ "spec": { "template": { "metadata": { "annotations": {
        "kubectl.kubernetes.io/restartedAt": k8s_openapi::jiff::Timestamp::now().to_string(),
    } } } } });
    env.patch("Deployment", "web", restarted).await?;
    let first = started(env, &[]).await?;
    new.run_pod(env.namespace(), &first).await?;
    let second = started(env, &[&first]).await?;
    other.run_pod(env.namespace(), &second).await?;
    let third = started(env, &[&first, &second]).await?;
    // What comes later in the same watch has been seen, so that those pods have been, too.
    env.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "later", &PASSES).await?;
    let moved = [PROVEN[0], PROVEN[1], "web moved-tag fail"];
    env.reported("Deployment", "web", &moved).await?;
    tagwatch.counts("tagwatch_mixed_workloads", &[], 0.0).await?;

    // The last pod of the previous ReplicaSet is deleted, and the rollout is over.
    other.run_pod(env.namespace(), &third).await?;
    let report = env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let message = result(&report, "mixed-digests")?["message"].as_str().context("a message")?;
    assert!(message.contains("ran as 2 digests") && !message.contains("sha256:aaaa"), "{message}");
    tagwatch.end().await
}

/// The next pod of the Deployment's newest ReplicaSet, beside those that run already.
async fn started(env: &TestEnv, running: &[&str]) -> Result<String> {
    eventually(LIMIT, "a pod of the newest ReplicaSet", || async {
        let sets = env.api("ReplicaSet").list(&ListParams::default()).await?.items;
        let restarted = |set: &&kube::api::DynamicObject| {
            !set.data["spec"]["template"]["metadata"]["annotations"].is_null()
        };
        let newest = sets.iter().find(restarted).context("no ReplicaSet was made")?.name_any();
        let pods = env.api("Pod").list(&ListParams::default().labels("app=web")).await?.items;
        let mut names = pods.iter().map(ResourceExt::name_any).filter(|name| name.starts_with(&newest));
        names.find(|name| !running.contains(&name.as_str())).context("it has no other pod")
    })
    .await
}

async fn platforms_of_one_index_are_no_finding(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let amd64 = node(env, "a", 'a').await?;
    let arm64 = kubelet(env, "b", 'b').with_platform("linux", "arm64", "containerd://2.1.4");
    arm64.register_node(Vec::new()).await?;
    let crio = kubelet(env, "c", 'c').with_platform("linux", "amd64", "cri-o://1.34.0");
    crio.register_node(Vec::new()).await?;
    agree(env, &[&amd64, &arm64, &crio]).await?;
    // One more on the platform of the first is another matter.
    differs(env, &node(env, "d", 'd').await?).await?;
    tagwatch.end().await
}

async fn digests_that_a_node_knows_as_one_are_no_finding(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    // Every tagwatch on this control plane learns it, so these are digests of no other test.
    let (index, manifest) = (kubelet(env, "a", '1'), kubelet(env, "b", '2'));
    index.register_node(Vec::new()).await?;
    let names = ['1', '2'].map(|digit| format!("registry.example.com/web@{}", digest(digit)));
    manifest.register_node(known_as(&names)).await?;
    agree(env, &[&index, &manifest]).await?;
    let other = kubelet(env, "c", '3');
    other.register_node(known_apart("registry.example.com/web", ['1', '3'].map(digest))).await?;
    differs(env, &other).await?;
    tagwatch.end().await
}

/// A tag that was pushed again with fresh attestations has another index and the same manifest for each platform, so two
/// digests on two nodes are no proof. A pull on one of the nodes shows whether its runtime has one image then, or two.
async fn two_digests_are_likely_two_images_until_a_node_has_both(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    // Every tagwatch on this control plane learns it, so these are digests of no other test.
    let (old, new) = (kubelet(env, "a", '4'), kubelet(env, "b", '5'));
    for (node, digit) in [(&old, '4'), (&new, '5')] {
        node.register_node(known_apart("registry.example.com/web", [digest(digit)])).await?;
    }
    env.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    let likely = [PASSES[0], PASSES[1], "web mixed-digests fail"];
    let report = env.reported("Deployment", "web", &likely).await?;
    let mixed = result(&report, "mixed-digests")?;
    assert_eq!(mixed["properties"]["confidence"], "likely");
    let message = mixed["message"].as_str().context("a message")?;
    assert!(message.contains("no known node lists them as different images"), "{message}");
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "likely")], 1.0).await?;

    old.register_node(known_apart("registry.example.com/web", ['4', '5'].map(digest))).await?;
    let report = env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    assert_eq!(result(&report, "mixed-digests")?["properties"]["confidence"], "proven");
    tagwatch.counts("tagwatch_moved_tags", &[("confidence", "proven")], 1.0).await?;
    tagwatch.end().await
}

async fn config_ids_are_never_compared(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let docker = |node: &str, digit: char| {
        let id = format!("docker://{}", digest(digit));
        kubelet(env, node, digit).with_image_ids(move |_| id.clone())
    };
    let (one, other) = (docker("a", 'a'), docker("b", 'b'));
    one.register_node(Vec::new()).await?;
    other.register_node(Vec::new()).await?;
    agree(env, &[&one, &other]).await?;
    tagwatch.end().await
}

/// One pod of a Deployment on each node; nothing is found.
async fn agree(env: &TestEnv, nodes: &[&tagwatch_e2e::Kubelet]) -> Result<()> {
    let replicas = u32::try_from(nodes.len())?;
    env.create(deployment("web", replicas, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", nodes.len()).await?;
    for (node, pod) in nodes.iter().zip(&pods) {
        node.run_pod(env.namespace(), pod).await?;
    }
    // What comes later in the same watch has been seen, so that those pods have been, too.
    env.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "later", &PASSES).await?;
    env.reported("Deployment", "web", &PASSES).await.map(drop)
}

/// One more pod of the Deployment on this node makes a finding.
async fn differs(env: &TestEnv, node: &tagwatch_e2e::Kubelet) -> Result<()> {
    let pods = env.api("Pod").list(&ListParams::default().labels("app=web")).await?.items;
    let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
    env.patch("Deployment", "web", json!({ "spec": { "replicas": names.len() + 1 } })).await?;
    let added = pods_beside(env, "web", &names, 1).await?;
    node.run_pod(env.namespace(), &added[0]).await?;
    let verdicts = [PROVEN[0], PROVEN[1], "web mixed-digests fail"];
    env.reported("Deployment", "web", &verdicts).await.map(drop)
}

async fn status_of_an_older_spec_is_ignored(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    for name in ["one", "two"] {
        env.create(pod(name, &[pulled("web", "registry.example.com/web:1.0.0", "IfNotPresent")])).await?;
    }
    old.run_pod(env.namespace(), "one").await?;
    let stored = env.api("Pod").get("one").await?;
    let generation = stored.metadata.generation.context("the API server counts generations of pods")?;
    patch_status(env, "one", json!({ "observedGeneration": generation })).await?;
    let image = json!({ "spec": { "containers": [{ "name": "web", "image": IMAGE }] } });
    let patched = |pod: &'static str| {
        let patch = kube::api::Patch::Strategic(image.clone());
        let api = env.api("Pod");
        async move { api.patch(pod, &kube::api::PatchParams::default(), &patch).await }
    };
    let one = patched("one").await?;
    ensure!(one.metadata.generation == Some(generation + 1), "{:?}", one.metadata.generation);
    patched("two").await?;
    new.run_pod(env.namespace(), "two").await?;
    // The status of the first still shows what it ran before.
    env.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "later", &PASSES).await?;
    tagwatch.counts("tagwatch_moved_tags", &[], 0.0).await?;
    env.reported("Pod", "one", &PASSES).await?;
    // The kubelet has seen the new image, and has not restarted the container yet (KEP-5067).
    patch_status(env, "one", json!({ "observedGeneration": generation + 1 })).await?;
    env.create(pod("last", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "last", &PASSES).await?;
    tagwatch.counts("tagwatch_moved_tags", &[], 0.0).await?;
    let mut started = stored.data["status"]["containerStatuses"].clone();
    started[0]["containerID"] = json!("containerd://another-start");
    started[0]["imageID"] = json!(format!("registry.example.com/web@{}", digest('c')));
    patch_status(env, "one", json!({ "containerStatuses": started })).await?;
    env.reported("Pod", "one", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    tagwatch.end().await
}

/// A toleration, a resize or a container for debugging counts the generation up, and changes no image.
async fn status_of_an_older_spec_forgets_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let (old, new) = (node(env, "a", 'a').await?, node(env, "b", 'b').await?);
    env.create(deployment("web", 2, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pods = pods_of(env, "web", 2).await?;
    old.run_pod(env.namespace(), &pods[0]).await?;
    new.run_pod(env.namespace(), &pods[1]).await?;
    env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    let generation = async || {
        let pod = env.api("Pod").get(&pods[0]).await?;
        pod.metadata.generation.context("the API server counts generations of pods")
    };
    let observed = generation().await?;
    patch_status(env, &pods[0], json!({ "observedGeneration": observed })).await?;
    let mark = env.audit_log().mark().await?;
    let stored = env.api("Pod").get(&pods[0]).await?;
    let mut tolerations = stored.data["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    tolerations.push(json!({ "key": "spot", "operator": "Exists", "effect": "NoSchedule" }));
    env.patch("Pod", &pods[0], json!({ "spec": { "tolerations": tolerations } })).await?;
    ensure!(generation().await? == observed + 1, "the status is of an older spec");
    // It was seen: what comes later in the same watch has been.
    env.create(pod("later", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "later", &PASSES).await?;
    patch_status(env, &pods[0], json!({ "observedGeneration": observed + 1 })).await?;
    env.create(pod("last", &[container("web", "registry.example.com/later:1.0.0")])).await?;
    env.reported("Pod", "last", &PASSES).await?;
    // Numbers are taken once more a minute after a change; a finding that ended and came back would be two.
    let updates = env.writes_since(mark).await?.matching(|request| request.verb != "create");
    assert!(updates.count() <= 1, "{updates}");
    env.reported("Deployment", "web", &[PROVEN[0], PROVEN[1], "web mixed-digests fail"]).await?;
    tagwatch.end().await
}

async fn pull_that_fails_is_found_and_forgotten(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let kubelet = node(env, "a", 'a').await?;
    env.create(deployment("web", 1, &[pulled("web", IMAGE, "IfNotPresent")])).await?;
    let pod = env.pod_of("web").await?;
    kubelet.fail_pull(env.namespace(), &pod).await?;
    let report =
        env.reported("Deployment", "web", &[PASSES[0], PASSES[1], "web image-pull-failing fail"]).await?;
    let failing = result(&report, "image-pull-failing")?;
    let message = failing["message"].as_str().unwrap();
    assert!(message.contains("ErrImagePull") && !failing["properties"]["evidence"].is_null(), "{message}");

    // The kubelet alternates between two reasons.
    let mark = env.audit_log().mark().await?;
    for reason in ["ErrImagePull", "ImagePullBackOff", "ErrImagePull"] {
        let waiting = json!([{ "name": "web", "image": IMAGE, "imageID": "", "ready": false,
            "restartCount": 0, "state": { "waiting": { "reason": reason } } }]);
        patch_status(env, &pod, json!({ "containerStatuses": waiting })).await?;
    }
    kubelet.run_pod(env.namespace(), &pod).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    // One for the end of the failure, and perhaps one for its numbers, which are taken once more after a minute; none for
    // each of the reasons.
    let writes = env.writes_since(mark).await?;
    assert!((1..=2).contains(&writes.count()), "{writes}");
    tagwatch.end().await
}

async fn restart_with_the_same_image_is_said(env: &TestEnv) -> Result<()> {
    let tagwatch = hasty(env).await?;
    let kubelet = node(env, "a", 'a').await?;
    let image = "registry.example.com/web:main";
    env.create(deployment("web", 1, &[pulled("web", image, "IfNotPresent")])).await?;
    let before = pods_of(env, "web", 1).await?;
    kubelet.run_pod(env.namespace(), &before[0]).await?;
    let fails = ["web floating-tag warn", "web stale-pull-policy fail"];
    env.reported("Deployment", "web", &fails).await?;
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
    env.patch("Deployment", "web", restarted).await?;
    let after = pods_beside(env, "web", &before, 1).await?;
    kubelet.run_pod(env.namespace(), &after[0]).await?;
    let said = async || {
        let report = env.report("Deployment", "web").await?;
        let message = result(&report, "stale-pull-policy")?["message"].to_string();
        ensure!(message.contains("restarted, same image"), "{message}");
        Ok(())
    };
    eventually(LIMIT, "the restart is reported", said).await?;
    tagwatch.end().await
}
