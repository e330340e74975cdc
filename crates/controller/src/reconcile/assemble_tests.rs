//! What is judged under a key, from objects as the API server sends them.

use std::collections::BTreeSet;

use kube_runtime::reflector::store::{Writer, store};
use kube_runtime::watcher::Event;
use serde_json::{Value, json};
use tagwatch_core::kinds::{CustomKinds, KindName};
use tagwatch_k8s::kind::TemplateKind;
use tagwatch_k8s::slim::{CustomObject, SlimCustom, SlimPod, SlimWorkload};

use super::*;
use crate::index::{custom_node, key_of, node_of};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};

/// A cluster in memory: the index and stores as the watches fill them.
pub(crate) struct Cluster {
    pub(crate) index: Index,
    pub(crate) stores: Stores,
    deployments: Writer<SlimWorkload<Deployment>>,
    replica_sets: Writer<SlimWorkload<ReplicaSet>>,
    jobs: Writer<SlimWorkload<Job>>,
    cron_jobs: Writer<SlimWorkload<CronJob>>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let mut stores = Stores::default();
        Self {
            deployments: add_store(&mut stores),
            replica_sets: add_store(&mut stores),
            jobs: add_store(&mut stores),
            cron_jobs: add_store(&mut stores),
            index: Index::default(),
            stores,
        }
    }

    pub(crate) fn deployment(&mut self, object: Value) -> WorkloadKey {
        apply(&mut self.index, &mut self.deployments, object)
    }

    pub(crate) fn replica_set(&mut self, object: Value) -> WorkloadKey {
        apply(&mut self.index, &mut self.replica_sets, object)
    }

    pub(crate) fn job(&mut self, object: Value) -> WorkloadKey {
        apply(&mut self.index, &mut self.jobs, object)
    }

    fn cron_job(&mut self, object: Value) -> WorkloadKey {
        apply(&mut self.index, &mut self.cron_jobs, object)
    }

    pub(crate) fn pod(&mut self, object: Value) -> WorkloadKey {
        let pod: SlimPod = serde_json::from_value(object).unwrap();
        self.index.apply_pod(&pod);
        key_of(&pod)
    }

    /// `name image` of each container, or why there is nothing.
    fn judged(&self, key: &WorkloadKey) -> Result<Vec<String>, Absence> {
        self.containers(key).map(|containers| {
            let line = |container: &Container| format!("{} {}", container.name.raw(), container.image.raw());
            containers.iter().map(line).collect()
        })
    }

    fn containers(&self, key: &WorkloadKey) -> Result<Vec<Container>, Absence> {
        match assemble(key, &self.index, &self.stores) {
            Assembled::Workload(workload) => Ok(workload.containers),
            Assembled::Absent(absence) => Err(absence),
        }
    }
}

pub(crate) fn add_store<K: TemplateKind>(stores: &mut Stores) -> Writer<SlimWorkload<K>> {
    let (reader, writer) = store();
    stores.add(K::WATCHED, Box::new(reader));
    writer
}

pub(crate) fn apply<K: TemplateKind>(
    index: &mut Index,
    writer: &mut Writer<SlimWorkload<K>>,
    object: Value,
) -> WorkloadKey {
    let object: SlimWorkload<K> = serde_json::from_value(object).unwrap();
    let key = key_of(&object);
    index.owners.apply(node_of(&object));
    writer.apply_watcher_event(&Event::Apply(object));
    key
}

pub(crate) fn metadata(name: &str, owner: Option<(&str, &str, &str)>) -> Value {
    let owners: Vec<Value> = owner
        .into_iter()
        .map(|(api_version, kind, name)| {
            json!({ "apiVersion": api_version, "kind": kind, "name": name, "uid": uid(name), "controller": true })
        })
        .collect();
    json!({ "name": name, "namespace": "shop", "uid": uid(name), "ownerReferences": owners })
}

fn uid(name: &str) -> String {
    format!("uid-of-{name}")
}

fn containers(all: &[(&str, &str)]) -> Value {
    let list = all
        .iter()
        .map(|(name, image)| json!({ "name": name, "image": image, "imagePullPolicy": "IfNotPresent" }));
    json!({ "containers": list.collect::<Vec<_>>() })
}

pub(crate) fn workload(
    name: &str,
    owner: Option<(&str, &str, &str)>,
    replicas: i32,
    all: &[(&str, &str)],
) -> Value {
    json!({
        "metadata": metadata(name, owner),
        "spec": { "replicas": replicas, "template": { "spec": containers(all) } },
    })
}

pub(crate) fn pod(name: &str, owner: Option<(&str, &str, &str)>, phase: &str, all: &[(&str, &str)]) -> Value {
    json!({ "metadata": metadata(name, owner), "spec": containers(all), "status": { "phase": phase } })
}

fn revision(mut replica_set: Value, revision: u32) -> Value {
    replica_set["metadata"]["annotations"] =
        json!({ "deployment.kubernetes.io/revision": revision.to_string() });
    replica_set
}

pub(crate) const WEB: (&str, &str, &str) = ("apps/v1", "Deployment", "web");
pub(crate) const ROLLOUT: (&str, &str, &str) = ("argoproj.io/v1alpha1", "Rollout", "web");

pub(crate) fn rollout() -> WorkloadKey {
    WorkloadKey::new(ROLLOUT.0, ROLLOUT.1, "shop", ROLLOUT.2, uid(ROLLOUT.2))
}

#[test]
fn a_template_is_judged_even_when_scaled_to_zero() {
    let mut cluster = Cluster::new();
    let key = cluster.deployment(workload("web", None, 0, &[("web", "nginx:1.27")]));
    assert_eq!(cluster.judged(&key), Ok(vec!["web nginx:1.27".to_owned()]));
}

#[test]
fn pods_add_only_what_the_template_lacks() {
    let mut cluster = Cluster::new();
    let key = cluster.deployment(workload("web", None, 1, &[("web", "nginx:1.27")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.replica_set(workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    let injected = [("web", "mirror.corp/nginx:1.27"), ("proxy", "envoy:1.31")];
    cluster.pod(pod("web-1-a", Some(set), "Running", &injected));
    cluster.pod(pod("web-1-b", Some(set), "Running", &injected));
    assert_eq!(cluster.judged(&key), Ok(vec!["web nginx:1.27".to_owned(), "proxy envoy:1.31".to_owned()]));
    let observed = cluster.containers(&key).unwrap()[0].observed.unwrap();
    assert_eq!((observed.pods, observed.always, observed.by_digest), (2, 0, 0));
}

#[test]
fn pods_of_a_superseded_replica_set_say_nothing_of_the_template() {
    let mut cluster = Cluster::new();
    let key = cluster.deployment(workload("web", None, 1, &[("web", "nginx:1.28")]));
    let old = workload("web-1", Some(WEB), 0, &[("web", "nginx:1.27"), ("logs", "fluentd:v1")]);
    cluster.replica_set(revision(old, 1));
    cluster.replica_set(revision(workload("web-2", Some(WEB), 1, &[("web", "nginx:1.28")]), 2));
    let old_set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(old_set), "Running", &[("web", "nginx:1.27"), ("logs", "fluentd:v1")]));
    assert_eq!(cluster.judged(&key), Ok(vec!["web nginx:1.28".to_owned()]));
    assert_eq!(cluster.containers(&key).unwrap()[0].observed, None);
}

#[test]
fn a_replica_set_of_a_deployment_is_not_reported() {
    let mut cluster = Cluster::new();
    cluster.deployment(workload("web", None, 1, &[("web", "nginx:1.27")]));
    let set = cluster.replica_set(workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    assert_eq!(cluster.judged(&set), Err(Absence::NotReported));
}

#[test]
fn a_replica_set_of_its_own_is() {
    let mut cluster = Cluster::new();
    let set = cluster.replica_set(workload("web", None, 1, &[("web", "nginx:1.27")]));
    assert_eq!(cluster.judged(&set), Ok(vec!["web nginx:1.27".to_owned()]));
}

#[test]
fn an_owner_of_an_unknown_kind_borrows_the_template_of_its_live_replica_set() {
    let mut cluster = Cluster::new();
    cluster.replica_set(revision(workload("web-1", Some(ROLLOUT), 0, &[("web", "nginx:1.27")]), 1));
    cluster.replica_set(revision(workload("web-2", Some(ROLLOUT), 2, &[("web", "nginx:1.28")]), 2));
    assert_eq!(cluster.judged(&rollout()), Ok(vec!["web nginx:1.28".to_owned()]));
    assert_eq!(cluster.index.candidates().into_iter().collect::<Vec<_>>(), [rollout()]);
}

#[test]
fn scaled_to_zero_it_borrows_that_of_the_newest() {
    let mut cluster = Cluster::new();
    cluster.replica_set(revision(workload("web-2", Some(ROLLOUT), 0, &[("web", "nginx:1.28")]), 2));
    cluster.replica_set(revision(workload("web-1", Some(ROLLOUT), 0, &[("web", "nginx:1.27")]), 1));
    assert_eq!(cluster.judged(&rollout()), Ok(vec!["web nginx:1.28".to_owned()]));
}

#[test]
fn pods_of_an_unknown_owner_are_its_union_with_each_image_once() {
    let mut cluster = Cluster::new();
    cluster.pod(pod("web-b", Some(ROLLOUT), "Running", &[("web", "nginx:1.28")]));
    cluster.pod(pod("web-a", Some(ROLLOUT), "Pending", &[("web", "nginx:1.27")]));
    cluster.pod(pod("web-c", Some(ROLLOUT), "Running", &[("web", "nginx:1.27")]));
    cluster.pod(pod("web-d", Some(ROLLOUT), "Succeeded", &[("web", "nginx:1.26")]));
    assert_eq!(
        cluster.judged(&rollout()),
        Ok(vec!["web nginx:1.27".to_owned(), "web nginx:1.28".to_owned()])
    );
}

#[test]
fn a_bare_pod_counts_until_it_has_ended() {
    let mut cluster = Cluster::new();
    let key = cluster.pod(pod("debug", None, "Running", &[("sh", "busybox")]));
    assert_eq!(cluster.judged(&key), Ok(vec!["sh busybox".to_owned()]));
    cluster.pod(pod("debug", None, "Failed", &[("sh", "busybox")]));
    assert_eq!(cluster.judged(&key), Err(Absence::Gone));
}

#[test]
fn a_mirror_pod_is_a_workload_of_its_own() {
    let mut cluster = Cluster::new();
    let mut mirror = pod("etcd-n1", Some(("v1", "Node", "n1")), "Running", &[("etcd", "etcd:3.6.8-0")]);
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "hash" });
    let key = cluster.pod(mirror);
    assert_eq!(cluster.judged(&key), Ok(vec!["etcd etcd:3.6.8-0".to_owned()]));
}

#[test]
fn a_finished_job_of_its_own_is_not_reported() {
    let mut cluster = Cluster::new();
    let mut job = workload("import", None, 1, &[("import", "importer:main")]);
    let key = cluster.job(job.clone());
    assert_eq!(cluster.judged(&key), Ok(vec!["import importer:main".to_owned()]));
    job["status"] = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
    cluster.job(job);
    assert_eq!(cluster.judged(&key), Err(Absence::NotReported));
}

#[test]
fn pods_of_a_cron_job_are_two_steps_away() {
    let mut cluster = Cluster::new();
    let cron_job = json!({
        "metadata": metadata("nightly", None),
        "spec": { "jobTemplate": { "spec": { "template": { "spec": containers(&[("run", "tool:v2")]) } } } },
    });
    let key = cluster.cron_job(cron_job);
    cluster.job(workload("nightly-1", Some(("batch/v1", "CronJob", "nightly")), 1, &[("run", "tool:v2")]));
    let job = ("batch/v1", "Job", "nightly-1");
    cluster.pod(pod("nightly-1-a", Some(job), "Running", &[("run", "tool:v2"), ("proxy", "envoy:1.31")]));
    assert_eq!(cluster.judged(&key), Ok(vec!["run tool:v2".to_owned(), "proxy envoy:1.31".to_owned()]));
}

#[test]
fn an_object_recreated_under_its_name_is_another_workload() {
    let mut cluster = Cluster::new();
    let old = cluster.deployment(workload("web", None, 1, &[("web", "nginx:1.27")]));
    let mut again = workload("web", None, 1, &[("web", "nginx:1.28")]);
    again["metadata"]["uid"] = json!("uid-of-the-second-web");
    cluster.deployment(again);
    assert_eq!(cluster.judged(&old), Err(Absence::Gone));
}

/// The form in which a watch of a custom kind fills the index.
pub(crate) fn apply_custom(cluster: &mut Cluster, group: &str, kind: &str, object: Value) -> WorkloadKey {
    let kinds = CustomKinds::default();
    let kind = kinds.get(&KindName::new(group, kind)).unwrap();
    let version = &kind.versions[0];
    let object: CustomObject = serde_json::from_value(object).unwrap();
    let node = custom_node(object.metadata(), &format!("{group}/{}", version.version), kind);
    let key = node.key.clone();
    let object = (!kind.is_link()).then(|| SlimCustom::read(object, kind, &version.templates));
    cluster.index.owners.begin_custom(&kind.name, None);
    cluster.index.apply_custom(node, object);
    key
}

pub(crate) fn unset(name: &str, image: &str) -> Value {
    json!({ "spec": { "containers": [{ "name": name, "image": image }] } })
}

pub(crate) fn rollout_object(spec: &Value) -> Value {
    json!({ "metadata": metadata("web", None), "spec": spec })
}

#[test]
fn a_watched_custom_object_is_judged_by_its_own_template_with_the_sidecars_of_its_pods() {
    let mut cluster = Cluster::new();
    cluster.replica_set(workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.28")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(set), "Running", &[("web", "nginx:1.28"), ("proxy", "envoy:1.31")]));
    let template = rollout_object(&json!({ "template": unset("web", "nginx:1.28") }));
    let key = apply_custom(&mut cluster, "argoproj.io", "Rollout", template);
    assert_eq!(key, rollout(), "one report, before and after");
    assert_eq!(cluster.judged(&key), Ok(vec!["web nginx:1.28".to_owned(), "proxy envoy:1.31".to_owned()]));
    assert_eq!(cluster.index.candidates(), BTreeSet::from([key.clone()]));
    let Assembled::Workload(workload) = assemble(&key, &cluster.index, &cluster.stores) else {
        panic!("absent")
    };
    assert_eq!(workload.origin, Origin::Manifest, "nobody filled in the pull policy of the template");
    let policies = workload.containers.iter().map(Container::written_pull_policy);
    assert_eq!(policies.collect::<Vec<_>>(), [None, Some(PullPolicy::IfNotPresent)]);
    assert_eq!(workload.containers[0].observed.map(|observed| observed.pods), Some(1));
}

#[test]
fn a_rollout_without_a_template_of_its_own_borrows_that_of_its_replica_set() {
    let mut cluster = Cluster::new();
    cluster.replica_set(workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.28")]));
    let reference = rollout_object(&json!({ "workloadRef": { "kind": "Deployment", "name": "web" } }));
    let key = apply_custom(&mut cluster, "argoproj.io", "Rollout", reference);
    assert_eq!(cluster.judged(&key), Ok(vec!["web nginx:1.28".to_owned()]));
}

#[test]
fn what_a_watched_custom_kind_does_not_know_is_gone() {
    let mut cluster = Cluster::new();
    let template = rollout_object(&json!({ "template": unset("web", "nginx:1.28") }));
    let key = apply_custom(&mut cluster, "argoproj.io", "Rollout", template);
    cluster.pod(pod("web-a", Some(ROLLOUT), "Running", &[("web", "nginx:1.28")]));
    cluster.index.delete_custom(key.uid());
    assert_eq!(cluster.judged(&key), Err(Absence::Gone));
    cluster.index.end_custom(&KindName::new("argoproj.io", "Rollout"), None);
    assert_eq!(
        cluster.judged(&key),
        Ok(vec!["web nginx:1.28".to_owned()]),
        "under an owner that nobody reads"
    );
    assert_eq!(cluster.index.unread_kinds(), BTreeSet::from(["Rollout.argoproj.io".to_owned()]));
}

#[test]
fn a_knative_chain_is_one_workload() {
    let group = "serving.knative.dev";
    let controlled = |name: &str, kind: &str, owner: &str| {
        let controller = ("serving.knative.dev/v1", kind, owner);
        json!({ "metadata": metadata(name, Some(controller)), "spec": { "template": unset("web", "nginx:1.28") } })
    };
    let mut cluster = Cluster::new();
    let service =
        json!({ "metadata": metadata("web", None), "spec": { "template": unset("web", "nginx:1.28") } });
    let service = apply_custom(&mut cluster, group, "Service", service);
    let configuration =
        apply_custom(&mut cluster, group, "Configuration", controlled("web-c", "Service", "web"));
    for (revision, created, sidecar) in [("web-1", "01", "old-proxy"), ("web-2", "02", "proxy")] {
        let mut object = controlled(revision, "Configuration", "web-c");
        object["metadata"]["creationTimestamp"] = json!(format!("2026-11-{created}T00:00:00Z"));
        apply_custom(&mut cluster, group, "Revision", object);
        let deployment = format!("{revision}-deployment");
        let owner = ("serving.knative.dev/v1", "Revision", revision);
        cluster.deployment(workload(&deployment, Some(owner), 1, &[("web", "nginx:1.28")]));
        let set = format!("{revision}-set");
        let owner = ("apps/v1", "Deployment", deployment.as_str());
        cluster.replica_set(workload(&set, Some(owner), 1, &[("web", "nginx:1.28")]));
        let containers = [("web", "nginx:1.28"), (sidecar, "queue:1.17.0")];
        let owner = ("apps/v1", "ReplicaSet", set.as_str());
        cluster.pod(pod(&format!("{revision}-a"), Some(owner), "Running", &containers));
    }
    assert_eq!(
        cluster.judged(&service),
        Ok(vec!["web nginx:1.28".to_owned(), "proxy queue:1.17.0".to_owned()])
    );
    assert_eq!(cluster.judged(&configuration), Err(Absence::NotReported));
    assert_eq!(cluster.index.candidates(), BTreeSet::from([service]));
    assert!(cluster.index.unread_kinds().is_empty());
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
    let mut cluster = Cluster::new();
    let key = apply_custom(&mut cluster, "kubeflow.org", "PyTorchJob", object.clone());
    let containers = cluster.containers(&key).unwrap();
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
    let containers = cluster.containers(&key).unwrap();
    let pods: Vec<_> = containers.iter().map(|container| container.observed.map(|seen| seen.pods)).collect();
    assert_eq!(pods, [Some(2), Some(1)]);
    object["status"] = json!({ "conditions": [{ "type": "Succeeded", "status": "True" }] });
    apply_custom(&mut cluster, "kubeflow.org", "PyTorchJob", object);
    assert_eq!(cluster.judged(&key), Err(Absence::NotReported), "nothing will be pulled again");
}
