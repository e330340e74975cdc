//! Deployments and `StatefulSet`s that a custom object controls: their rollouts are the only ones that say how far they are.

use std::time::Duration;

use serde_json::{Value, json};

use super::rollouts::{deployment, progress};
use super::*;

const HOUR: Duration = Duration::from_hours(1);

fn controlled(mut object: Value, owner: crate::testing::Owner<'_>) -> Value {
    object["metadata"]["ownerReferences"] = metadata("any", Some(owner))["ownerReferences"].clone();
    object
}

/// A `LeaderWorkerSet` whose StatefulSet changes from one revision to another, of two pods so many are updated.
fn leaders(updated: u32) -> (Cluster, WorkloadKey) {
    let mut cluster = Cluster::default();
    let template = json!({ "workerTemplate": { "spec": containers(&[("db", "db:2.0.0")]) } });
    let object =
        json!({ "metadata": metadata("leaders", None), "spec": { "leaderWorkerTemplate": template } });
    let key = cluster.apply_custom("leaderworkerset.x-k8s.io", "LeaderWorkerSet", object);
    let mut set = workload("db", None, 2, &[("db", "db:2.0.0")]);
    set["status"] = json!({
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": updated,
        "currentRevision": "db-1", "updateRevision": "db-2",
    });
    let owner = ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "leaders");
    cluster.apply("StatefulSet", controlled(set, owner));
    for (name, label, image) in [("db-0", "db-1", "miner"), ("db-1", "db-2", "newest")] {
        let mut pod = pod(name, Some(("apps/v1", "StatefulSet", "db")), "Running", &[("db", image)]);
        pod["metadata"]["labels"] = json!({ "controller-revision-hash": label });
        cluster.pod(pod);
    }
    (cluster, key)
}

#[test]
fn a_set_below_a_custom_object_is_rolled_out_as_one_of_its_own() {
    let (mut cluster, key) = leaders(1);
    // The pod of the newest revision counts at once.
    assert_eq!(judged(&mut cluster, &key), lines(&["db db:2.0.0", "db newest"]));
    let look_again = cluster.assemble(&key).unwrap().look_again;
    assert_eq!(look_again, Some(HOUR + Duration::from_secs(30)), "nothing else says it");
    cluster.now += HOUR + Duration::from_secs(30);
    let set = WorkloadKey::new("apps/v1", "StatefulSet", "shop", "db", crate::testing::uid("db"));
    assert_eq!(judged(&mut cluster, &set), Err(Absence::NotReported));
    let all = lines(&["db db:2.0.0", "db miner", "db newest"]);
    assert_eq!(judged(&mut cluster, &key), all);
    let (mut over, key) = leaders(2);
    assert_eq!(judged(&mut over, &key), all);
}

/// A `Revision` of Knative with its Deployment, whose earlier `ReplicaSet` runs something else.
fn knative(conditions: Value) -> (Cluster, WorkloadKey) {
    let group = "serving.knative.dev";
    let mut cluster = Cluster::default();
    let spec = json!({ "template": unset("web", "web:2.0.0") });
    let key = cluster.apply_custom(
        group,
        "Configuration",
        json!({ "metadata": metadata("config", None), "spec": spec }),
    );
    let owner = ("serving.knative.dev/v1", "Configuration", "config");
    cluster.apply_custom(group, "Revision", json!({ "metadata": metadata("config-1", Some(owner)) }));
    let mut object = deployment("web:2.0.0", (2, 2), (2, 1));
    object["status"]["conditions"] = conditions;
    let owner = ("serving.knative.dev/v1", "Revision", "config-1");
    cluster.apply("Deployment", controlled(object, owner));
    for (name, number, image) in [("web-1", 1, "miner"), ("web-2", 2, "web:2.0.0")] {
        cluster.apply("ReplicaSet", revision(workload(name, Some(WEB), 1, &[("web", image)]), number));
        let owner = Some(("apps/v1", "ReplicaSet", name));
        cluster.pod(pod(&format!("{name}-a"), owner, "Running", &[("web", image)]));
    }
    (cluster, key)
}

#[test]
fn the_deadline_of_a_deployment_below_a_custom_object_applies() {
    let template = lines(&["web web:2.0.0"]);
    let both = lines(&["web web:2.0.0", "web miner"]);
    let (mut stalled, key) = knative(progress("False", "ProgressDeadlineExceeded"));
    assert_eq!(judged(&mut stalled, &key), both);
    let containers = containers_of(&mut stalled, &key).unwrap();
    let older = containers[1].drift.as_ref().and_then(|drift| drift.older_revision.clone()).unwrap();
    assert_eq!((older.owner.raw(), older.name.raw()), ("deployment.apps/web", "web-1"));
    // A paused one has none of its own.
    let (mut paused, key) = knative(progress("Unknown", "DeploymentPaused"));
    assert_eq!(judged(&mut paused, &key), template);
    paused.now += HOUR;
    assert_eq!(judged(&mut paused, &key), both);
}

#[test]
fn pods_of_an_earlier_revision_of_a_custom_object_are_judged_after_an_hour() {
    let (mut cluster, key) = knative(progress("False", "ProgressDeadlineExceeded"));
    let owner = ("serving.knative.dev/v1", "Configuration", "config");
    let mut newer = json!({ "metadata": metadata("config-2", Some(owner)) });
    newer["metadata"]["creationTimestamp"] = json!("1970-01-01T00:01:00Z");
    cluster.apply_custom("serving.knative.dev", "Revision", newer);
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:2.0.0"]));
    cluster.now += HOUR;
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:2.0.0", "web miner"]));
    // Nothing runs below it any more.
    for name in ["web-1-a", "web-2-a"] {
        let gone = pod(name, None, "Running", &[]);
        cluster.index.delete_pod(&serde_json::from_value(gone).unwrap(), cluster.now);
    }
    assert_eq!(judged(&mut cluster, &key), lines(&["web web:2.0.0"]));
    assert_eq!(cluster.assemble(&key).unwrap().look_again, None);
}
