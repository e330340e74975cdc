//! Pods of an earlier template that stay, because the rollout makes no progress.

use std::time::Duration;

use serde_json::{Value, json};
use tagwatch_core::drift::OlderRevision;

use super::rollouts::{deployment, progress, two_revisions};
use super::*;

/// A second less than after which a rollout is stalled.
const ALMOST_STALLED: Duration = Duration::from_secs(3_599);

/// Two revisions, whose earlier one has a container that the newest one lacks.
fn two_revisions_with_an_agent() -> (Cluster, WorkloadKey) {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    let earlier = &[("web", "web:1.0.0"), ("agent", "miner")];
    cluster.pod(pod("web-1-b", Some(("apps/v1", "ReplicaSet", "web-1")), "Running", earlier));
    (cluster, key)
}

fn with_conditions(cluster: &mut Cluster, conditions: Value) {
    let mut object = deployment("web:2.0.0", (2, 2), (3, 1));
    object["status"]["conditions"] = conditions;
    cluster.apply("Deployment", object);
}

fn lines(all: &[&str]) -> Vec<String> {
    all.iter().map(|line| (*line).to_owned()).collect()
}

const TEMPLATE: &[&str] = &["web web:2.0.0"];
const ALL: &[&str] = &["web web:2.0.0", "agent miner", "web web:1.0.0"];

#[test]
fn pods_of_an_earlier_template_are_judged_once_the_rollout_is_stalled() {
    let (mut cluster, key) = two_revisions_with_an_agent();
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE)));
    // Its own deadline may be longer, and a rollout that is paused has none.
    for (status, reason) in [("True", "ReplicaSetUpdated"), ("Unknown", "DeploymentPaused")] {
        cluster.now = Timestamp::UNIX_EPOCH + ALMOST_STALLED;
        with_conditions(&mut cluster, progress(status, reason));
        assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE)), "{reason}");
        cluster.now += Duration::from_secs(1);
        assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL)), "{reason}");
    }
    let containers = containers_of(&mut cluster, &key).unwrap();
    assert!(containers[2].is_of_pods());
    // It goes on.
    with_conditions(&mut cluster, progress("True", "NewReplicaSetAvailable"));
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE)));
}

#[test]
fn a_rollout_that_says_that_it_is_stalled_or_nothing_at_all_is_not_waited_for() {
    let (mut cluster, key) = two_revisions_with_an_agent();
    for conditions in [progress("False", "ProgressDeadlineExceeded"), json!([])] {
        with_conditions(&mut cluster, conditions);
        assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL)));
    }
    // A ReplicaSet that asks for no pods is about to lose them.
    cluster.apply("ReplicaSet", revision(workload("web-1", Some(WEB), 0, &[("web", "web:1.0.0")]), 1));
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE)));
}

#[test]
fn a_container_that_only_pods_of_an_earlier_replica_set_have_is_judged_after_the_rollout() {
    let (mut cluster, key) = two_revisions_with_an_agent();
    cluster.apply("Deployment", deployment("web:2.0.0", (2, 2), (2, 2)));
    assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL)));
}

/// The older revision of each container, in order.
fn older(cluster: &mut Cluster, key: &WorkloadKey) -> Vec<Option<OlderRevision>> {
    let containers = containers_of(cluster, key).unwrap();
    containers.iter().map(|container| container.drift.as_ref()?.older_revision.clone()).collect()
}

#[test]
fn an_image_of_an_older_revision_names_it_and_says_whether_its_pods_started() {
    let (mut cluster, key) = two_revisions_with_an_agent();
    with_conditions(&mut cluster, progress("False", "ProgressDeadlineExceeded"));
    let waiting = OlderRevision {
        owner: "deployment.apps/web".into(),
        namespace: "shop".into(),
        kind: "ReplicaSet".into(),
        name: "web-1".into(),
        revision: 1,
        is_rolled_out: false,
        has_started: false,
    };
    let of_pods = |revision: &OlderRevision| [None, Some(revision.clone()), Some(revision.clone())];
    assert_eq!(older(&mut cluster, &key), of_pods(&waiting));
    // The first start is no other change.
    assert_eq!(cluster.assemble(&key).unwrap().look_again, Some(Duration::from_mins(1)));
    let set = Some(("apps/v1", "ReplicaSet", "web-1"));
    let mut running = pod("web-1-a", set, "Running", &[("web", "web:1.0.0")]);
    running["status"]["containerStatuses"] = json!([{
        "name": "web", "image": "web:1.0.0", "imageID": "", "containerID": "containerd://1",
        "state": { "running": { "startedAt": "1970-01-01T00:00:00Z" } },
    }]);
    cluster.pod(running);
    let started = OlderRevision { has_started: true, ..waiting };
    assert_eq!(older(&mut cluster, &key), of_pods(&started));
    // Its own status says that the rollout is over, and the ReplicaSet still asks for pods.
    cluster.apply("Deployment", deployment("web:2.0.0", (2, 2), (2, 2)));
    assert_eq!(older(&mut cluster, &key), of_pods(&OlderRevision { is_rolled_out: true, ..started }));
    // A pod of the newest revision has the image too.
    let set = Some(("apps/v1", "ReplicaSet", "web-2"));
    cluster.pod(pod("web-2-b", set, "Running", &[("web", "web:1.0.0"), ("agent", "miner")]));
    assert_eq!(older(&mut cluster, &key), [None, None, None]);
    assert!(containers_of(&mut cluster, &key).unwrap()[2].is_of_pods());
}

/// A StatefulSet whose rollout from `db-1` to `db-2` stands at so many of two pods.
fn changing_set(updated: u32) -> Value {
    let mut object = workload("db", None, 2, &[("db", "db:2.0.0")]);
    object["metadata"]["generation"] = json!(2);
    object["metadata"]["managedFields"] = json!([
        { "time": "1970-01-01T00:00:00Z", "subresource": "status", "fieldsV1": { "f:status": {} } },
        // Neither the spec nor the status.
        { "time": "1970-01-02T00:00:00Z", "fieldsV1": { "f:metadata": {} } },
    ]);
    object["status"] = json!({
        "observedGeneration": 2, "replicas": 2, "updatedReplicas": updated,
        "currentRevision": "db-1", "updateRevision": "db-2",
    });
    object
}

/// With the pod of each revision; the earlier one has an agent, too.
fn set_with_pods(object: Value) -> (Cluster, WorkloadKey) {
    set_with_pods_in(Cluster::default(), object)
}

fn set_with_pods_in(mut cluster: Cluster, object: Value) -> (Cluster, WorkloadKey) {
    let key = cluster.apply("StatefulSet", object);
    let earlier = [("db", "db:1.0.0"), ("agent", "miner")];
    let all = [("db-0", "db-1", &earlier[..]), ("db-1", "db-2", &[("db", "db:2.0.0")][..])];
    for (name, label, images) in all {
        let mut pod = pod(name, Some(("apps/v1", "StatefulSet", "db")), "Running", images);
        pod["metadata"]["labels"] = json!({ "controller-revision-hash": label });
        cluster.pod(pod);
    }
    (cluster, key)
}

const TEMPLATE_OF_SET: &[&str] = &["db db:2.0.0"];
const ALL_OF_SET: &[&str] = &["db db:2.0.0", "agent miner", "db db:1.0.0"];

#[test]
fn pods_of_an_earlier_revision_of_a_set_are_judged_once_none_was_replaced_for_an_hour() {
    let (mut cluster, key) = set_with_pods(changing_set(1));
    cluster.now += ALMOST_STALLED;
    let assembled = cluster.assemble(&key).unwrap();
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE_OF_SET)));
    // Nothing else says it.
    assert_eq!(assembled.look_again, Some(Duration::from_secs(31)));
    cluster.now += Duration::from_secs(31);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL_OF_SET)));
    let containers = containers_of(&mut cluster, &key).unwrap();
    assert!(containers[2].is_of_pods());
    // A restart of tagwatch changes nothing of that.
    let (mut restarted, key) = set_with_pods(changing_set(1));
    restarted.now = cluster.now;
    assert_eq!(judged(&mut restarted, &key), Ok(lines(ALL_OF_SET)));
    // It goes on, and is over.
    cluster.apply("StatefulSet", changing_set(2));
    cluster
        .index
        .delete_pod(&serde_json::from_value(pod("db-0", None, "Running", &[])).unwrap(), cluster.now);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE_OF_SET)));
}

#[test]
fn each_pod_that_is_replaced_gives_a_rollout_its_time_again_and_one_that_comes_back_does_not() {
    let in_three = |updated: u32, second: u64| {
        let mut object = changing_set(updated);
        object["status"]["replicas"] = json!(3);
        let written = Timestamp::UNIX_EPOCH + Duration::from_secs(second);
        object["metadata"]["managedFields"][0]["time"] = json!(written.to_string());
        object
    };
    let (mut cluster, key) = set_with_pods(in_three(0, 0));
    let mut judged_at = |second: u64, updated: u32| {
        cluster.now = Timestamp::UNIX_EPOCH + Duration::from_secs(second);
        cluster.apply("StatefulSet", in_three(updated, second));
        judged(&mut cluster, &key).unwrap().len() == ALL_OF_SET.len()
    };
    assert!(!judged_at(1, 0));
    assert!(!judged_at(3_600, 1), "a pod was replaced");
    assert!(!judged_at(7_000, 0), "and is gone");
    assert!(!judged_at(7_100, 1), "and back");
    assert!(!judged_at(3_600 + 3_629, 1));
    assert!(judged_at(3_600 + 3_630, 1), "an hour after the last progress");
    assert!(!judged_at(8_000, 2), "it goes on");
}

#[test]
fn a_set_that_waits_on_purpose_is_not_stalled() {
    let with = |spec: Value, updated: u32| {
        let mut object = changing_set(updated);
        for (field, value) in spec.as_object().unwrap() {
            object["spec"][field] = value.clone();
        }
        object
    };
    let hours = |hours: u64| Timestamp::UNIX_EPOCH + Duration::from_hours(hours);
    // Each pod has to be ready for two hours.
    let (mut cluster, key) = set_with_pods(with(json!({ "minReadySeconds": 7_200 }), 1));
    cluster.now = hours(3);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE_OF_SET)));
    cluster.now = hours(4);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL_OF_SET)));
    // With a partition, or by hand, there is no rollout in progress: pods of the earlier revision count at once.
    for strategy in [
        json!({ "type": "OnDelete" }),
        json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } }),
    ] {
        let (mut cluster, key) = set_with_pods(with(json!({ "updateStrategy": strategy }), 1));
        assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL_OF_SET)));
        // Once the evidence has settled, there is nothing to wait for.
        cluster.now += Duration::from_mins(2);
        assert_eq!(cluster.assemble(&key).unwrap().look_again, None);
    }
}

/// Without `managedFields`, as some proxies answer and old API servers wrote.
fn without_times(mut object: Value, created: &str) -> Value {
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    object["metadata"]["creationTimestamp"] = json!(created);
    object
}

fn of_one_look() -> Cluster {
    Cluster { index: Index::of_one_look(), ..Cluster::default() }
}

/// A day after the beginning of time.
const NEXT_DAY: &str = "1970-01-02T00:00:00Z";

#[test]
fn a_rollout_without_times_is_stalled_for_whoever_looks_once() {
    let condition = |time: &str| json!([{ "type": "A", "lastTransitionTime": time }]);
    let (old, recent) = ("1970-01-01T00:00:00Z", "1970-01-01T23:30:00Z");
    for (created, conditions, expected) in [
        (old, Value::Null, ALL_OF_SET),
        (old, condition(old), ALL_OF_SET),
        // What shows progress counts.
        (recent, Value::Null, TEMPLATE_OF_SET),
        (old, condition(recent), TEMPLATE_OF_SET),
    ] {
        let mut object = without_times(changing_set(1), created);
        object["status"]["conditions"] = conditions;
        let (mut cluster, key) = set_with_pods_in(of_one_look(), object.clone());
        cluster.now = NEXT_DAY.parse().unwrap();
        assert_eq!(judged(&mut cluster, &key), Ok(lines(expected)), "{object}");
    }
}

#[test]
fn the_first_pod_of_the_newest_template_shows_when_a_rollout_without_times_began() {
    for (started, expected) in [("23:30", TEMPLATE_OF_SET), ("22:30", ALL_OF_SET)] {
        let object = without_times(changing_set(1), "1970-01-01T00:00:00Z");
        let (mut cluster, key) = set_with_pods_in(of_one_look(), object);
        cluster.now = NEXT_DAY.parse().unwrap();
        let owner = Some(("apps/v1", "StatefulSet", "db"));
        let mut newest = pod("db-1", owner, "Running", &[("db", "db:2.0.0")]);
        newest["metadata"]["labels"] = json!({ "controller-revision-hash": "db-2" });
        newest["status"]["containerStatuses"] = json!([{
            "name": "db", "image": "db:2.0.0", "imageID": format!("docker.io/library/db@sha256:{}", "a".repeat(64)),
            "containerID": "containerd://1",
            "state": { "running": { "startedAt": format!("1970-01-01T{started}:00Z") } },
        }]);
        cluster.pod(newest);
        assert_eq!(judged(&mut cluster, &key), Ok(lines(expected)), "{started}");
    }
}

#[test]
fn whoever_goes_on_looking_waits_from_then_on_for_a_rollout_without_times() {
    let mut cluster = Cluster { now: NEXT_DAY.parse().unwrap(), ..Cluster::default() };
    let object = without_times(changing_set(1), "1970-01-01T00:00:00Z");
    let key;
    (cluster, key) = set_with_pods_in(cluster, object);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE_OF_SET)));
    cluster.now += ALMOST_STALLED;
    assert_eq!(judged(&mut cluster, &key), Ok(lines(TEMPLATE_OF_SET)));
    cluster.now += Duration::from_secs(31);
    assert_eq!(judged(&mut cluster, &key), Ok(lines(ALL_OF_SET)));
}
