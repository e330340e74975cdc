//! Objects that claim a place in the rollouts of an owner: a user may write any number into an annotation, and any owner that
//! asks for nothing.

use std::time::Duration;

use serde_json::{Value, json};

use super::rollouts::{deployment, of_rollout, progress};
use super::*;
use crate::testing::Owner;

const APP: Owner<'static> = ("example.com/v1", "App", "web");
const CLONES: Owner<'static> = ("apps.kruise.io/v1alpha1", "CloneSet", "web");
const MINER: &[(&str, &str)] = &[("web", "miner")];
const CLEAN: &[(&str, &str)] = &[("web", "web:1.0.0")];
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

fn key_of((api_version, kind, name): Owner<'_>) -> WorkloadKey {
    WorkloadKey::new(api_version, kind, "shop", name, crate::testing::uid(name))
}

/// A clean object of a kind with a high number, and one with a low number whose pod runs something else.
fn two_of(cluster: &mut Cluster, kind: &str, owner: Owner<'_>) {
    let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    for (name, number, images) in [("clean", 9, CLEAN), ("hidden", 1, MINER)] {
        cluster.apply(kind, revision(workload(name, Some(owner), 1, images), number));
        cluster.pod(pod(&format!("{name}-a"), Some((api_version, kind, name)), "Running", images));
    }
}

#[test]
fn a_number_hides_no_pod_of_an_owner_that_is_not_read() {
    for kind in ["ReplicaSet", "Job"] {
        let mut cluster = Cluster::default();
        two_of(&mut cluster, kind, APP);
        let both = lines(&["web miner", "web web:1.0.0"]);
        assert_eq!(judged(&mut cluster, &key_of(APP)), both, "{kind}");
        // Nor does a second object hide pods of the owner itself.
        cluster.pod(pod("web-b", Some(APP), "Running", &[("web", "another"), ("agent", "agent:1.0.0")]));
        let all = lines(&["web miner", "web web:1.0.0", "agent agent:1.0.0", "web another"]);
        assert_eq!(judged(&mut cluster, &key_of(APP)), all, "{kind}");
    }
}

#[test]
fn a_number_hides_no_pod_of_an_owner_that_numbers_nothing() {
    let mut cluster = Cluster::default();
    let object =
        json!({ "metadata": metadata("web", None), "spec": { "template": unset("web", "web:1.0.0") } });
    let key = cluster.apply_custom("apps.kruise.io", "CloneSet", object);
    two_of(&mut cluster, "ReplicaSet", CLONES);
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:1.0.0", "web miner"]));

    let template = json!({ "template": { "spec": containers(CLEAN) } });
    let cron_job =
        json!({ "metadata": metadata("web", None), "spec": { "jobTemplate": { "spec": template } } });
    let key = cluster.apply("CronJob", cron_job);
    two_of(&mut cluster, "Job", ("batch/v1", "CronJob", "web"));
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:1.0.0", "web miner"]));
}

/// An Argo Rollout, last written when a [`Cluster`] begins.
fn canary() -> Value {
    let mut object = rollout_object(&json!({ "template": unset("web", "web:2.0.0") }));
    object["metadata"]["annotations"] = json!({ "rollout.argoproj.io/revision": "2" });
    object["metadata"]["managedFields"] =
        json!([{ "time": "1970-01-01T00:00:00Z", "subresource": "status", "fieldsV1": { "f:status": {} } }]);
    object
}

/// With a `ReplicaSet` of each of two revisions, and so many pods of the earlier one.
fn with_sets(pods: usize) -> (Cluster, WorkloadKey) {
    let mut cluster = Cluster::default();
    let key = cluster.apply_custom("argoproj.io", "Rollout", canary());
    for (name, number) in [("web-1", 1), ("web-2", 2)] {
        cluster.apply("ReplicaSet", of_rollout(name, 1, &format!("web:{number}.0.0"), number));
    }
    for number in 0..pods {
        let owner = Some(("apps/v1", "ReplicaSet", "web-1"));
        cluster.pod(pod(&format!("web-1-{number}"), owner, "Running", &[("web", "web:1.0.0")]));
    }
    (cluster, key)
}

const OF_ROLLOUT: &[&str] = &["web web:2.0.0"];
const BOTH_OF_ROLLOUT: &[&str] = &["web web:2.0.0", "web web:1.0.0"];

#[test]
fn earlier_pods_of_an_owner_without_a_rollout_status_are_judged_once_none_was_replaced_for_an_hour() {
    let (mut cluster, key) = with_sets(2);
    assert_eq!(cluster.assemble(&key).unwrap().look_again, Some(HOUR), "nothing else says it");
    cluster.now += Duration::from_mins(59);
    assert_eq!(judged(&mut cluster, &key), lines(OF_ROLLOUT));
    // One is replaced, and comes back.
    let gone = pod("web-1-0", None, "Running", &[]);
    cluster.index.delete_pod(&serde_json::from_value(gone).unwrap(), cluster.now);
    let mut object = canary();
    object["metadata"]["managedFields"][0]["time"] = json!(cluster.now.to_string());
    cluster.apply_custom("argoproj.io", "Rollout", object);
    assert_eq!(judged(&mut cluster, &key), lines(OF_ROLLOUT));
    cluster.now += Duration::from_mins(59);
    let owner = Some(("apps/v1", "ReplicaSet", "web-1"));
    cluster.pod(pod("web-1-0", owner, "Running", &[("web", "web:1.0.0")]));
    assert_eq!(judged(&mut cluster, &key), lines(OF_ROLLOUT));
    cluster.now += MINUTE;
    assert_eq!(judged(&mut cluster, &key), lines(BOTH_OF_ROLLOUT));
    let containers = containers_of(&mut cluster, &key).unwrap();
    let older = containers[1].drift.as_ref().and_then(|drift| drift.older_revision.clone()).unwrap();
    assert_eq!(
        (older.owner.raw(), older.name.raw(), older.revision),
        ("rollout.argoproj.io/web", "web-1", 1)
    );
    assert!(!older.is_rolled_out);
    // It goes on, and is over.
    cluster.apply("ReplicaSet", of_rollout("web-1", 0, "web:1.0.0", 1));
    assert_eq!(judged(&mut cluster, &key), lines(OF_ROLLOUT));
    // Once its pods are gone and the evidence has settled, there is nothing to wait for.
    for name in ["web-1-0", "web-1-1"] {
        let gone = pod(name, None, "Running", &[]);
        cluster.index.delete_pod(&serde_json::from_value(gone).unwrap(), cluster.now);
    }
    assert_eq!(judged(&mut cluster, &key), lines(OF_ROLLOUT));
    cluster.now += 2 * MINUTE;
    assert_eq!(cluster.assemble(&key).unwrap().look_again, None);
    // A restart of tagwatch goes by the time at which the Rollout was written.
    let (mut restarted, key) = with_sets(1);
    restarted.now += HOUR;
    assert_eq!(judged(&mut restarted, &key), lines(BOTH_OF_ROLLOUT));
}

#[test]
fn pods_of_earlier_revisions_are_judged_after_a_day_however_often_the_template_changes() {
    let mut cluster = Cluster::default();
    let hidden = Some(("apps/v1", "ReplicaSet", "web-1"));
    cluster.apply("ReplicaSet", revision(workload("web-1", Some(WEB), 1, MINER), 1));
    cluster.pod(pod("web-1-a", hidden, "Running", MINER));
    let start = cluster.now;
    let mut number = 2;
    let mut next = |cluster: &mut Cluster, is_over: bool| {
        let name = format!("web-{number}");
        let image = format!("web:{number}.0.0");
        let mut object = deployment(&image, (number, number), (2, if is_over { 2 } else { 1 }));
        object["metadata"]["annotations"] =
            json!({ "deployment.kubernetes.io/revision": number.to_string() });
        object["status"]["conditions"] = progress("True", "ReplicaSetUpdated");
        object["status"]["conditions"][0]["lastUpdateTime"] = json!(cluster.now.to_string());
        let key = cluster.apply("Deployment", object);
        let set = workload(&name, Some(WEB), 1, &[("web", &image)]);
        cluster.apply("ReplicaSet", revision(set, u32::try_from(number).unwrap()));
        number += 1;
        judged(cluster, &key).unwrap().contains(&"web miner".to_owned())
    };
    while cluster.now < start + 24 * HOUR {
        assert!(!next(&mut cluster, false), "{}", cluster.now);
        cluster.now += 50 * MINUTE;
    }
    assert!(next(&mut cluster, false));
    // Once one is over, the next one has its time.
    assert!(next(&mut cluster, true), "what still asks for pods is of a user's making");
    assert!(!next(&mut cluster, false));
}

#[test]
fn no_time_that_a_spec_asks_to_wait_puts_off_for_more_than_a_day_what_a_set_runs() {
    let mut object = workload("db", None, 2, &[("db", "db:2.0.0")]);
    object["spec"]["minReadySeconds"] = json!(86_400);
    object["status"] = json!({
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 1,
        "currentRevision": "db-1", "updateRevision": "db-2",
    });
    let mut cluster = Cluster::default();
    let key = cluster.apply("StatefulSet", object);
    cluster.pod(pod("rogue", Some(("apps/v1", "StatefulSet", "db")), "Running", &[("db", "miner")]));
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:2.0.0"]));
    cluster.now += Duration::from_mins(24 * 60 - 1);
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:2.0.0"]));
    cluster.now += MINUTE;
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:2.0.0", "db miner"]));
}
