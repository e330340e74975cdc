//! What is judged while a workload is rolled out: its pods are of several templates.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::pods::LONG_DELETION;

/// What a Deployment says of the progress of its rollout, at the time at which a [`Cluster`] begins.
pub(super) fn progress(status: &str, reason: &str) -> Value {
    json!([{ "type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": "1970-01-01T00:00:00Z" }])
}

/// A Deployment of which the controller has seen this generation, with so many pods of which so many are of its template.
pub(super) fn deployment(
    image: &str,
    (generation, observed): (i64, i64),
    (replicas, updated): (u32, u32),
) -> Value {
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
pub(super) fn two_revisions(old: &str, new: &str) -> (Cluster, WorkloadKey) {
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

/// Its controller is away, or a webhook refuses their deletion.
#[test]
fn pods_of_a_replica_set_that_asks_for_none_count_again_where_they_stay() {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    let template: Result<Vec<String>, Absence> = Ok(vec!["web web:2.0.0".to_owned()]);
    let both = Ok(["web web:2.0.0", "web web:1.0.0"].map(str::to_owned).into());
    let asks_for = |cluster: &mut Cluster, pods: i32| {
        let images = &[("web", "web:1.0.0")];
        cluster.apply("ReplicaSet", revision(workload("web-1", Some(WEB), pods, images), 1));
    };
    cluster.apply("Deployment", deployment("web:2.0.0", (2, 2), (1, 1)));
    asks_for(&mut cluster, 0);
    let wait = Duration::from_secs(LONG_DELETION.into());
    for _ in 0..2 {
        let look_again = cluster.assemble(&key).unwrap().look_again;
        assert!(look_again.is_some_and(|at| at <= wait), "nothing else says it: {look_again:?}");
        cluster.now += Duration::from_secs((LONG_DELETION - 1).into());
        assert_eq!(judged(&mut cluster, &key), template);
        cluster.now += Duration::from_secs(1);
        assert_eq!(judged(&mut cluster, &key), both);
        // It is scaled up, which takes its time, and down again.
        asks_for(&mut cluster, 1);
        assert_eq!(judged(&mut cluster, &key), both);
        asks_for(&mut cluster, 0);
        assert_eq!(judged(&mut cluster, &key), template);
    }
    let gone = pod("web-1-a", None, "Running", &[]);
    cluster.index.delete_pod(&serde_json::from_value(gone).unwrap(), cluster.now);
    cluster.now += wait;
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
pub(super) fn of_rollout(name: &str, replicas: i32, image: &str, number: u32) -> Value {
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
fn of_an_owner_that_is_not_read_every_replica_set_that_asks_for_pods_lends_its_template() {
    let mut cluster = Cluster::default();
    for (name, replicas, image, number) in
        [("web-1", 1, "web:1.0.0", 10), ("web-2", 1, "web:2.0.0", 9), ("web-3", 0, "web:3.0.0", 11)]
    {
        cluster.apply("ReplicaSet", of_rollout(name, replicas, image, number));
    }
    let both = |one: &str, other: &str| Ok(vec![one.to_owned(), other.to_owned()]);
    assert_eq!(judged(&mut cluster, &rollout()), both("web web:1.0.0", "web web:2.0.0"));
    // OpenShift numbers the ReplicationControllers of a DeploymentConfig.
    let owner = ("apps.openshift.io/v1", "DeploymentConfig", "shop");
    for (number, image) in [(1, "shop:1.0.0"), (2, "shop:2.0.0")] {
        let mut object = workload(&format!("shop-{number}"), Some(owner), 1, &[("shop", image)]);
        object["metadata"]["annotations"] =
            json!({ "openshift.io/deployment-config.latest-version": number.to_string() });
        cluster.apply("ReplicationController", object);
    }
    let key = WorkloadKey::new(owner.0, owner.1, "shop", owner.2, crate::testing::uid(owner.2));
    assert_eq!(judged(&mut cluster, &key), both("shop shop:1.0.0", "shop shop:2.0.0"));
    // Once it is read, it says which is the newest.
    let custom = json!({ "metadata": metadata(owner.2, None), "spec": {} });
    assert_eq!(cluster.apply_custom("apps.openshift.io", "DeploymentConfig", custom), key);
    assert_eq!(judged(&mut cluster, &key), Ok(vec!["shop shop:2.0.0".to_owned()]));
}
