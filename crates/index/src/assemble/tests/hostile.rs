//! Workloads as large as a user can make them. The limits of time are generous: what is quadratic misses them by far.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tagwatch_core::drift::PullFailure;
use tagwatch_core::workload::Limit;

use super::super::*;
use super::revision;
use super::rollouts::{deployment, two_revisions};
use crate::owners::MAX_DEPENDENTS;
use crate::testing::{Cluster, ROLLOUT, WEB, containers, metadata, pod, rollout, uid, workload};

const GENEROUS: Duration = Duration::from_mins(2);

/// Fails a test that takes for ever.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(GENEROUS).unwrap_or_else(|error| panic!("not within {GENEROUS:?}: {error}"))
}

fn assembled(cluster: &mut Cluster, key: &WorkloadKey) -> Workload {
    cluster.assemble(key).unwrap().workload
}

fn waiting(container: &str, image: &str) -> Value {
    json!({ "name": container, "image": image, "imageID": "", "state": { "waiting": { "reason": "ImagePullBackOff" } } })
}

/// A pod with these containers, all of which wait for their images.
fn failing(name: &str, owner: Option<crate::testing::Owner<'_>>, all: &[(String, String)]) -> Value {
    let list: Vec<(&str, &str)> = all.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    let mut pod = pod(name, owner, "Pending", &list);
    let statuses: Vec<Value> = list.iter().map(|(name, image)| waiting(name, image)).collect();
    pod["status"]["containerStatuses"] = json!(statuses);
    pod
}

fn crowd(pod: usize, count: usize) -> Vec<(String, String)> {
    (0..count).map(|at| (format!("c{at}"), format!("registry.example/p{pod}:1.0.{at}"))).collect()
}

fn failure(workload: &Workload, at: usize) -> &PullFailure {
    workload.containers[at].drift.as_ref().unwrap().pull_failure.as_ref().unwrap()
}

#[test]
fn sixty_pods_of_a_thousand_containers_each_are_one_workload_within_the_limits() {
    within(|| {
        let mut cluster = Cluster::default();
        for number in 0..60 {
            cluster.pod(failing(&format!("crowd-{number:02}"), Some(ROLLOUT), &crowd(number, 1_000)));
        }
        let union = assembled(&mut cluster, &rollout());
        assert_eq!(union.containers.len(), MAX_CONTAINERS);
        let limits = [Limit::Containers, Limit::PodContainers];
        assert_eq!(union.limits, limits.into(), "sixty thousand images cannot be pulled");
        // Sorted by name and image, so the first container is c0 of the first pod.
        assert_eq!(union.containers[0].image.raw(), "registry.example/p0:1.0.0");
        assert_eq!(failure(&union, 0).here[0].pod.raw(), "crowd-00");
        // A template of as many containers, with pods of other images.
        let mut cluster = Cluster::default();
        let template = crowd(99, 1_000);
        let template: Vec<(&str, &str)> =
            template.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
        let key = cluster.apply("Deployment", workload("web", None, 60, &template));
        cluster.apply("ReplicaSet", workload("web-1", Some(WEB), 60, &template));
        for number in 0..60 {
            let owner = Some(("apps/v1", "ReplicaSet", "web-1"));
            cluster.pod(failing(&format!("crowd-{number:02}"), owner, &crowd(number, 1_000)));
        }
        let workload = assembled(&mut cluster, &key);
        assert_eq!(workload.containers.len(), 1_000);
        assert_eq!(workload.containers[999].observed.map(|observed| observed.pods), Some(60));
    });
}

#[test]
fn each_of_five_thousand_pods_of_a_namespace_is_assembled_by_itself() {
    const PODS: usize = 5_000;
    within(|| {
        let mut cluster = Cluster::default();
        let image = [("app".to_owned(), "registry.example/missing:1.0.0".to_owned())];
        let keys: Vec<WorkloadKey> =
            (0..PODS).map(|at| cluster.pod(failing(&format!("pod-{at:05}"), None, &image))).collect();
        for (at, key) in keys.iter().enumerate() {
            let workload = assembled(&mut cluster, key);
            let here: Vec<&str> = failure(&workload, 0).here.iter().map(|pod| pod.pod.raw()).collect();
            assert_eq!(here, [format!("pod-{at:05}")]);
            assert!(workload.limits.is_empty());
        }
    });
}

#[test]
fn one_owner_of_five_thousand_pods_is_assembled_after_each_of_them() {
    const PODS: usize = 5_000;
    within(|| {
        let mut cluster = Cluster::default();
        let image = [("app".to_owned(), "registry.example/app:1.0.0".to_owned())];
        for at in 0..PODS {
            cluster.pod(failing(&format!("pod-{at:05}"), Some(ROLLOUT), &image));
            if at % 10 == 0 {
                assembled(&mut cluster, &rollout());
            }
        }
        // Names are taken once more when the pods that follow have had a minute to do so.
        cluster.now = Timestamp::from_second(60).unwrap();
        let workload = assembled(&mut cluster, &rollout());
        assert_eq!(workload.containers.len(), 1);
        assert_eq!(failure(&workload, 0).here.len(), 5);
        assert!(workload.limits.is_empty());
    });
}

#[test]
fn what_an_object_names_beyond_its_limit_is_an_error_of_its_workload() {
    let mut cluster = Cluster::default();
    let all = crowd(0, 1_001);
    let all: Vec<(&str, &str)> = all.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    let key = cluster.apply("Deployment", workload("web", None, 0, &all));
    let workload = assembled(&mut cluster, &key);
    assert_eq!((workload.containers.len(), workload.limits), (1_000, [Limit::ObjectSize].into()));
    let key = cluster.pod(pod("debug", None, "Running", &all));
    assert_eq!(assembled(&mut cluster, &key).limits, [Limit::ObjectSize].into());
}

/// Such a pod is of no rollout: a finalizer holds its ReplicaSet.
#[test]
fn what_an_older_pod_names_beyond_the_limit_is_an_error_of_its_workload() {
    let (mut cluster, key) = two_revisions("web:1.0.0", "web:2.0.0");
    let all = crowd(0, 1_001);
    let all: Vec<(&str, &str)> = all.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    cluster.pod(pod("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")), "Running", &all));
    cluster.apply("Deployment", deployment("web:2.0.0", (2, 2), (1, 1)));
    let mut held = revision(workload("web-1", Some(WEB), 0, &[("web", "web:1.0.0")]), 1);
    held["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
    cluster.apply("ReplicaSet", held);
    assert!(assembled(&mut cluster, &key).limits.contains(&Limit::ObjectSize));
}

#[test]
fn dependents_beyond_their_limit_are_named() {
    within(|| {
        let mut cluster = Cluster::default();
        let cron_job = json!({
            "metadata": metadata("nightly", None),
            "spec": { "jobTemplate": { "spec": { "template": { "spec": containers(&[("run", "tool:v2")]) } } } },
        });
        let key = cluster.apply("CronJob", cron_job);
        let owner = ("batch/v1", "CronJob", "nightly");
        for at in 0..MAX_DEPENDENTS {
            let job = json!({ "metadata": metadata(&format!("job-{at}"), Some(owner)), "spec": {} });
            cluster.apply("Job", job);
        }
        assert_eq!(assembled(&mut cluster, &key).limits, [Limit::Dependents].into());
        assert_eq!(uid("nightly"), key.uid());
    });
}
