//! Changes, and what is none.

use anyhow::{Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::{JobPods, Kubelet, Scope, eventually};

use crate::{
    checks,
    objects::{CLEAN, LATEST, PASSES, container, deployment, pod, pulled, web, with_image},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(report_turns_with_the_image),
        shared(unchanged_results_keep_their_time),
        shared(superseded_replica_set_says_nothing),
        shared(other_changes_write_nothing),
    ]
}

const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

/// Timestamps have seconds: a second one is later only in the next.
async fn next_second_after(seconds: i64) -> Result<()> {
    eventually(LIMIT, "the clock's next second", || async {
        ensure!(Timestamp::now().as_second() > seconds, "it is still {seconds}");
        Ok(())
    })
    .await
}

async fn report_turns_with_the_image(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let owner = env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let first = env.reported("Deployment", "web", &FAILS).await?;
    let failing_since = first.first_seen()?[FAILS[0]];

    next_second_after(failing_since).await?;
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    let passing = env.reported("Deployment", "web", &PASSES).await?;
    checks::form(&passing, &owner);
    let passing_since = passing.first_seen()?[PASSES[0]];
    ensure!(passing_since > failing_since, "{passing_since}, not after {failing_since}");

    next_second_after(passing_since).await?;
    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    let again = env.reported("Deployment", "web", &FAILS).await?;
    ensure!(again.first_seen()?[FAILS[0]] > passing_since, "a new failure, not the old one");
    assert_eq!((again.uid(), again.name()), (first.uid(), first.name()), "one report, updated");
    let id = |report: &crate::report::Report| report.results()[0]["properties"]["resultID"].clone();
    assert_eq!(id(&again), id(&first), "the same finding");
    assert_ne!(id(&passing), id(&first), "another outcome is another result");

    let writes = env.writes().await?;
    assert_eq!(
        (writes.count(), writes.matching(|request| request.verb == "create").count()),
        (3, 1),
        "{writes}"
    );
    tagwatch.end().await
}

async fn unchanged_results_keep_their_time(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let containers = |image| [container("steady", LATEST), pulled("web", image, "IfNotPresent")];
    env.create(deployment("web", 0, &containers(CLEAN))).await?;
    let steady = ["steady latest-tag fail", "steady stale-pull-policy pass"];
    let before = env.reported("Deployment", "web", &[steady[0], PASSES[0], steady[1], PASSES[1]]).await?;
    let before = before.first_seen()?;

    next_second_after(before[steady[0]]).await?;
    let patch = json!({ "spec": { "template": { "spec": { "containers": containers(LATEST) } } } });
    env.patch("Deployment", "web", patch).await?;
    let after = env.reported("Deployment", "web", &[steady[0], FAILS[0], FAILS[1], steady[1]]).await?;
    let after = after.first_seen()?;
    for unchanged in steady {
        assert_eq!(after[unchanged], before[unchanged], "{unchanged}");
    }
    ensure!(after[FAILS[0]] > before[PASSES[0]], "the new failure began later");
    tagwatch.end().await
}

async fn superseded_replica_set_says_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 1, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    env.reported("Deployment", "web", &FAILS).await?;
    let kubelet = Kubelet::new(env.client(), "nowhere");
    let scope = Scope::Namespaces(vec![env.namespace().to_owned()]);
    let running = kubelet.watch(scope, JobPods::Run);

    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    eventually(LIMIT, "the rollout has ended", || async {
        let replicas = env.api("ReplicaSet").list(&ListParams::default()).await?;
        let mut replicas: Vec<_> =
            replicas.iter().map(|set| set.data["spec"]["replicas"].to_string()).collect();
        replicas.sort();
        ensure!(replicas == ["0", "1"], "{replicas:?}");
        Ok(())
    })
    .await?;
    env.reported("Deployment", "web", &PASSES).await?;
    assert_eq!(env.reports().await?.len(), 1, "none for either ReplicaSet");
    running.stop().await?;
    tagwatch.end().await
}

/// Annotations, labels, the status, the number of replicas, environment variables, and the pods' own statuses.
async fn other_changes_write_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 1, &[container("web", CLEAN)])).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let name = env.pod_of("web").await?;
    let version = env.report("Deployment", "web").await?.version();

    let labels = json!({ "metadata": { "labels": { "team": "a" }, "annotations": { "note": "b" } } });
    env.patch("Deployment", "web", labels).await?;
    let status = json!({ "status": { "unavailableReplicas": 1 } });
    env.api("Deployment").patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await?;
    Kubelet::new(env.client(), "nowhere").run_pod(env.namespace(), &name).await?;
    for replicas in [3, 0, 1] {
        env.patch("Deployment", "web", json!({ "spec": { "replicas": replicas } })).await?;
    }
    let mut changed = pulled("web", CLEAN, "IfNotPresent");
    changed["env"] = json!([{ "name": "MODE", "value": "fast" }]);
    let template = json!({ "spec": { "template": { "spec": { "containers": [changed] } } } });
    env.patch("Deployment", "web", template).await?;

    // Reports about a later Deployment and a later pod show that tagwatch has seen all of it.
    env.create(web("later", CLEAN)).await?;
    env.create(pod("later", &[container("web", CLEAN)])).await?;
    env.reported("Deployment", "later", &PASSES).await?;
    env.reported("Pod", "later", &PASSES).await?;
    assert_eq!(env.report("Deployment", "web").await?.version(), version);
    let writes = env.writes().await?;
    assert_eq!(writes.count(), 3, "one for each report: {writes}");
    tagwatch.end().await
}
