//! What is judged under a key, from objects as the API server sends them.

mod hostile;
mod stalled;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tagwatch_core::kinds::KindName;
use tagwatch_core::pull_policy::PullPolicy;

use super::*;
use crate::index::Candidates;
use crate::testing::{
    Cluster, ROLLOUT, WEB, containers, metadata, pod, rollout, rollout_object, unset, workload,
};

/// `name image` of each container, or why there is nothing.
fn judged(cluster: &mut Cluster, key: &WorkloadKey) -> Result<Vec<String>, Absence> {
    containers_of(cluster, key).map(|containers| {
        let line = |container: &Container| format!("{} {}", container.name.raw(), container.image.raw());
        containers.iter().map(line).collect()
    })
}

fn containers_of(cluster: &mut Cluster, key: &WorkloadKey) -> Result<Vec<Container>, Absence> {
    cluster.assemble(key).map(|assembled| assembled.workload.containers)
}

fn revision(mut replica_set: Value, revision: u32) -> Value {
    replica_set["metadata"]["annotations"] =
        json!({ "deployment.kubernetes.io/revision": revision.to_string() });
    replica_set
}

#[test]
fn a_template_is_judged_even_when_scaled_to_zero() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", workload("web", None, 0, &[("web", "nginx:1.27")]));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["web nginx:1.27".to_owned()]));
}

#[test]
fn pods_add_only_what_the_template_lacks() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.apply("ReplicaSet", workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    let injected = [("web", "mirror.corp/nginx:1.27"), ("proxy", "envoy:1.31")];
    cluster.pod(pod("web-1-a", Some(set), "Running", &injected));
    cluster.pod(pod("web-1-b", Some(set), "Running", &injected));
    assert_eq!(
        judged(&mut cluster, &key),
        Ok(vec!["web nginx:1.27".to_owned(), "proxy envoy:1.31".to_owned()])
    );
    let observed = containers_of(&mut cluster, &key).unwrap()[0].observed.unwrap();
    assert_eq!((observed.pods, observed.always, observed.by_digest), (2, 0, 0));
}

#[test]
fn pods_of_a_superseded_replica_set_say_nothing_of_the_template() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.28")]));
    let old = workload("web-1", Some(WEB), 0, &[("web", "nginx:1.27"), ("logs", "fluentd:v1")]);
    cluster.apply("ReplicaSet", revision(old, 1));
    cluster.apply("ReplicaSet", revision(workload("web-2", Some(WEB), 1, &[("web", "nginx:1.28")]), 2));
    let old_set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(old_set), "Running", &[("web", "nginx:1.27"), ("logs", "fluentd:v1")]));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["web nginx:1.28".to_owned()]));
    assert_eq!(containers_of(&mut cluster, &key).unwrap()[0].observed, None);
}

#[test]
fn a_replica_set_of_a_deployment_is_not_reported() {
    let mut cluster = Cluster::default();
    cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    let set = cluster.apply("ReplicaSet", workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    assert_eq!(judged(&mut cluster, &set), Err(Absence::NotReported));
}

#[test]
fn a_replica_set_of_its_own_is() {
    let mut cluster = Cluster::default();
    let set = cluster.apply("ReplicaSet", workload("web", None, 1, &[("web", "nginx:1.27")]));
    assert_eq!(judged(&mut cluster, &set), Ok(vec!["web nginx:1.27".to_owned()]));
}

#[test]
fn an_owner_of_an_unknown_kind_borrows_the_template_of_its_live_replica_set() {
    let mut cluster = Cluster::default();
    cluster.apply("ReplicaSet", revision(workload("web-1", Some(ROLLOUT), 0, &[("web", "nginx:1.27")]), 1));
    cluster.apply("ReplicaSet", revision(workload("web-2", Some(ROLLOUT), 2, &[("web", "nginx:1.28")]), 2));
    assert_eq!(judged(&mut cluster, &rollout()), Ok(vec!["web nginx:1.28".to_owned()]));
    assert_eq!(cluster.candidates().into_iter().collect::<Vec<_>>(), [rollout()]);
}

#[test]
fn scaled_to_zero_it_borrows_that_of_the_newest() {
    let mut cluster = Cluster::default();
    cluster.apply("ReplicaSet", revision(workload("web-2", Some(ROLLOUT), 0, &[("web", "nginx:1.28")]), 2));
    cluster.apply("ReplicaSet", revision(workload("web-1", Some(ROLLOUT), 0, &[("web", "nginx:1.27")]), 1));
    assert_eq!(judged(&mut cluster, &rollout()), Ok(vec!["web nginx:1.28".to_owned()]));
}

#[test]
fn pods_of_an_unknown_owner_are_its_union_with_each_image_once() {
    let mut cluster = Cluster::default();
    cluster.pod(pod("web-b", Some(ROLLOUT), "Running", &[("web", "nginx:1.28")]));
    cluster.pod(pod("web-a", Some(ROLLOUT), "Pending", &[("web", "nginx:1.27")]));
    cluster.pod(pod("web-c", Some(ROLLOUT), "Running", &[("web", "nginx:1.27")]));
    cluster.pod(pod("web-d", Some(ROLLOUT), "Succeeded", &[("web", "nginx:1.26")]));
    assert_eq!(
        judged(&mut cluster, &rollout()),
        Ok(vec!["web nginx:1.27".to_owned(), "web nginx:1.28".to_owned()])
    );
}

#[test]
fn a_bare_pod_counts_until_it_has_ended() {
    let mut cluster = Cluster::default();
    let key = cluster.pod(pod("debug", None, "Running", &[("sh", "busybox")]));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["sh busybox".to_owned()]));
    cluster.pod(pod("debug", None, "Failed", &[("sh", "busybox")]));
    assert_eq!(judged(&mut cluster, &key), Err(Absence::Gone));
}

#[test]
fn a_mirror_pod_is_a_workload_of_its_own() {
    let mut cluster = Cluster::default();
    let mut mirror = pod("etcd-n1", Some(("v1", "Node", "n1")), "Running", &[("etcd", "etcd:3.6.8-0")]);
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "hash" });
    let key = cluster.pod(mirror);
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["etcd etcd:3.6.8-0".to_owned()]));
}

#[test]
fn a_finished_job_of_its_own_is_not_reported() {
    let mut cluster = Cluster::default();
    let mut job = workload("import", None, 1, &[("import", "importer:main")]);
    let key = cluster.apply("Job", job.clone());
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["import importer:main".to_owned()]));
    job["status"] = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
    cluster.apply("Job", job);
    assert_eq!(judged(&mut cluster, &key), Err(Absence::NotReported));
}

#[test]
fn pods_of_a_cron_job_are_two_steps_away() {
    let mut cluster = Cluster::default();
    let cron_job = json!({
        "metadata": metadata("nightly", None),
        "spec": { "jobTemplate": { "spec": { "template": { "spec": containers(&[("run", "tool:v2")]) } } } },
    });
    let key = cluster.apply("CronJob", cron_job);
    cluster.apply(
        "Job",
        workload("nightly-1", Some(("batch/v1", "CronJob", "nightly")), 1, &[("run", "tool:v2")]),
    );
    let job = ("batch/v1", "Job", "nightly-1");
    cluster.pod(pod("nightly-1-a", Some(job), "Running", &[("run", "tool:v2"), ("proxy", "envoy:1.31")]));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["run tool:v2".to_owned(), "proxy envoy:1.31".to_owned()]));
}

#[test]
fn an_object_recreated_under_its_name_is_another_workload() {
    let mut cluster = Cluster::default();
    let old = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    let mut again = workload("web", None, 1, &[("web", "nginx:1.28")]);
    again["metadata"]["uid"] = json!("uid-of-the-second-web");
    cluster.apply("Deployment", again);
    assert_eq!(judged(&mut cluster, &old), Err(Absence::Gone));
}

#[test]
fn a_watched_custom_object_is_judged_by_its_own_template_with_the_sidecars_of_its_pods() {
    let mut cluster = Cluster::default();
    cluster.apply("ReplicaSet", workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.28")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(set), "Running", &[("web", "nginx:1.28"), ("proxy", "envoy:1.31")]));
    let template = rollout_object(&json!({ "template": unset("web", "nginx:1.28") }));
    let key = cluster.apply_custom("argoproj.io", "Rollout", template);
    assert_eq!(key, rollout(), "one report, before and after");
    assert_eq!(
        judged(&mut cluster, &key),
        Ok(vec!["web nginx:1.28".to_owned(), "proxy envoy:1.31".to_owned()])
    );
    assert_eq!(cluster.candidates(), BTreeSet::from([key.clone()]));
    let workload = cluster.assemble(&key).unwrap().workload;
    assert_eq!(workload.origin, Origin::Manifest, "no API server filled in the pull policy of the template");
    let policies = workload.containers.iter().map(Container::written_pull_policy);
    assert_eq!(policies.collect::<Vec<_>>(), [None, Some(PullPolicy::IfNotPresent)]);
    assert_eq!(workload.containers[0].observed.map(|observed| observed.pods), Some(1));
}

#[test]
fn a_rollout_without_a_template_of_its_own_borrows_that_of_its_replica_set() {
    let mut cluster = Cluster::default();
    cluster.apply("ReplicaSet", workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.28")]));
    let reference = rollout_object(&json!({ "workloadRef": { "kind": "Deployment", "name": "web" } }));
    let key = cluster.apply_custom("argoproj.io", "Rollout", reference);
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["web nginx:1.28".to_owned()]));
}

#[test]
fn what_a_watched_custom_kind_does_not_know_is_gone() {
    let mut cluster = Cluster::default();
    let template = rollout_object(&json!({ "template": unset("web", "nginx:1.28") }));
    let key = cluster.apply_custom("argoproj.io", "Rollout", template);
    cluster.pod(pod("web-a", Some(ROLLOUT), "Running", &[("web", "nginx:1.28")]));
    cluster.delete(&key);
    assert_eq!(judged(&mut cluster, &key), Err(Absence::Gone));
    cluster.end_kind(&KindName::new("argoproj.io", "Rollout"));
    assert_eq!(
        judged(&mut cluster, &key),
        Ok(vec!["web nginx:1.28".to_owned()]),
        "under an owner that is not read"
    );
    assert_eq!(cluster.index.uncovered_kinds(), BTreeSet::from(["Rollout.argoproj.io".to_owned()]));
}

#[test]
fn a_knative_chain_is_one_workload() {
    let group = "serving.knative.dev";
    let controlled = |name: &str, kind: &str, owner: &str| {
        let controller = ("serving.knative.dev/v1", kind, owner);
        json!({ "metadata": metadata(name, Some(controller)), "spec": { "template": unset("web", "nginx:1.28") } })
    };
    let mut cluster = Cluster::default();
    let service =
        json!({ "metadata": metadata("web", None), "spec": { "template": unset("web", "nginx:1.28") } });
    let service = cluster.apply_custom(group, "Service", service);
    let configuration = cluster.apply_custom(group, "Configuration", controlled("web-c", "Service", "web"));
    for (revision, created, sidecar) in [("web-1", "01", "old-proxy"), ("web-2", "02", "proxy")] {
        let mut object = controlled(revision, "Configuration", "web-c");
        object["metadata"]["creationTimestamp"] = json!(format!("2026-11-{created}T00:00:00Z"));
        cluster.apply_custom(group, "Revision", object);
        let deployment = format!("{revision}-deployment");
        let owner = ("serving.knative.dev/v1", "Revision", revision);
        cluster.apply("Deployment", workload(&deployment, Some(owner), 1, &[("web", "nginx:1.28")]));
        let set = format!("{revision}-set");
        let owner = ("apps/v1", "Deployment", deployment.as_str());
        cluster.apply("ReplicaSet", workload(&set, Some(owner), 1, &[("web", "nginx:1.28")]));
        let containers = [("web", "nginx:1.28"), (sidecar, "queue:1.17.0")];
        let owner = ("apps/v1", "ReplicaSet", set.as_str());
        cluster.pod(pod(&format!("{revision}-a"), Some(owner), "Running", &containers));
    }
    assert_eq!(
        judged(&mut cluster, &service),
        Ok(vec!["web nginx:1.28".to_owned(), "proxy queue:1.17.0".to_owned()])
    );
    assert_eq!(judged(&mut cluster, &configuration), Err(Absence::NotReported));
    assert_eq!(cluster.candidates(), BTreeSet::from([service]));
    assert!(cluster.index.uncovered_kinds().is_empty());
}

#[test]
fn roles_with_one_container_name_give_one_result_for_each_image() {
    let role = |image: &str, policy: &str| {
        let container = json!({ "name": "pytorch", "image": image, "imagePullPolicy": policy });
        json!({ "template": { "spec": { "containers": [container] } } })
    };
    let roles = json!({
        "Chief": role("trainer:1.0.0", "Always"), "Master": role("trainer:1.0.0", "Never"),
        "Worker": role("trainer:main", "Always"),
    });
    let mut object = json!({ "metadata": metadata("churn", None), "spec": { "pytorchReplicaSpecs": roles } });
    let mut cluster = Cluster::default();
    let key = cluster.apply_custom("kubeflow.org", "PyTorchJob", object.clone());
    let containers = containers_of(&mut cluster, &key).unwrap();
    let lines = containers
        .iter()
        .map(|container| format!("{} {:?}", container.field_path, container.written_pull_policy().unwrap()));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "spec.pytorchReplicaSpecs.Master.template.spec.containers[0].image Never",
            "spec.pytorchReplicaSpecs.Worker.template.spec.containers[0].image Always",
        ]
    );
    // A pod with the image of one role shows that role; one with an image of neither, which admission wrote, both.
    let owner = Some(("kubeflow.org/v1", "PyTorchJob", "churn"));
    cluster.pod(pod("churn-master-0", owner, "Running", &[("pytorch", "trainer:1.0.0")]));
    cluster.pod(pod("churn-worker-0", owner, "Running", &[("pytorch", "mirror.example/trainer:main")]));
    let containers = containers_of(&mut cluster, &key).unwrap();
    let pods: Vec<_> = containers.iter().map(|container| container.observed.map(|seen| seen.pods)).collect();
    assert_eq!(pods, [Some(2), Some(1), None], "what admission wrote is judged as well");
    assert_eq!(containers[2].image.raw(), "mirror.example/trainer:main");
    object["status"] = json!({ "conditions": [{ "type": "Succeeded", "status": "True" }] });
    cluster.apply_custom("kubeflow.org", "PyTorchJob", object);
    assert!(judged(&mut cluster, &key).is_ok(), "its pods still run");
    for name in ["churn-master-0", "churn-worker-0"] {
        cluster.pod(pod(name, owner, "Succeeded", &[("pytorch", "trainer:1.0.0")]));
    }
    assert_eq!(judged(&mut cluster, &key), Err(Absence::NotReported), "nothing will be pulled again");
}

/// What a Deployment says of the progress of its rollout, at the time at which a [`Cluster`] begins.
fn progress(status: &str, reason: &str) -> Value {
    json!([{ "type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": "1970-01-01T00:00:00Z" }])
}

/// A Deployment of which the controller has seen this generation, with so many pods of which so many are of its template.
fn deployment(image: &str, (generation, observed): (i64, i64), (replicas, updated): (u32, u32)) -> Value {
    let mut object = workload("web", None, 2, &[("web", image)]);
    object["metadata"]["generation"] = json!(generation);
    object["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": "2" });
    object["status"] = json!({
        "observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
        "conditions": progress("True", "ReplicaSetUpdated"),
    });
    object
}

/// A Deployment with a ReplicaSet of each of two revisions, and a pod of each of them.
fn two_revisions(old: &str, new: &str) -> (Cluster, WorkloadKey) {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", deployment(new, (2, 2), (2, 1)));
    for (name, number, image) in [("web-1", 1, old), ("web-2", 2, new)] {
        cluster.apply("ReplicaSet", revision(workload(name, Some(WEB), 1, &[("web", image)]), number));
        let owner = Some(("apps/v1", "ReplicaSet", name));
        cluster.pod(pod(&format!("{name}-a"), owner, "Running", &[("web", image)]));
    }
    (cluster, key)
}

#[test]
fn pods_of_an_earlier_revision_are_no_result_during_a_rollout() {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    let template = Ok(vec!["web web:2.0.0".to_owned()]);
    assert_eq!(judged(&mut cluster, &key), template);
    // The new template is there before its ReplicaSet.
    cluster.apply("Deployment", deployment("web:3.0.0", (3, 2), (1, 1)));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["web web:3.0.0".to_owned()]));
    // The rollout is over, and the last pods of a ReplicaSet that asks for none are about to go.
    cluster.apply("Deployment", deployment("web:2.0.0", (2, 2), (1, 1)));
    cluster.apply("ReplicaSet", revision(workload("web-1", Some(WEB), 0, &[("web", "web:1.0.0")]), 1));
    assert_eq!(judged(&mut cluster, &key), template);
}

#[test]
fn an_image_of_pods_that_the_template_does_not_name_is_judged_and_says_so() {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    // Also while the rollout lasts: it is a pod of the newest revision.
    let claims = pod("web-2-x", Some(("apps/v1", "ReplicaSet", "web-2")), "Running", &[("web", "miner")]);
    cluster.pod(claims);
    let both = Ok(vec!["web web:2.0.0".to_owned(), "web miner".to_owned()]);
    assert_eq!(judged(&mut cluster, &key), both);
    let containers = containers_of(&mut cluster, &key).unwrap();
    assert_eq!((containers[0].is_of_pods(), containers[1].is_of_pods()), (false, true));
    assert_eq!(containers[1].field_path, "spec.containers[0].image");
    let template_image = containers[1].drift.as_ref().and_then(|drift| drift.template_image.clone());
    assert_eq!(template_image, Some("web:2.0.0".into()));
    // A ReplicaSet that hides behind the Deployment asks for pods after the rollout, too. A scaling that the controller has
    // not seen yet changes nothing of that.
    for observed in [2, 3] {
        cluster.apply("Deployment", deployment("web:2.0.0", (3, observed), (2, 2)));
        let all = ["web web:2.0.0", "web miner", "web web:1.0.0"].map(str::to_owned);
        assert_eq!(judged(&mut cluster, &key), Ok(all.into()));
    }
}

#[test]
fn a_job_behind_a_cron_job_and_a_pod_behind_a_set_are_judged() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("CronJob", json!({
        "metadata": metadata("nightly", None),
        "spec": { "jobTemplate": { "spec": { "template": { "spec": containers(&[("run", "tool:2.0.0")]) } } } },
    }));
    let owner = Some(("batch/v1", "CronJob", "nightly"));
    cluster.apply("Job", workload("mine", owner, 1, &[("run", "miner")]));
    cluster.pod(pod("mine-a", Some(("batch/v1", "Job", "mine")), "Running", &[("run", "miner")]));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["run tool:2.0.0".to_owned(), "run miner".to_owned()]));

    let mut set = workload("db", None, 1, &[("db", "postgres:18.1")]);
    set["status"] = json!({ "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1 });
    let key = cluster.apply("StatefulSet", set);
    let pinned = format!("postgres:18.1@sha256:{}", "a".repeat(64));
    for (name, image) in [("db-0", "docker.io/library/postgres:18.1"), ("db-1", &pinned), ("db-2", "miner")] {
        cluster.pod(pod(name, Some(("apps/v1", "StatefulSet", "db")), "Running", &[("db", image)]));
    }
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["db postgres:18.1".to_owned(), "db miner".to_owned()]));
}

/// A StatefulSet whose pods change from the revision `db-1` to `db-2`, of two pods so many are updated.
fn changing_set(image: &str, (generation, observed): (i64, i64), updated: u32) -> Value {
    let mut object = workload("db", None, 2, &[("db", image)]);
    object["metadata"]["generation"] = json!(generation);
    object["status"] = json!({
        "observedGeneration": observed, "replicas": 2, "updatedReplicas": updated,
        "currentRevision": "db-1", "updateRevision": "db-2",
    });
    object
}

#[test]
fn pods_of_a_stateful_set_count_by_their_revision_during_a_rollout() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("StatefulSet", changing_set("db:2.0.0", (2, 2), 1));
    for (name, label, image, sidecar) in
        [("db-0", "db-1", "db:1.0.0", "old-agent"), ("db-1", "db-2", "miner", "agent")]
    {
        let owner = Some(("apps/v1", "StatefulSet", "db"));
        let mut pod = pod(name, owner, "Running", &[("db", image), (sidecar, "agent:1.0.0")]);
        pod["metadata"]["labels"] = json!({ "app": "db", "controller-revision-hash": label });
        cluster.pod(pod);
    }
    let lines = |all: &[&str]| Ok(all.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    // The updated pod counts at once, and the one before for nothing.
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:2.0.0", "agent agent:1.0.0", "db miner"]));
    // The controller has not seen the newest template: its revisions are both of earlier ones.
    cluster.apply("StatefulSet", changing_set("db:3.0.0", (3, 2), 1));
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:3.0.0", "agent agent:1.0.0"]));
    // Once it is over, a pod hides behind no label; with a partition, pods of the revision before stay.
    let all = ["db db:2.0.0", "old-agent agent:1.0.0", "agent agent:1.0.0", "db db:1.0.0", "db miner"];
    let mut partitioned = changing_set("db:2.0.0", (2, 2), 1);
    partitioned["spec"]["updateStrategy"] = json!({ "rollingUpdate": { "partition": 1 } });
    for object in [changing_set("db:2.0.0", (2, 2), 2), partitioned] {
        cluster.apply("StatefulSet", object);
        let mut found = judged(&mut cluster, &key).unwrap();
        found.sort_unstable();
        let mut expected = all.map(str::to_owned);
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

/// A ReplicaSet as the controller of Argo Rollouts makes it. Annotations of a Rollout, such as one that a Deployment had
/// before, are copied.
fn of_rollout(name: &str, replicas: i32, image: &str, number: u32) -> Value {
    let mut set = workload(name, Some(ROLLOUT), replicas, &[("web", image)]);
    set["metadata"]["annotations"] = json!({
        "rollout.argoproj.io/revision": number.to_string(), "deployment.kubernetes.io/revision": "9",
    });
    set
}

#[test]
fn pods_of_an_earlier_replica_set_of_a_rollout_are_no_result() {
    let mut cluster = Cluster::default();
    let mut object = rollout_object(&json!({ "template": unset("web", "web:2.0.0") }));
    object["metadata"]["annotations"] = json!({ "rollout.argoproj.io/revision": "2" });
    let key = cluster.apply_custom("argoproj.io", "Rollout", object);
    let of_set = |set| Some(("apps/v1", "ReplicaSet", set));
    cluster.apply("ReplicaSet", of_rollout("web-1", 1, "web:1.0.0", 1));
    let earlier = [("web", "web:1.0.0"), ("old-proxy", "proxy:1.0.0")];
    cluster.pod(pod("web-1-a", of_set("web-1"), "Running", &earlier));
    // A canary that gets no pod yet, or one that was aborted.
    cluster.apply("ReplicaSet", of_rollout("web-2", 0, "web:2.0.0", 2));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["web web:2.0.0".to_owned()]));
    // While both run, what pods of the newest run counts at once.
    cluster.apply("ReplicaSet", of_rollout("web-2", 1, "web:2.0.0", 2));
    cluster.pod(pod("web-2-a", of_set("web-2"), "Running", &[("web", "miner")]));
    let both = Ok(vec!["web web:2.0.0".to_owned(), "web miner".to_owned()]);
    assert_eq!(judged(&mut cluster, &key), both);
    cluster.apply("ReplicaSet", of_rollout("web-1", 0, "web:1.0.0", 1));
    assert_eq!(judged(&mut cluster, &key), both);
}

#[test]
fn of_an_owner_that_is_not_read_the_newest_replica_set_lends_its_template() {
    let mut cluster = Cluster::default();
    cluster.apply("ReplicaSet", of_rollout("web-1", 1, "web:1.0.0", 10));
    cluster.apply("ReplicaSet", of_rollout("web-2", 1, "web:2.0.0", 9));
    assert_eq!(judged(&mut cluster, &rollout()), Ok(vec!["web web:1.0.0".to_owned()]));
    // OpenShift numbers the ReplicationControllers of a DeploymentConfig.
    let owner = ("apps.openshift.io/v1", "DeploymentConfig", "shop");
    for (number, image) in [(1, "shop:1.0.0"), (2, "shop:2.0.0")] {
        let mut object = workload(&format!("shop-{number}"), Some(owner), 1, &[("shop", image)]);
        object["metadata"]["annotations"] =
            json!({ "openshift.io/deployment-config.latest-version": number.to_string() });
        cluster.apply("ReplicationController", object);
    }
    let key = WorkloadKey::new(owner.0, owner.1, "shop", owner.2, crate::testing::uid(owner.2));
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["shop shop:2.0.0".to_owned()]));
}

#[test]
fn candidates_come_part_by_part() {
    let mut cluster = Cluster::default();
    let mut expected = BTreeSet::new();
    for number in 0..1_500 {
        let name = format!("web-{number}");
        let key = cluster.apply("Deployment", workload(&name, None, 1, &[("web", "nginx:1.27")]));
        let set = format!("{name}-set");
        let owner = Some(("apps/v1", "Deployment", name.as_str()));
        cluster.apply("ReplicaSet", workload(&set, owner, 1, &[("web", "nginx:1.27")]));
        expected.insert(key);
    }
    for number in 0..600 {
        expected.insert(cluster.pod(pod(
            &format!("pod-{number}"),
            None,
            "Running",
            &[("web", "nginx:1.27")],
        )));
    }
    assert_eq!(cluster.candidates(), expected);
    let first = cluster.index.candidates(None);
    assert!(first.found.len() <= 1_000 && first.last.is_some());
    // Keys are in the order of their UIDs.
    let last = WorkloadKey::new("v1", "Pod", "shop", "last", "z");
    assert_eq!(cluster.index.candidates(Some(&last)), Candidates::default());
}
