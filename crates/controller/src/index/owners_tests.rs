//! Under whom things are reported.

use super::*;

fn key(api_version: &'static str, kind: &'static str, name: &str) -> WorkloadKey {
    WorkloadKey::new(api_version, kind, "shop", name, format!("uid-{name}"))
}

fn node(kind: WatchedKind, name: &str, controller: Option<WorkloadKey>) -> Node {
    let key = key(kind.api_version(), kind.kind(), name);
    Node { key, kind: NodeKind::BuiltIn(kind), controller, wants_pods: true, revision: 0 }
}

#[test]
fn a_chain_ends_at_the_deployment() {
    let mut index = OwnerIndex::default();
    let deployment = node(WatchedKind::Deployment, "web", None);
    let replica_set = node(WatchedKind::ReplicaSet, "web-1", Some(deployment.key.clone()));
    assert_eq!(index.top(&replica_set.key), Top::Unknown, "not seen yet");
    index.apply(replica_set.clone());
    assert_eq!(index.top(&replica_set.key), Top::Unknown, "its controller is not seen yet");
    assert_eq!(index.apply(deployment.clone()), BTreeSet::from([deployment.key.clone()]));
    assert_eq!(index.top(&replica_set.key), Top::Workload(deployment.key.clone()));
    assert_eq!(index.children(&deployment.key).count(), 1);
    assert_eq!(index.tops(), BTreeSet::from([deployment.key]));
}

#[test]
fn a_kind_that_is_not_watched_ends_the_chain_by_its_owner_reference() {
    let mut index = OwnerIndex::default();
    let rollout = key("argoproj.io/v1alpha1", "Rollout", "web");
    let replica_set = node(WatchedKind::ReplicaSet, "web-1", Some(rollout.clone()));
    index.apply(replica_set.clone());
    assert_eq!(index.top(&replica_set.key), Top::Workload(rollout));
}

#[test]
fn the_uid_must_match() {
    let mut index = OwnerIndex::default();
    index.apply(node(WatchedKind::Deployment, "web", None));
    let stale = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "uid-of-the-one-before");
    assert_eq!(index.top(&stale), Top::Unknown);
}

#[test]
fn a_cron_job_that_something_controls_is_still_a_workload() {
    let mut index = OwnerIndex::default();
    let cron_job = node(WatchedKind::CronJob, "report", Some(key("example.com/v1", "Schedule", "nightly")));
    let job = node(WatchedKind::Job, "report-1", Some(cron_job.key.clone()));
    index.apply(cron_job.clone());
    index.apply(job.clone());
    assert_eq!(index.top(&job.key), Top::Workload(cron_job.key));
}

#[test]
fn a_loop_of_controllers_ends() {
    let mut index = OwnerIndex::default();
    let a = node(WatchedKind::ReplicaSet, "a", Some(key("apps/v1", "ReplicaSet", "b")));
    let b = node(WatchedKind::ReplicaSet, "b", Some(key("apps/v1", "ReplicaSet", "a")));
    index.apply(a.clone());
    index.apply(b);
    assert!(matches!(index.top(&a.key), Top::Workload(_)));
}

#[test]
fn an_object_that_did_not_change_affects_nothing() {
    let mut index = OwnerIndex::default();
    let deployment = node(WatchedKind::Deployment, "web", None);
    assert!(!index.apply(deployment.clone()).is_empty());
    assert!(index.apply(deployment).is_empty());
}

#[test]
fn a_complete_list_removes_what_it_does_not_name() {
    let mut index = OwnerIndex::default();
    let web = node(WatchedKind::Deployment, "web", None);
    let db = node(WatchedKind::StatefulSet, "db", None);
    index.apply(web.clone());
    index.apply(db.clone());
    let gone = index.retain(("apps", "Deployment"), None, &HashSet::new());
    assert_eq!(gone, BTreeSet::from([web.key]));
    assert_eq!(index.tops(), BTreeSet::from([db.key]));
}

fn custom(kind: NodeKind, type_name: &'static str, name: &str, controller: Option<WorkloadKey>) -> Node {
    let key = key("serving.knative.dev/v1", type_name, name);
    Node { key, kind, controller, wants_pods: true, revision: 0 }
}

fn knative(kind: &str) -> KindName {
    KindName::new("serving.knative.dev", kind)
}

#[test]
fn a_chain_of_custom_kinds_ends_at_its_top_while_they_are_watched() {
    let mut index = OwnerIndex::default();
    let service = custom(NodeKind::Custom, "Service", "web", None);
    let configuration = custom(NodeKind::Custom, "Configuration", "web-c", Some(service.key.clone()));
    let revision = custom(NodeKind::Link, "Revision", "web-1", Some(configuration.key.clone()));
    let deployment = node(WatchedKind::Deployment, "web-1-d", Some(revision.key.clone()));
    let replica_set = node(WatchedKind::ReplicaSet, "web-1-a", Some(deployment.key.clone()));
    index.apply(deployment.clone());
    index.apply(replica_set.clone());
    let top = |index: &OwnerIndex| index.top(&replica_set.key);
    assert_eq!(top(&index), Top::Workload(deployment.key.clone()), "of an owner that nobody watches");

    assert!(index.begin_custom(&knative("Revision"), None));
    assert!(!index.begin_custom(&knative("Revision"), None));
    assert_eq!(top(&index), Top::Unknown, "the Revision is gone");
    index.apply(revision);
    assert_eq!(top(&index), Top::Workload(configuration.key.clone()), "unfetched");
    for kind in ["Configuration", "Service"] {
        index.begin_custom(&knative(kind), Some("shop"));
    }
    index.apply(configuration);
    index.apply(service.clone());
    assert_eq!(top(&index), Top::Workload(service.key.clone()));
    assert_eq!(index.tops(), BTreeSet::from([service.key.clone()]));

    assert!(index.end_custom(&knative("Revision"), None).contains(&service.key));
    assert_eq!(top(&index), Top::Workload(deployment.key));
}

#[test]
fn a_custom_object_is_a_workload_unless_a_watched_kind_controls_it() {
    let mut index = OwnerIndex::default();
    let job_set =
        custom(NodeKind::Custom, "Service", "train", Some(key("example.com/v1", "TrainJob", "train")));
    index.begin_custom(&knative("Service"), None);
    index.apply(job_set.clone());
    assert_eq!(index.top(&job_set.key), Top::Workload(job_set.key.clone()));
    index.begin_custom(&KindName::new("example.com", "TrainJob"), Some("elsewhere"));
    assert_eq!(index.top(&job_set.key), Top::Workload(job_set.key.clone()));
    index.begin_custom(&KindName::new("example.com", "TrainJob"), Some("shop"));
    assert_eq!(index.top(&job_set.key), Top::Unknown);
}
