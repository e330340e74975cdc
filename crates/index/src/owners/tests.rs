//! Under whom things are reported.

use std::sync::Arc;

use serde_json::{Value, json};
use tagwatch_core::kinds::{Kinds, watched};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::WireObject;

use super::chain::Top;
use super::*;
use crate::testing::served;

fn key(api_version: &'static str, kind: &'static str, name: &str) -> WorkloadKey {
    WorkloadKey::new(api_version, kind, "shop", name, format!("uid-{name}"))
}

fn object(served: &ServedKind, name: &str, controller: Option<&WorkloadKey>) -> SlimObject {
    object_with(served, name, controller, &Value::Null)
}

fn object_with(
    served: &ServedKind,
    name: &str,
    controller: Option<&WorkloadKey>,
    spec: &Value,
) -> SlimObject {
    let owner = |key: &WorkloadKey| {
        json!({
            "apiVersion": key.api_version(), "kind": key.kind(), "name": key.name(), "uid": key.uid(),
            "controller": true,
        })
    };
    let owners: Vec<Value> = controller.into_iter().map(owner).collect();
    let metadata =
        json!({ "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "ownerReferences": owners });
    let object = json!({ "metadata": metadata, "spec": spec });
    let wire: WireObject = serde_json::from_str(&object.to_string()).unwrap();
    SlimObject::read(&wire, served)
}

/// An object of a built-in kind.
fn node(kind: &str, name: &str, controller: Option<&WorkloadKey>) -> SlimObject {
    let kind = watched().find(|known| known.kind() == kind).unwrap();
    object(&ServedKind::built_in(kind), name, controller)
}

/// Under what everything is reported.
fn tops(index: &OwnerIndex) -> BTreeSet<WorkloadKey> {
    index.objects_behind(None).map(|key| index.top(key).into_key()).collect()
}

#[test]
fn a_chain_ends_at_the_deployment() {
    let mut index = OwnerIndex::default();
    let deployment = node("Deployment", "web", None);
    let replica_set = node("ReplicaSet", "web-1", Some(deployment.key()));
    assert_eq!(index.top(replica_set.key()), Top::Missing(replica_set.key().clone()), "not seen yet");
    index.apply(&replica_set);
    let missing = Top::Missing(deployment.key().clone());
    assert_eq!(index.top(replica_set.key()), missing, "its controller is not seen yet");
    assert_eq!(index.apply(&deployment), BTreeSet::from([deployment.key().clone()]));
    assert_eq!(index.top(replica_set.key()), Top::Workload(deployment.key().clone()));
    assert_eq!(index.children(deployment.key()).count(), 1);
    assert_eq!(tops(&index), BTreeSet::from([deployment.key().clone()]));
}

#[test]
fn a_kind_that_is_not_watched_ends_the_chain_by_its_owner_reference() {
    let mut index = OwnerIndex::default();
    let rollout = key("argoproj.io/v1alpha1", "Rollout", "web");
    let replica_set = node("ReplicaSet", "web-1", Some(&rollout));
    index.apply(&replica_set);
    assert_eq!(index.top(replica_set.key()), Top::Workload(rollout));
}

#[test]
fn the_uid_must_match() {
    let mut index = OwnerIndex::default();
    index.apply(&node("Deployment", "web", None));
    let stale = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "uid-of-the-one-before");
    assert_eq!(index.top(&stale), Top::Missing(stale));
}

#[test]
fn a_cron_job_that_something_controls_is_still_a_workload() {
    let mut index = OwnerIndex::default();
    let cron_job = node("CronJob", "report", Some(&key("example.com/v1", "Schedule", "nightly")));
    let job = node("Job", "report-1", Some(cron_job.key()));
    index.apply(&cron_job);
    index.apply(&job);
    assert_eq!(index.top(job.key()), Top::Workload(cron_job.key().clone()));
}

#[test]
fn a_loop_of_controllers_ends() {
    let mut index = OwnerIndex::default();
    let a = node("ReplicaSet", "a", Some(&key("apps/v1", "ReplicaSet", "b")));
    let b = node("ReplicaSet", "b", Some(&key("apps/v1", "ReplicaSet", "a")));
    index.apply(&a);
    index.apply(&b);
    assert!(matches!(index.top(a.key()), Top::Workload(_)));
}

#[test]
fn an_object_that_did_not_change_affects_nothing() {
    let mut index = OwnerIndex::default();
    let deployment = node("Deployment", "web", None);
    assert!(!index.apply(&deployment).is_empty());
    assert!(index.apply(&deployment).is_empty());
}

#[test]
fn a_complete_list_removes_what_it_does_not_name() {
    let mut index = OwnerIndex::default();
    let web = node("Deployment", "web", None);
    let db = node("StatefulSet", "db", None);
    index.apply(&web);
    index.apply(&db);
    let gone = index.retain(&KindName::new("apps", "Deployment"), None, &HashSet::new());
    assert_eq!(gone, BTreeSet::from([web.key().clone()]));
    assert_eq!(tops(&index), BTreeSet::from([db.key().clone()]));
}

fn custom(kind: &str, name: &str, controller: Option<&WorkloadKey>) -> SlimObject {
    let kind = Kinds::default().get(&knative(kind)).map(Arc::clone).unwrap();
    object(&served(&kind), name, controller)
}

fn knative(kind: &str) -> KindName {
    KindName::new("serving.knative.dev", kind)
}

#[test]
fn a_chain_of_custom_kinds_ends_at_its_top_while_they_are_watched() {
    let mut index = OwnerIndex::default();
    let service = custom("Service", "web", None);
    let configuration = custom("Configuration", "web-c", Some(service.key()));
    let revision = custom("Revision", "web-1", Some(configuration.key()));
    let deployment = node("Deployment", "web-1-d", Some(revision.key()));
    let replica_set = node("ReplicaSet", "web-1-a", Some(deployment.key()));
    index.apply(&deployment);
    index.apply(&replica_set);
    let top = |index: &OwnerIndex| index.top(replica_set.key());
    assert_eq!(top(&index), Top::Workload(deployment.key().clone()), "of an owner that is not watched");

    assert!(index.begin_custom(&knative("Revision"), None));
    assert!(!index.begin_custom(&knative("Revision"), None));
    assert_eq!(top(&index), Top::Missing(revision.key().clone()), "the Revision is gone");
    index.apply(&revision);
    assert_eq!(top(&index), Top::Workload(configuration.key().clone()), "unfetched");
    for kind in ["Configuration", "Service"] {
        index.begin_custom(&knative(kind), Some("shop"));
    }
    index.apply(&configuration);
    index.apply(&service);
    assert_eq!(top(&index), Top::Workload(service.key().clone()));
    assert_eq!(tops(&index), BTreeSet::from([service.key().clone()]));

    assert!(index.end_custom(&knative("Revision"), None).contains(service.key()));
    assert_eq!(top(&index), Top::Workload(deployment.key().clone()));
}

#[test]
fn a_custom_object_is_a_workload_unless_a_watched_kind_controls_it() {
    let mut index = OwnerIndex::default();
    let job_set = custom("Service", "train", Some(&key("example.com/v1", "TrainJob", "train")));
    index.begin_custom(&knative("Service"), None);
    index.apply(&job_set);
    assert_eq!(index.top(job_set.key()), Top::Workload(job_set.key().clone()));
    index.begin_custom(&KindName::new("example.com", "TrainJob"), Some("elsewhere"));
    assert_eq!(index.top(job_set.key()), Top::Workload(job_set.key().clone()));
    index.begin_custom(&KindName::new("example.com", "TrainJob"), Some("shop"));
    assert_eq!(index.top(job_set.key()), Top::Missing(key("example.com/v1", "TrainJob", "train")));
}

#[test]
fn what_is_kept_of_an_object_is_small() {
    assert!(size_of::<OwnedObject>() <= 16 && size_of::<SlimObject>() <= 64);
}

/// Who may create objects has thousands of them name one as their controller, which never makes such objects.
#[test]
fn a_change_concerns_nothing_that_names_the_object_and_is_not_reported_under_it() {
    let mut index = OwnerIndex::default();
    let app = key("example.com/v1", "App", "app");
    let set = |replicas: u32, name: &str, controller: &WorkloadKey| {
        let kind = watched().find(|known| known.kind() == "ReplicaSet").unwrap();
        object_with(&ServedKind::built_in(kind), name, Some(controller), &json!({ "replicas": replicas }))
    };
    let hub = set(0, "hub", &app);
    index.apply(&hub);
    for number in 0..100 {
        index.apply(&set(0, &format!("claims-{number}"), hub.key()));
    }
    let own = BTreeSet::from([app.clone(), hub.key().clone()]);
    assert_eq!(index.apply(&set(1, "hub", &app)), own, "it asks for pods");
    assert_eq!(index.apply(&set(1, "hub", &key("example.com/v1", "App", "other"))).len(), 3, "it moves");
    assert_eq!(index.delete(hub.key()).len(), 2);
}
