//! Custom kinds that tagwatch knows: watched while their definitions are there and the rights are given.

use std::time::Duration;

use anyhow::{Result, ensure};
use kube::api::{DeleteParams, DynamicObject};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Component, eventually, samples::config};

use crate::{
    checks,
    controller::Controller,
    objects::{
        CLEAN, LATEST, container, controlled_by, custom_kind_in, deployment, pod, pulled, replica_set,
        template,
    },
    policies::TagPolicy,
    runner::own,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        own(rollout_definition_is_installed_removed_and_installed_again),
        own(chain_of_link_kinds_and_roles),
        own(missing_right_is_a_state_and_a_grant_is_used),
        own(kind_that_a_policy_declares),
    ]
}

/// A missing right is asked for after 30 s, and then after a minute and after two more; a grant may just miss one.
pub(crate) const GRANTED: Duration = Duration::from_mins(4);
const KINDS: &str = "tagwatch_custom_kinds";
const SIDECAR: &str = "registry.example.com/mesh:edge";
/// What is found of [`LATEST`] without a written pull policy, under the name `web`.
const LATEST_FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy pass"];
const SIDECAR_VERDICTS: [&str; 2] = ["mesh floating-tag warn", "mesh stale-pull-policy fail"];

pub(crate) async fn grant(env: &TestEnv) -> Result<()> {
    let role = config("rbac/custom-kinds/cluster_role.yaml").display().to_string();
    env.cluster().control_plane.kubectl(&["apply", "-f", &role]).await.map(drop)
}

pub(crate) async fn define(
    env: &TestEnv,
    group: &str,
    kind: &str,
    plural: &str,
    versions: &[&str],
) -> Result<()> {
    env.create_cluster_wide(custom_kind_in(group, kind, plural, versions)).await.map(drop)
}

/// A definition that has just been created is served a moment later.
pub(crate) async fn create_soon(env: &TestEnv, object: Value) -> Result<DynamicObject> {
    eventually(LIMIT, "the new kind is served", || async { env.create(object.clone()).await }).await
}

fn rollout(spec: &Value) -> Value {
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": spec })
}

fn web_template(image: &str) -> Value {
    template("web", &json!({ "containers": [container("web", image)] }))
}

async fn watching(tagwatch: &Controller, kinds: f64) -> Result<()> {
    tagwatch.counts(KINDS, &[("state", "watching")], kinds).await
}

/// A Rollout with a ReplicaSet and a pod that has one container more than the template.
async fn live_rollout(env: &TestEnv) -> Result<DynamicObject> {
    let object = create_soon(env, rollout(&json!({ "template": web_template(LATEST) }))).await?;
    let mut injected =
        pod("web-1-a", &[pulled("web", LATEST, "Always"), pulled("mesh", SIDECAR, "IfNotPresent")]);
    injected["metadata"]["labels"] = json!({ "app": "web-1" });
    env.create(injected).await?;
    // The ReplicaSet's controller would make a pod of its own if it heard of the ReplicaSet first, and delete one later.
    env.reported("Pod", "web-1-a", &[&LATEST_FAILS[..], &SIDECAR_VERDICTS].concat()).await?;
    let replicas = replica_set("web-1", 1, &[pulled("web", LATEST, "Always")]);
    env.create(controlled_by(&object, replicas)).await?;
    Ok(object)
}

async fn rollout_definition_is_installed_removed_and_installed_again(env: &TestEnv) -> Result<()> {
    grant(env).await?;
    define(env, "argoproj.io", "Rollout", "rollouts", &["v1alpha1"]).await?;
    let tagwatch = env.tagwatch_with(&["--namespaces", env.namespace()]).await?;
    tagwatch.is_ready(LIMIT).await?;
    watching(&tagwatch, 1.0).await?;

    let object = live_rollout(env).await?;
    let all = [&LATEST_FAILS[..], &SIDECAR_VERDICTS].concat();
    let report = env.reported("Rollout", "web", &all).await?;
    checks::form(&report, &object);
    let of_template = report.results().iter().find(|result| result["properties"]["container"] == "web");
    let properties = of_template.map(|result| &result["properties"]);
    assert_eq!(properties.map(|found| &found["imagePullPolicy"]), Some(&json!("unset")));
    assert_eq!(properties.map(|found| &found["effectivePullPolicy"]), Some(&json!("Always")));
    assert_eq!(
        properties.map(|found| &found["fieldPath"]),
        Some(&json!("spec.template.spec.containers[0].image"))
    );
    // The pod was one of its own until the ReplicaSet took it.
    env.unreported("Pod", "web-1-a").await?;
    assert_eq!(env.reports().await?.len(), 1, "none for the ReplicaSet and the pod");

    // A change of the template needs no pod to be seen.
    let types = object.types.clone().unwrap_or_default();
    let patch = json!({ "spec": { "template": web_template(CLEAN) } });
    env.patch_custom(&types, "web", patch).await?;
    let clean = ["web floating-tag pass", "web stale-pull-policy pass"];
    // No controller replaces the pod here. Its ReplicaSet is the only one, so the image that it goes on with is judged
    // beside the template's.
    env.reported("Rollout", "web", &[&clean[..], &LATEST_FAILS, &SIDECAR_VERDICTS].concat()).await?;
    let before = env.report("Rollout", "web").await?;
    // The controller of Rollouts makes the next ReplicaSet, without a pod at first. It numbers them, so the pod is of an
    // earlier revision from now on, and says nothing of the template.
    let mut next = replica_set("web-2", 0, &[pulled("web", CLEAN, "IfNotPresent")]);
    next["metadata"]["annotations"] = json!({ "rollout.argoproj.io/revision": "2" });
    env.create(controlled_by(&object, next)).await?;
    env.reported("Rollout", "web", &clean).await?;
    env.delete("ReplicaSet", "web-2").await?;
    env.reported("Rollout", "web", &[&clean[..], &LATEST_FAILS, &SIDECAR_VERDICTS].concat()).await?;

    // Its definition is deleted, and the Rollout with it. Garbage collection may notice or not, depending on when it last
    // asked for the served kinds. Without it the ReplicaSet stays, and is reported under an owner that is not read.
    env.cluster().control_plane.stop(Component::ControllerManager).await?;
    let definitions = env.api_cluster_wide("CustomResourceDefinition");
    definitions.delete("rollouts.argoproj.io", &DeleteParams::default()).await?;
    watching(&tagwatch, 0.0).await?;
    env.reported("Rollout", "web", &all).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.delete("ReplicaSet", "web-1").await?;
    env.delete("Pod", "web-1-a").await?;
    env.unreported("Rollout", "web").await?;

    // It comes back while tagwatch runs.
    define(env, "argoproj.io", "Rollout", "rollouts", &["v1alpha1"]).await?;
    let again = create_soon(env, rollout(&json!({ "template": web_template(CLEAN) }))).await?;
    let report = env.reported("Rollout", "web", &clean).await?;
    checks::form(&report, &again);
    ensure!(report.scope_uid() != before.scope_uid(), "another object");
    watching(&tagwatch, 1.0).await?;
    tagwatch.is_alive().await?;
    tagwatch.end().await
}

/// Both are defined while tagwatch runs; the Kubeflow group has another kind already.
async fn chain_of_link_kinds_and_roles(env: &TestEnv) -> Result<()> {
    grant(env).await?;
    define(env, "kubeflow.org", "TFJob", "tfjobs", &["v1"]).await?;
    let tagwatch = env.tagwatch().await?;
    watching(&tagwatch, 1.0).await?;

    let group = "serving.knative.dev";
    for (kind, plural) in
        [("Service", "services"), ("Configuration", "configurations"), ("Revision", "revisions")]
    {
        define(env, group, kind, plural, &["v1"]).await?;
    }
    let of_knative = |kind: &str, name: &str| {
        json!({
            "apiVersion": "serving.knative.dev/v1", "kind": kind, "metadata": { "name": name },
            "spec": { "template": web_template(LATEST) },
        })
    };
    let service = create_soon(env, of_knative("Service", "web")).await?;
    let configuration = create_soon(env, controlled_by(&service, of_knative("Configuration", "web"))).await?;
    let revision = create_soon(env, controlled_by(&configuration, of_knative("Revision", "web-1"))).await?;
    let containers = [pulled("web", LATEST, "Always"), pulled("mesh", SIDECAR, "IfNotPresent")];
    env.create(controlled_by(&revision, deployment("web-1", 1, &containers))).await?;
    env.pod_of("web-1").await?;
    let all = [&LATEST_FAILS[..], &SIDECAR_VERDICTS].concat();
    let report = env.reported("Service", "web", &all).await?;
    checks::form(&report, &service);
    for (kind, name) in [("Deployment", "web-1"), ("Configuration", "web"), ("Revision", "web-1")] {
        env.unreported(kind, name).await?;
    }

    define(env, "kubeflow.org", "PyTorchJob", "pytorchjobs", &["v1"]).await?;
    let role = |image: &str| json!({ "replicas": 1, "template": template("churn", &json!({ "containers": [container("pytorch", image)] })) });
    let training = json!({
        "apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": { "name": "churn" },
        "spec": { "pytorchReplicaSpecs": { "Master": role(CLEAN), "Worker": role(LATEST) } },
    });
    let training = create_soon(env, training).await?;
    env.create(controlled_by(&training, pod("churn-master-0", &[pulled("pytorch", CLEAN, "IfNotPresent")])))
        .await?;
    let roles = [
        "pytorch latest-tag fail",
        "pytorch floating-tag pass",
        "pytorch stale-pull-policy pass",
        "pytorch stale-pull-policy pass",
    ];
    let report = env.reported("PyTorchJob", "churn", &roles).await?;
    checks::form(&report, &training);
    let worker = "spec.pytorchReplicaSpecs.Worker.template.spec.containers[0].image";
    assert_eq!(report.results()[0]["properties"]["fieldPath"], worker);
    let kind = [("kind", "PyTorchJob.kubeflow.org"), ("status", "violating")];
    tagwatch.counts("tagwatch_workloads", &kind, 1.0).await?;
    watching(&tagwatch, 5.0).await?;

    // Without the links, what was reported under the Service is reported under the nearest owner that is known.
    let definitions = env.api_cluster_wide("CustomResourceDefinition");
    definitions.delete("revisions.serving.knative.dev", &DeleteParams::default()).await?;
    watching(&tagwatch, 4.0).await?;
    env.reported("Service", "web", &LATEST_FAILS).await?;
    assert_eq!(tagwatch.samples().await?.sum("tagwatch_reconcile_panics_total", &[]), 0.0);
    tagwatch.end().await
}

async fn missing_right_is_a_state_and_a_grant_is_used(env: &TestEnv) -> Result<()> {
    define(env, "argoproj.io", "Rollout", "rollouts", &["v1alpha1"]).await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    // Neither the definition nor the missing right holds anything up.
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts(KINDS, &[("state", "forbidden")], 1.0).await?;
    watching(&tagwatch, 0.0).await?;
    let object = live_rollout(env).await?;
    // As long as it is not read, its ReplicaSet lends its template, whose pull policy is filled in.
    let all = [&LATEST_FAILS[..], &SIDECAR_VERDICTS].concat();
    let report = env.reported("Rollout", "web", &all).await?;
    assert_eq!(report.results()[0]["properties"]["imagePullPolicy"], "IfNotPresent", "of the sidecar");
    let before = report.uid();
    tagwatch.logs_once("no right to list and watch a custom kind").await?;
    let refused = [("reason", "forbidden")];
    assert_eq!(tagwatch.samples().await?.sum("tagwatch_watch_errors_total", &refused), 0.0, "no error");

    grant(env).await?;
    eventually(GRANTED, "the Rollout is read", || async {
        let report = env.report("Rollout", "web").await?;
        let of_template = report.results().iter().find(|result| result["properties"]["container"] == "web");
        let written = of_template.map(|result| &result["properties"]["imagePullPolicy"]);
        ensure!(written == Some(&json!("unset")), "its pull policy is {written:?}");
        ensure!(report.says(&all) && report.uid() == before, "the same report: {:?}", report.verdicts());
        checks::form(&report, &object);
        Ok(())
    })
    .await?;
    tagwatch.counts(KINDS, &[("state", "forbidden")], 0.0).await?;
    watching(&tagwatch, 1.0).await?;
    tagwatch.end().await
}

/// A user's own kind: the policy has its path, and a role with our label its rights.
async fn kind_that_a_policy_declares(env: &TestEnv) -> Result<()> {
    let group = "ml.example.com";
    define(env, group, "Training", "trainings", &["v1"]).await?;
    env.create_cluster_wide(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "trainings", "labels": { "tagwatch.dev/aggregate-to-controller": "true" } },
        "rules": [{ "apiGroups": [group], "resources": ["trainings"], "verbs": ["list", "watch"] }],
    }))
    .await?;
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = policy.tagwatch().await?;
    let training = json!({
        "apiVersion": "ml.example.com/v1", "kind": "Training", "metadata": { "name": "churn" },
        "spec": { "workers": [{ "template": web_template(LATEST) }] },
    });
    let object = create_soon(env, training).await?;
    let path = "spec.workers[*].template";
    let declared = json!({ "group": group, "version": "v1", "kind": "Training", "templatePath": path });
    policy.replace(json!({ "workloads": [declared] })).await?;
    let report = env.reported("Training", "churn", &LATEST_FAILS).await?;
    checks::form(&report, &object);
    let place = &report.results()[0]["properties"]["fieldPath"];
    assert_eq!(place, "spec.workers[0].template.spec.containers[0].image");

    policy.replace(json!({})).await?;
    env.unreported("Training", "churn").await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    tagwatch.end().await
}
