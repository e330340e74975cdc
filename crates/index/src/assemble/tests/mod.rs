//! What is judged under a key, from objects as the API server sends them.

mod held;
mod hostile;
mod nested;
mod numbered;
mod rollouts;
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

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what `judged` returns")]
fn lines(all: &[&str]) -> Result<Vec<String>, Absence> {
    Ok(all.iter().map(|line| (*line).to_owned()).collect())
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
fn when_it_was_created_is_that_of_its_object_alone() {
    let mut cluster = Cluster::default();
    let mut created = |kind: &str, time: Option<&str>| {
        let mut object = workload("web", None, 0, &[("web", "nginx:1.27")]);
        if let Some(time) = time {
            object["metadata"]["creationTimestamp"] = json!(time);
        }
        let key = cluster.apply(kind, object);
        cluster.assemble(&key).map(|assembled| assembled.workload.created)
    };
    let time = "2026-11-30T08:00:00Z";
    assert_eq!(created("Deployment", Some(time)), Ok(Some(time.parse().unwrap())));
    assert_eq!(created("StatefulSet", None), Ok(None));
    let mut set = workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.27")]);
    set["metadata"]["creationTimestamp"] = json!(time);
    cluster.apply("ReplicaSet", set);
    let lent = cluster.assemble(&rollout()).map(|assembled| assembled.workload.created);
    assert_eq!(lent, Ok(None), "a rollout of it is younger than it may be");
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
fn a_pod_leads_to_the_workload_that_it_is_reported_under() {
    let mut cluster = Cluster::default();
    let deployment = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    cluster.apply("ReplicaSet", workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(set), "Running", &[("web", "nginx:1.27")]));
    cluster.pod(pod("bare", None, "Running", &[("web", "nginx:1.27")]));
    let under = |pod: &str| cluster.index.reported_under(deployment.namespace(), pod);
    assert_eq!(under("web-1-a"), Some(deployment.clone()));
    assert_eq!((under("bare"), under("gone"), under("web")), (None, None, None));
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
fn kinds_that_the_pods_of_one_namespace_make_up_leave_those_of_others_in_sight() {
    let mut cluster = Cluster::default();
    let pods = (0..150).map(|number| ("blue", format!("A{number:03}")));
    for (namespace, kind) in pods.chain([("shop", "Zebra".to_owned())]) {
        let name = kind.to_lowercase();
        let mut pod =
            pod(&name, Some(("example.com/v1", kind.as_str(), "x")), "Running", &[("web", "nginx:1.27")]);
        pod["metadata"]["namespace"] = json!(namespace);
        pod["metadata"]["uid"] = json!(name);
        cluster.pod(pod);
    }
    let kinds = cluster.index.uncovered_kinds();
    assert_eq!(kinds.len(), 100);
    assert!(kinds.contains("Zebra.example.com") && kinds.contains("A098.example.com"), "{kinds:?}");
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
