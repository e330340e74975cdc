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
