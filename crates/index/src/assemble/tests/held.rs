//! Pods of objects that a finalizer holds in deletion, or whose controller is away: nothing ends them, and nothing writes a
//! status.

use std::time::Duration;

use serde_json::{Value, json};
use tagwatch_core::kinds::watched;
use tagwatch_k8s::served::ServedKind;

use super::rollouts::{deployment, of_rollout, two_revisions};
use super::*;

const HOUR: Duration = Duration::from_hours(1);
/// A second less than for how long a template counts as not seen.
const ALMOST_AN_HOUR: Duration = Duration::from_secs(3_599);

fn in_deletion(mut object: Value) -> Value {
    object["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
    object
}

/// The earlier one of two revisions, as the Deployment leaves it after a rollout.
fn superseded() -> Value {
    revision(workload("web-1", Some(WEB), 0, &[("web", "web:1.0.0")]), 1)
}

#[test]
fn pods_of_a_superseded_replica_set_that_is_held_in_deletion_are_judged() {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    let images = [("web", "miner"), ("agent", "agent:1.0.0")];
    cluster.pod(pod("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")), "Running", &images));
    let mut never_ready = deployment("web:2.0.0", (2, 2), (2, 1));
    // A pod that does not become ready is no progress, so that its controller writes nothing of the rollout.
    never_ready["status"]["conditions"][0]["reason"] = json!("NewReplicaSetAvailable");
    for object in [deployment("web:2.0.0", (2, 2), (1, 1)), never_ready] {
        cluster.apply("Deployment", object);
        cluster.apply("ReplicaSet", superseded());
        assert_eq!(judged(&mut cluster, &key), lines(&["web web:2.0.0"]));
        let sets = watched().find(|known| known.kind() == "ReplicaSet").unwrap();
        let (_, affected) = cluster.apply_served(&ServedKind::built_in(sets), in_deletion(superseded()));
        assert!(affected.contains(&key), "{affected:?}");
        let all = ["web web:2.0.0", "agent agent:1.0.0", "web miner"];
        assert_eq!(judged(&mut cluster, &key), lines(&all));
        // That it is to be scaled to zero would be no advice.
        let containers = containers_of(&mut cluster, &key).unwrap();
        let older =
            containers.iter().filter_map(|container| container.drift.as_ref()?.older_revision.as_ref());
        assert_eq!(older.count(), 0);
    }
    // It is gone, and its pod.
    let set = cluster.apply("ReplicaSet", in_deletion(superseded()));
    cluster.delete(&set);
    let gone = pod("web-1-a", None, "Running", &[]);
    cluster.index.delete_pod(&serde_json::from_value(gone).unwrap(), cluster.now);
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:2.0.0"]));
}

#[test]
fn pods_of_an_object_without_replicas_that_is_held_in_deletion_are_judged() {
    for (api_version, kind) in [("apps/v1", "ReplicaSet"), ("v1", "ReplicationController")] {
        let mut cluster = Cluster::default();
        let object = workload("web", None, 0, &[("web", "web:1.0.0")]);
        let key = cluster.apply(kind, object.clone());
        cluster.pod(pod("web-a", Some((api_version, kind, "web")), "Running", &[("web", "miner")]));
        assert_eq!(judged(&mut cluster, &key), lines(&["web web:1.0.0"]), "{kind}");
        cluster.apply(kind, in_deletion(object));
        assert_eq!(judged(&mut cluster, &key), lines(&["web web:1.0.0", "web miner"]), "{kind}");
    }
}

#[test]
fn a_replica_set_that_is_held_in_deletion_is_of_no_rollout() {
    for replicas in [0, 1] {
        let mut cluster = Cluster::default();
        for (name, replicas, number) in [("web-1", replicas, 1), ("web-2", 1, 2)] {
            let image = format!("web:{number}.0.0");
            let set = of_rollout(name, replicas, &image, number);
            cluster.apply("ReplicaSet", if number == 1 { in_deletion(set) } else { set });
            let owner = Some(("apps/v1", "ReplicaSet", name));
            cluster.pod(pod(&format!("{name}-a"), owner, "Running", &[("web", &format!("miner:{number}"))]));
        }
        let all = ["web web:2.0.0", "web miner:1", "web miner:2"];
        assert_eq!(judged(&mut cluster, &rollout()), lines(&all), "{replicas}");
    }
}

/// A DaemonSet of which the controller has seen the second generation, last written this long after a [`Cluster`] begins.
fn daemons(generation: i64, image: &str, written: Duration) -> Value {
    let mut object = workload("agent", None, 1, &[("agent", image)]);
    object["metadata"]["generation"] = json!(generation);
    let written = Timestamp::UNIX_EPOCH + written;
    object["metadata"]["managedFields"] =
        json!([{ "time": written.to_string(), "fieldsV1": { "f:spec": {} } }]);
    object["status"] =
        json!({ "observedGeneration": 2, "currentNumberScheduled": 1, "updatedNumberScheduled": 1 });
    object
}

/// With a pod of the template that the controller has seen.
fn with_pod(object: Value) -> (Cluster, WorkloadKey) {
    let mut cluster = Cluster::default();
    let key = cluster.apply("DaemonSet", object);
    let owner = Some(("apps/v1", "DaemonSet", "agent"));
    cluster.pod(pod("agent-a", owner, "Running", &[("agent", "miner")]));
    (cluster, key)
}

const TEMPLATE: &[&str] = &["agent agent:3.0.0"];
const BOTH: &[&str] = &["agent agent:3.0.0", "agent miner"];

#[test]
fn the_template_of_an_object_in_deletion_is_waited_for_by_no_pod() {
    let object = daemons(3, "agent:3.0.0", Duration::ZERO);
    let (mut cluster, key) = with_pod(object.clone());
    assert_eq!(judged(&mut cluster, &key), lines(TEMPLATE));
    cluster.apply("DaemonSet", in_deletion(object));
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
}

#[test]
fn a_template_that_its_controller_does_not_look_at_counts_after_an_hour() {
    let (mut cluster, key) = with_pod(daemons(3, "agent:3.0.0", Duration::ZERO));
    cluster.now += ALMOST_AN_HOUR;
    let assembled = cluster.assemble(&key).unwrap();
    assert_eq!(assembled.workload.containers.len(), 1);
    assert_eq!(assembled.look_again, Some(Duration::from_secs(1)), "nothing else says it");
    // Who may write the object does not begin the hour anew.
    for (generation, image) in [(4, "agent:4.0.0"), (5, "agent:3.0.0")] {
        cluster.apply("DaemonSet", daemons(generation, image, ALMOST_AN_HOUR));
        assert_eq!(cluster.assemble(&key).unwrap().workload.containers.len(), 1);
    }
    cluster.now += Duration::from_secs(1);
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
    cluster.now += HOUR;
    assert_eq!(cluster.assemble(&key).unwrap().look_again, None);
    // The controller is back, and another template comes.
    cluster.apply("DaemonSet", daemons(2, "agent:3.0.0", Duration::ZERO));
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
    cluster.apply("DaemonSet", daemons(3, "agent:4.0.0", 2 * HOUR));
    assert_eq!(judged(&mut cluster, &key), lines(&["agent agent:4.0.0"]));
}

#[test]
fn a_restart_goes_by_the_time_at_which_the_object_was_written() {
    let (mut cluster, key) = with_pod(daemons(3, "agent:3.0.0", Duration::ZERO));
    cluster.now += HOUR;
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
    // Without a time, or with one in the future, the hour begins now.
    let mut undated = daemons(3, "agent:3.0.0", Duration::ZERO);
    undated["metadata"]["managedFields"] = json!(null);
    for object in [undated, daemons(3, "agent:3.0.0", 9 * HOUR)] {
        let (mut cluster, key) = with_pod(object);
        cluster.now += HOUR;
        assert_eq!(judged(&mut cluster, &key), lines(TEMPLATE));
        cluster.now += HOUR;
        assert_eq!(judged(&mut cluster, &key), lines(BOTH));
    }
}

#[test]
fn a_scaling_leaves_a_template_that_was_seen_as_it_is() {
    let (mut cluster, key) = with_pod(daemons(2, "agent:3.0.0", Duration::ZERO));
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
    let daemon_sets = watched().find(|known| known.kind() == "DaemonSet").unwrap();
    let scaled = daemons(3, "agent:3.0.0", HOUR);
    let (_, affected) = cluster.apply_served(&ServedKind::built_in(daemon_sets), scaled);
    assert_eq!(affected, BTreeSet::new());
    assert_eq!(judged(&mut cluster, &key), lines(BOTH));
}
