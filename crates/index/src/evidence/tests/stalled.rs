//! Pods that differ while a rollout makes no progress.

use super::*;

/// When objects of these tests were last written, and when their rollouts are stalled by that.
const WRITTEN: u32 = NOW - 10_000;

/// Pods of a DaemonSet, of which one node gets no new one.
fn stuck_daemon_set(written: u32) -> Value {
    let status = json!({ "observedGeneration": 2, "currentNumberScheduled": 3, "updatedNumberScheduled": 1 });
    let mut object = workload("web", None, NGINX, None, &status);
    object["metadata"]["managedFields"] = json!([{
        "time": time(written).to_string(), "subresource": "status", "fieldsV1": { "f:status": {} },
    }]);
    object["spec"]["updateStrategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1 } });
    object
}

#[test]
fn pods_of_a_daemon_set_are_mixed_once_its_rollout_is_stalled() {
    for (written, is_mixed) in [(NOW - 3_629, false), (NOW - 3_630, true), (WRITTEN, true)] {
        let mut cluster = Drifting::new();
        let key = cluster.apply("DaemonSet", stuck_daemon_set(written));
        for (name, letter) in [("web-a", "a"), ("web-b", "a"), ("web-c", "b")] {
            cluster.pod(ran(name, ("DaemonSet", "web"), NGINX, letter));
        }
        let evidence = cluster.evidence(&key);
        assert!(evidence.moved.is_some());
        assert_eq!(evidence.mixed.is_some(), is_mixed, "{written}");
        if let Some(mixed) = evidence.mixed {
            let named = mixed.resolutions.digests.iter().map(|found| (found.pods, found.here.len()));
            assert_eq!(named.collect::<Vec<_>>(), [(2, 2), (1, 1)]);
        }
    }
}

#[test]
fn pods_of_each_revision_of_a_stalled_deployment_are_compared_by_themselves() {
    let mut cluster = Drifting::new();
    let with = |reason: &str, status: &str| {
        let progress = json!([{
            "type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": time(NOW).to_string(),
        }]);
        let status = json!({
            "observedGeneration": 1, "replicas": 3, "updatedReplicas": 1, "conditions": progress,
        });
        workload("web", None, NGINX, None, &status)
    };
    let key = cluster.apply("Deployment", with("ReplicaSetUpdated", "True"));
    for (name, revision) in [("web-1", 1), ("web-2", 2)] {
        cluster.replica_set(name, ("Deployment", "web"), NGINX, revision);
    }
    cluster.pod(ran("web-1-a", ("ReplicaSet", "web-1"), NGINX, "a"));
    cluster.pod(ran("web-2-a", ("ReplicaSet", "web-2"), NGINX, "c"));
    cluster.apply("Deployment", with("ProgressDeadlineExceeded", "False"));
    // One image in each.
    assert!(cluster.evidence(&key).mixed.is_none());
    cluster.pod(ran("web-1-b", ("ReplicaSet", "web-1"), NGINX, "b"));
    let mixed = cluster.evidence(&key).mixed.unwrap();
    assert_eq!(digests(&mixed.resolutions), [digest("a"), digest("b")]);
    assert!(mixed.resolutions.digests.iter().all(|found| found.here.len() == 1));
    // It makes progress.
    cluster.apply("Deployment", with("ReplicaSetUpdated", "True"));
    assert!(cluster.evidence(&key).mixed.is_none());
    // Without a deadline, nothing says so: an hour after the last pod was replaced.
    cluster.deployment(NGINX, 3, 1);
    assert!(cluster.evidence(&key).mixed.is_none());
    cluster.0.now = time(NOW + 3_629);
    assert!(cluster.evidence(&key).mixed.is_none());
    cluster.0.now = time(NOW + 3_630);
    assert!(cluster.evidence(&key).mixed.is_some());
}
