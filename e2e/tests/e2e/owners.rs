//! The workload under which images are reported.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Kubelet, eventually};

use crate::{
    checks,
    objects::{
        CLEAN, LATEST, PASSES, container, controlled_by, custom_kind, deployment, job, pod, pulled,
        replica_set,
    },
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(pods_of_an_unwatched_owner),
        shared(an_owner_that_looks_like_a_deployment_takes_nothing_of_it),
        shared(pod_of_a_controller_that_does_not_exist_is_reported),
        shared(pod_that_names_a_deployment_as_its_controller_is_reported_on_its_own),
        shared(pod_that_is_deleted_with_a_grace_of_years_is_reported_on_its_own),
        shared(ring_of_controllers_hides_neither),
        shared(replica_set_of_an_unwatched_owner_lends_its_template),
        shared(mirror_pod_is_reported_on_its_own),
        shared(container_that_only_pods_have),
        shared(image_that_only_a_pod_runs_is_reported_while_the_pod_is_there),
        shared(ephemeral_container),
        shared(report_of_a_finished_job_is_deleted),
        shared(report_of_a_succeeded_pod_is_deleted),
    ]
}

/// Creates a kind of its own for this test, and one object of it.
async fn training_run(env: &TestEnv) -> Result<DynamicObject> {
    let group = format!("{}.example.com", env.namespace());
    env.create_cluster_wide(custom_kind(&group, "TrainingRun", "trainingruns")).await?;
    let run = json!({ "apiVersion": format!("{group}/v1"), "kind": "TrainingRun", "metadata": { "name": "churn" } });
    eventually(LIMIT, "the new kind is served", || async { env.create(run.clone()).await }).await
}

async fn remove_kind(env: &TestEnv) -> Result<()> {
    let name = format!("trainingruns.{}.example.com", env.namespace());
    env.api_cluster_wide("CustomResourceDefinition").delete(&name, &DeleteParams::default()).await?;
    Ok(())
}

async fn pods_of_an_unwatched_owner(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let run = training_run(env).await?;
    let worker =
        |name: &str, image: &str| controlled_by(&run, pod(name, &[pulled("trainer", image, "IfNotPresent")]));
    env.create(worker("worker-0", LATEST)).await?;
    env.create(worker("worker-1", LATEST)).await?;
    let fails = ["trainer latest-tag fail", "trainer stale-pull-policy fail"];
    let report = env.reported("TrainingRun", "churn", &fails).await?;
    checks::form(&report, &run);

    // Another image under the same container name has results of its own.
    env.create(worker("worker-2", CLEAN)).await?;
    let both = [&fails[..], &["trainer floating-tag pass", "trainer stale-pull-policy pass"]].concat();
    checks::form(&env.reported("TrainingRun", "churn", &both).await?, &run);
    assert_eq!(env.reports().await?.len(), 1, "none for the pods");
    let kind = format!("TrainingRun.{}.example.com", env.namespace());
    tagwatch.counts("tagwatch_workloads", &[("kind", &kind), ("status", "violating")], 1.0).await?;

    for name in ["worker-0", "worker-1", "worker-2"] {
        env.delete("Pod", name).await?;
    }
    env.unreported("TrainingRun", "churn").await?;
    remove_kind(env).await?;
    tagwatch.end().await
}

/// A user who may create pods can write any owner into one. A Deployment of another group has series of its own.
async fn an_owner_that_looks_like_a_deployment_takes_nothing_of_it(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let mut claims = pod("claims", &[pulled("web", LATEST, "IfNotPresent")]);
    claims["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "example.com/v1", "kind": "Deployment", "name": "web", "uid": "claimed", "controller": true,
    }]);
    env.create(claims).await?;
    // Reading the samples fails if a series occurs twice.
    for kind in ["Deployment", "Deployment.example.com"] {
        let of = [("namespace", env.namespace()), ("kind", kind)];
        tagwatch.counts("tagwatch_workloads", &of, 1.0).await?;
        for rule in ["latest-tag", "stale-pull-policy"] {
            let of = [&of[..], &[("workload", "web"), ("rule", rule)]].concat();
            tagwatch.counts("tagwatch_workload_violations", &of, 1.0).await?;
        }
    }
    tagwatch.end().await
}

/// The latest time at which a pod whose controller is missing has its report: the grace time, and the usual limit.
const ORPHAN_LIMIT: Duration = Duration::from_mins(1);

/// The garbage collector cannot look up an owner in a version that is not served, and leaves the pod alone.
async fn pod_of_a_controller_that_does_not_exist_is_reported(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let mut hidden = pod("hidden", &[pulled("web", LATEST, "IfNotPresent")]);
    hidden["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1beta2", "kind": "ReplicaSet", "name": "absent",
        "uid": "00000000-0000-0000-0000-000000000001", "controller": true,
    }]);
    let hidden = env.create(hidden).await?;
    let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
    let report = env.reported_within(ORPHAN_LIMIT, "Pod", "hidden", &fails).await?;
    checks::form(&report, &hidden);
    for result in report.results() {
        let why = "names ReplicaSet absent (apps/v1beta2) as its controller, which does not exist";
        assert_eq!(result["properties"]["unfollowedController"], why);
    }
    tagwatch.counts("tagwatch_workloads", &[("kind", "Pod"), ("status", "violating")], 1.0).await?;
    env.delete("Pod", "hidden").await?;
    env.unreported("Pod", "hidden").await?;
    tagwatch.end().await
}

/// Deployments control ReplicaSets, and each CronJob its Jobs: nothing of theirs is a pod, and no controller of Kubernetes releases
/// one that says so.
async fn pod_that_names_a_deployment_as_its_controller_is_reported_on_its_own(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let web = env.create(deployment("web", 0, &[container("web", CLEAN)])).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let miner = controlled_by(&web, pod("miner", &[pulled("web", LATEST, "IfNotPresent")]));
    let miner = env.create(miner).await?;
    let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
    let report = env.reported("Pod", "miner", &fails).await?;
    checks::form(&report, &miner);
    let why = report.results()[0]["properties"]["unfollowedController"].as_str().unwrap();
    assert!(why.ends_with("which never controls objects of this kind"), "{why}");
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.end().await
}

/// Its containers run until the grace is over, unless the kubelet ends them.
async fn pod_that_is_deleted_with_a_grace_of_years_is_reported_on_its_own(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let name = format!("node-of-{}", env.namespace());
    let node = Kubelet::new(env.client(), &name).register_node(Vec::new()).await?;
    let run = training_run(env).await?;
    let on_node = |pod_name: &str, image: &str| {
        let mut pod = pod(pod_name, &[pulled("web", image, "IfNotPresent")]);
        pod["spec"]["nodeName"] = json!(node.name_any());
        controlled_by(&run, pod)
    };
    let hidden = env.create(on_node("hidden", LATEST)).await?;
    env.create(on_node("other", CLEAN)).await?;
    let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
    env.reported("TrainingRun", "churn", &[&fails[..], &PASSES].concat()).await?;

    let years = DeleteParams::default().grace_period(200_000_000);
    env.api("Pod").delete("hidden", &years).await?;
    env.reported("TrainingRun", "churn", &PASSES).await?;
    let report = env.reported("Pod", "hidden", &fails).await?;
    checks::form(&report, &hidden);
    let why = report.results()[0]["properties"]["unfollowedController"].as_str().unwrap();
    assert!(why.ends_with("and is being deleted, but still runs"), "{why}");

    for pod in ["hidden", "other"] {
        env.api("Pod").delete(pod, &DeleteParams::default().grace_period(0)).await?;
    }
    env.unreported("Pod", "hidden").await?;
    remove_kind(env).await?;
    Api::<k8s_openapi::api::core::v1::Node>::all(env.client())
        .delete(&name, &DeleteParams::default())
        .await?;
    tagwatch.end().await
}

/// Each of two ReplicaSets names the other one.
async fn ring_of_controllers_hides_neither(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let one = env.create(replica_set("one", 0, &[container("web", CLEAN)])).await?;
    let two = env.create(controlled_by(&one, replica_set("two", 0, &[container("web", CLEAN)]))).await?;
    let back = controlled_by(&two, json!({ "metadata": {} }));
    env.patch("ReplicaSet", "one", back).await?;
    for name in ["one", "two"] {
        eventually(LIMIT, "both are reported with the reason", || async {
            let report = env.reported("ReplicaSet", name, &PASSES).await?;
            let why = report.results()[0]["properties"]["unfollowedController"].as_str().unwrap_or_default();
            ensure!(why.ends_with("which never controls objects of this kind"), "{why}");
            Ok(())
        })
        .await?;
    }
    tagwatch.end().await
}

async fn replica_set_of_an_unwatched_owner_lends_its_template(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let run = training_run(env).await?;
    env.create(controlled_by(&run, replica_set("churn-1", 0, &[container("web", CLEAN)]))).await?;
    checks::form(&env.reported("TrainingRun", "churn", &PASSES).await?, &run);
    assert_eq!(env.reports().await?.len(), 1, "none for the ReplicaSet");
    remove_kind(env).await?;
    tagwatch.end().await
}

async fn mirror_pod_is_reported_on_its_own(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let name = format!("node-of-{}", env.namespace());
    let node = Kubelet::new(env.client(), &name).register_node(Vec::new()).await?;
    let mut mirror = pod("etcd", &[pulled("web", LATEST, "IfNotPresent")]);
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "0123456789abcdef" });
    mirror["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "Node", "name": name, "uid": node.uid(), "controller": true }]);
    mirror["spec"]["nodeName"] = json!(name);
    let mirror = env.create(mirror).await?;
    let report = env.reported("Pod", "etcd", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    checks::form(&report, &mirror);
    env.api("Pod").delete("etcd", &DeleteParams::default().grace_period(0)).await?;
    Api::<k8s_openapi::api::core::v1::Node>::all(env.client())
        .delete(&name, &DeleteParams::default())
        .await?;
    tagwatch.end().await
}

/// Admission webhooks inject sidecars into pods, which then differ from their template. Here a ReplicaSet adopts
/// a pod that has one container more.
async fn container_that_only_pods_have(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let mut injected =
        pod("adopted", &[container("web", CLEAN), container("mesh", "registry.example.com/mesh:edge")]);
    injected["metadata"]["labels"] = json!({ "app": "canary" });
    env.create(injected).await?;
    let verdicts = [
        "mesh stale-pull-policy fail",
        "mesh floating-tag warn",
        "web floating-tag pass",
        "web stale-pull-policy pass",
    ];
    env.reported("Pod", "adopted", &verdicts).await?;

    let canary = env.create(replica_set("canary", 1, &[container("web", CLEAN)])).await?;
    checks::form(&env.reported("ReplicaSet", "canary", &verdicts).await?, &canary);
    env.unreported("Pod", "adopted").await?;
    tagwatch.end().await
}

/// Admission, or `kubectl set image pod/…`, gives a pod of a Deployment another image than the template names.
async fn image_that_only_a_pod_runs_is_reported_while_the_pod_is_there(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let owner = env.create(deployment("web", 1, &[pulled("web", CLEAN, "IfNotPresent")])).await?;
    let pod = env.pod_of("web").await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let patch = Patch::Strategic(json!({ "spec": { "containers": [container("web", LATEST)] } }));
    env.api("Pod").patch(&pod, &PatchParams::default(), &patch).await?;
    let of_pod = ["web latest-tag fail", "web stale-pull-policy fail"];
    let report = env.reported("Deployment", "web", &[&PASSES[..], &of_pod].concat()).await?;
    checks::form(&report, &owner);
    for rule in ["latest-tag", "stale-pull-policy"] {
        let fails = |result: &&Value| result["rule"] == rule && result["result"] == "fail";
        let found = report.results().iter().find(fails).context(rule)?;
        let message = found["message"].as_str().context("a message")?;
        ensure!(message.contains("live pods have it, and the template names another image"), "{message}");
        ensure!(found["properties"]["image"] == LATEST, "{found}");
        let evidence = found["properties"]["evidence"].as_str().context("evidence")?;
        ensure!(evidence.contains(&format!("templateImage: {CLEAN}")), "{evidence}");
    }
    env.unreported("Pod", &pod).await?;
    // Its ReplicaSet makes another one, of the template.
    env.delete("Pod", &pod).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    ensure!(env.pod_of("web").await? != pod, "the pod was not replaced");
    tagwatch.end().await
}

async fn ephemeral_container(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let owner = env.create(deployment("web", 1, &[container("web", CLEAN)])).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let pods: Api<Pod> = Api::namespaced(env.client(), env.namespace());
    let name = env.pod_of("web").await?;
    let debugger =
        json!({ "spec": { "ephemeralContainers": [container("debugger", "registry.example.com/tools")] } });
    pods.patch_ephemeral_containers(&name, &PatchParams::default(), &Patch::Strategic(debugger)).await?;
    let verdicts = [
        "debugger missing-tag fail",
        "web floating-tag pass",
        "debugger stale-pull-policy pass",
        "web stale-pull-policy pass",
    ];
    let report = env.reported("Deployment", "web", &verdicts).await?;
    checks::form(&report, &owner);
    assert_eq!(report.results()[0]["properties"]["containerType"], "ephemeral");

    // Its pod is deleted, and another comes without it.
    env.delete("Pod", &name).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.end().await
}

async fn report_of_a_finished_job_is_deleted(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(job("import", &[container("web", CLEAN)])).await?;
    env.reported("Job", "import", &PASSES).await?;
    let name = env.pod_of("import").await?;
    Kubelet::new(env.client(), "nowhere").succeed_pod(env.namespace(), &name).await?;
    env.unreported("Job", "import").await?;
    ensure!(env.api("Job").get_opt("import").await?.is_some(), "the Job itself stays");
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    tagwatch.end().await
}

async fn report_of_a_succeeded_pod_is_deleted(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(pod("once", &[container("web", CLEAN)])).await?;
    env.reported("Pod", "once", &PASSES).await?;
    Kubelet::new(env.client(), "nowhere").succeed_pod(env.namespace(), "once").await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    env.unreported("Pod", "once").await?;
    ensure!(env.api("Pod").get_opt("once").await?.is_some(), "the pod itself stays");
    tagwatch.end().await
}
