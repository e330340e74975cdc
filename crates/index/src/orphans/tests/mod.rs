//! Pods and objects that name a controller which is not there, or which never made them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use tagwatch_core::kinds::{WorkloadKind, watched};
use tagwatch_core::workload::{Unfollowed, Workload};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimPod;

use crate::owners::ORPHAN_GRACE;
use crate::pods::{LONG_DELETION, MAX_RECOUNTED};
use crate::testing::{Cluster, Owner, WEB, containers, metadata, pod, workload};

mod graphs;
mod hostile;
mod model;

/// What a controller does with the index: evaluates what is requested, and what is to be looked at again once it is due.
#[derive(Default)]
struct Reports {
    cluster: Cluster,
    /// By the key of the workload.
    written: BTreeMap<WorkloadKey, Workload>,
    due: BTreeMap<WorkloadKey, Timestamp>,
    /// Whose evidence or rollout changes with time.
    changing: BTreeMap<WorkloadKey, Timestamp>,
}

impl Reports {
    fn object(&mut self, kind: &str, object: Value) -> WorkloadKey {
        let kind = watched().find(|known| known.kind() == kind).unwrap();
        let served = tagwatch_k8s::served::ServedKind::built_in(kind);
        let (key, affected) = self.cluster.apply_served(&served, object);
        self.evaluate(affected);
        key
    }

    fn pod(&mut self, object: Value) -> WorkloadKey {
        let pod: SlimPod = serde_json::from_value(object).unwrap();
        let affected = self.cluster.index.apply_pod(&pod, self.cluster.now);
        self.evaluate(affected);
        pod.key()
    }

    fn delete(&mut self, key: &WorkloadKey) {
        let affected = self.cluster.delete(key);
        self.evaluate(affected);
    }

    fn evaluate(&mut self, keys: BTreeSet<WorkloadKey>) {
        let mut waiting = keys;
        while let Some(key) = waiting.pop_first() {
            let settled = self.cluster.index.settle_controller(&key, self.cluster.now);
            waiting.extend(settled.affected);
            self.due.remove(&key);
            if let Some(delay) = settled.look_again {
                self.due.insert(key.clone(), self.cluster.now + delay);
            }
            self.changing.remove(&key);
            match self.cluster.assemble(&key) {
                Ok(assembled) => {
                    if let Some(delay) = assembled.look_again {
                        self.changing.insert(key.clone(), self.cluster.now + delay);
                    }
                    self.written.insert(key, assembled.workload)
                }
                Err(_) => self.written.remove(&key),
            };
        }
    }

    fn pass(&mut self, seconds: u32) {
        self.cluster.now += std::time::Duration::from_secs(seconds.into());
        let now = self.cluster.now;
        let overdue = self.cluster.index.settle_leaving(now);
        self.evaluate(overdue);
        let due = self.due.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone());
        self.evaluate(due.collect());
    }

    /// Time passes until what it changes in evidence and rollouts is due.
    fn wait(&mut self, seconds: u32) {
        self.pass(seconds);
        let now = self.cluster.now;
        let due = self.changing.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone());
        self.evaluate(due.collect());
    }

    /// The workloads that are reported, with why they are on their own.
    fn reported(&self) -> Vec<(&str, &str, Option<Unfollowed>)> {
        let mut all: Vec<_> = self
            .written
            .iter()
            .map(|(key, workload)| {
                let why = workload.unfollowed.as_ref().map(|controller| controller.why);
                (key.kind(), key.name(), why)
            })
            .collect();
        all.sort_by_key(|(kind, name, _)| (*kind, *name));
        all
    }
}

/// The pod as it is once its deletion was asked for.
fn being_deleted(mut pod: Value, now: Timestamp, grace: u32) -> Value {
    let deadline = now + std::time::Duration::from_secs(grace.into());
    pod["metadata"]["deletionTimestamp"] = json!(deadline.to_string());
    pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    pod
}

const ABSENT: Owner<'static> = ("apps/v1beta2", "ReplicaSet", "absent");
const MISSING: Option<Unfollowed> = Some(Unfollowed::Missing);
const LATEST: &[(&str, &str)] = &[("a", "registry.example.com/shop/web:latest")];

#[test]
fn a_pod_whose_controller_does_not_exist_is_reported_after_the_grace_time() {
    let mut reports = Reports::default();
    reports.pod(pod("hidden", Some(ABSENT), "Running", LATEST));
    reports.pass(ORPHAN_GRACE - 1);
    assert_eq!(reports.reported(), []);
    reports.pass(1);
    assert_eq!(reports.reported(), [("Pod", "hidden", MISSING)]);
    let words =
        reports.written.values().next().and_then(|workload| workload.unfollowed.clone()).unwrap().words();
    assert_eq!(words, "names ReplicaSet absent (apps/v1beta2) as its controller, which does not exist");
    // Others that come later wait no longer.
    reports.pod(pod("second", Some(ABSENT), "Running", LATEST));
    assert_eq!(reports.reported(), [("Pod", "hidden", MISSING), ("Pod", "second", MISSING)]);
    // And what it was that lagged comes after all.
    reports.object("ReplicaSet", workload("absent", None, 2, LATEST));
    assert_eq!(reports.reported(), [("ReplicaSet", "absent", None)]);
}

#[test]
fn another_missing_controller_begins_no_other_grace_time() {
    let mut reports = Reports::default();
    reports.object("ReplicaSet", workload("set", Some(("apps/v1beta2", "Deployment", "d-0")), 1, LATEST));
    reports.pod(pod("of-set", Some(("apps/v1", "ReplicaSet", "set")), "Running", LATEST));
    let all = [("Pod", "hidden", MISSING), ("ReplicaSet", "set", MISSING)];
    for step in 0..10 {
        let [set, deployment] = [format!("s-{step}"), format!("d-{step}")];
        reports.pod(pod("hidden", Some(("apps/v1beta2", "ReplicaSet", &set)), "Running", LATEST));
        let owner = ("apps/v1beta2", "Deployment", deployment.as_str());
        reports.object("ReplicaSet", workload("set", Some(owner), 1, LATEST));
        assert_eq!(reports.reported(), if step < 2 { &[][..] } else { &all }, "{step}");
        reports.pass(ORPHAN_GRACE - 10);
    }
    // One that is there takes them over.
    reports.object("Deployment", workload("web", None, 1, &[("a", "web:1.0.0")]));
    reports.object("ReplicaSet", workload("set", Some(WEB), 1, LATEST));
    reports.pod(pod("hidden", Some(("apps/v1", "ReplicaSet", "set")), "Running", LATEST));
    assert_eq!(reports.reported(), [("Deployment", "web", None)]);
}

/// The pod names controllers that are there, each of which names another one that is not.
#[test]
fn another_chain_that_ends_nowhere_begins_no_other_grace_time() {
    let mut reports = Reports::default();
    let mut hidden_for = 0;
    for step in 0..10 {
        let [set, deployment] = [format!("s-{step}"), format!("d-{step}")];
        let owner = ("apps/v1beta2", "Deployment", deployment.as_str());
        reports.object("ReplicaSet", workload(&set, Some(owner), 0, &[("a", "clean:1.0.0")]));
        reports.pod(pod("hidden", Some(("apps/v1", "ReplicaSet", &set)), "Running", LATEST));
        let is_reported = reports.reported().iter().any(|(_, name, _)| *name == set || *name == "hidden");
        hidden_for = if is_reported { 0 } else { hidden_for + ORPHAN_GRACE - 10 };
        assert!(hidden_for <= 2 * (ORPHAN_GRACE - 10), "{step}: {:?}", reports.reported());
        reports.pass(ORPHAN_GRACE - 10);
    }
}

/// The pod names a controller that is missing, then one that is there and is reported on its own, whatever it names.
#[test]
fn no_grace_time_is_kept_for_a_controller_under_which_nothing_is_reported() {
    let mut reports = Reports::default();
    for step in 0..10 {
        let [absent, set] = [format!("absent-{step}"), format!("set-{step}")];
        reports.pod(pod("web", Some(("apps/v1", "ReplicaSet", &absent)), "Running", LATEST));
        let never = ("apps/v1", "StatefulSet", absent.as_str());
        reports.object("ReplicaSet", workload(&set, Some(never), 1, LATEST));
        reports.pod(pod("web", Some(("apps/v1", "ReplicaSet", &set)), "Running", LATEST));
        assert!(reports.cluster.index.owners.missing.is_empty(), "{step}");
    }
}

/// The name of a report of a built-in kind ends with a part of the UID alone (`report_name` of `tagwatch-k8s`), which only the
/// API server may have made.
#[test]
fn nothing_is_reported_under_an_object_of_a_built_in_kind_that_was_not_read() {
    let mut cluster = Cluster::default();
    let owners = watched().filter(|kind| !kind.is_pod()).map(|kind| (kind.api_version(), kind.kind()));
    for (number, (api_version, kind)) in owners.enumerate() {
        for version in [api_version.as_str(), &format!("{}v0", api_version.trim_end_matches("v1"))] {
            // Until it is settled, as where its kind may not be listed.
            cluster.pod(pod(&format!("pod-{number}"), Some((version, kind, "x")), "Running", LATEST));
            for key in cluster.candidates() {
                assert!(
                    cluster.assemble(&key).is_err() || key.watched_kind().is_some_and(WorkloadKind::is_pod),
                    "{key:?}"
                );
            }
        }
    }
}

/// Each time the owner that is there has it for a second, and what is missing for almost the whole grace time.
#[test]
fn an_owner_that_is_there_for_a_moment_begins_no_other_grace_time() {
    let set = Some(("apps/v1", "ReplicaSet", "set"));
    // Whether it is another missing one each time, and whom it names in between.
    for (is_another, between) in [(false, set), (true, set), (false, None), (true, None)] {
        let mut reports = Reports::default();
        reports.object("ReplicaSet", workload("set", None, 1, &[("a", "clean:1.0.0")]));
        reports.object("Deployment", workload("web", None, 1, &[("a", "clean:1.0.0")]));
        let moving = reports.object("ReplicaSet", workload("moving", None, 1, LATEST));
        reports.pod(pod("of-moving", Some(("apps/v1", "ReplicaSet", "moving")), "Running", LATEST));
        let is_there = between.map(|_| WEB);
        for step in 0..6 {
            let missing = if is_another { format!("absent-{step}") } else { "absent".to_owned() };
            let absent = Some(("apps/v1", "ReplicaSet", missing.as_str()));
            reports.pod(pod("hidden", absent, "Running", LATEST));
            let absent = Some(("apps/v1beta2", "Deployment", missing.as_str()));
            reports.object("ReplicaSet", workload("moving", absent, 1, LATEST));
            let is_reported =
                |name: &str| reports.reported().iter().any(|(_, reported, _)| *reported == name);
            for name in ["hidden", "moving"] {
                assert_eq!(is_reported(name), step > 0, "{name} of {between:?} in step {step}");
            }
            reports.pass(ORPHAN_GRACE - 1);
            reports.pod(pod("hidden", between, "Running", LATEST));
            reports.object("ReplicaSet", workload("moving", is_there, 1, LATEST));
            reports.pass(1);
        }
        // What is remembered goes with the pod and the object.
        for (name, owner) in [("hidden", between), ("of-moving", None)] {
            let gone: SlimPod = serde_json::from_value(pod(name, owner, "Running", LATEST)).unwrap();
            let affected = reports.cluster.index.delete_pod(&gone, reports.cluster.now);
            reports.evaluate(affected);
        }
        reports.delete(&moving);
        reports.cluster.index.expire(reports.cluster.now);
        assert!(reports.cluster.index.owners.missing.is_unused());
    }
}

#[test]
fn more_pods_than_are_counted_anew_at_once_follow_with_the_next_evaluations() {
    let mut reports = Reports::default();
    for number in 0..=2 * MAX_RECOUNTED {
        let claims = pod(&format!("hidden-{number:04}"), Some(ABSENT), "Running", LATEST);
        let pod: SlimPod = serde_json::from_value(claims).unwrap();
        let affected = reports.cluster.index.apply_pod(&pod, reports.cluster.now);
        if number == 0 {
            reports.evaluate(affected);
        }
    }
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.written.len(), MAX_RECOUNTED);
    reports.pass(0);
    assert_eq!(reports.written.len(), 2 * MAX_RECOUNTED);
    reports.pass(0);
    assert_eq!((reports.written.len(), reports.due.len()), (2 * MAX_RECOUNTED + 1, 0));
    reports.object("ReplicaSet", workload("absent", None, 2, LATEST));
    assert_eq!(reports.written.len(), MAX_RECOUNTED + 2);
    reports.pass(0);
    reports.pass(0);
    assert_eq!(reports.reported(), [("ReplicaSet", "absent", None)]);
    assert!(reports.due.is_empty());
}

#[test]
fn a_controller_that_comes_within_the_grace_time_leaves_no_trace() {
    let mut reports = Reports::default();
    reports.pod(pod("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")), "Running", LATEST));
    reports.object("ReplicaSet", workload("web-1", Some(WEB), 1, LATEST));
    reports.pass(ORPHAN_GRACE - 1);
    reports.object("Deployment", workload("web", None, 1, LATEST));
    assert_eq!(reports.reported(), [("Deployment", "web", None)]);
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported(), [("Deployment", "web", None)]);
}

#[test]
fn what_a_deleted_owner_leaves_behind_is_reported_and_what_goes_with_it_is_not() {
    let mut reports = Reports::default();
    let web = reports.object("Deployment", workload("web", None, 1, LATEST));
    let set = reports.object("ReplicaSet", workload("web-1", Some(WEB), 1, LATEST));
    reports.pod(pod("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")), "Running", LATEST));
    reports.delete(&web);
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported(), [("ReplicaSet", "web-1", MISSING)]);
    reports.delete(&set);
    let gone = pod("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")), "Succeeded", LATEST);
    reports.pod(gone);
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported(), []);
    reports.cluster.index.expire(reports.cluster.now);
    assert!(reports.cluster.index.owners.missing.is_empty());
}

#[test]
fn another_uid_is_another_controller() {
    let mut reports = Reports::default();
    reports.object("StatefulSet", workload("db", None, 1, LATEST));
    let mut claims = pod("db-7", Some(("apps/v1", "StatefulSet", "db")), "Running", LATEST);
    claims["metadata"]["ownerReferences"][0]["uid"] = json!("another");
    reports.pod(claims);
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported(), [("Pod", "db-7", MISSING), ("StatefulSet", "db", None)]);
}

#[test]
fn a_kind_that_never_controls_pods_hides_none() {
    let never = Some(Unfollowed::NeverControls);
    let mut reports = Reports::default();
    reports.object("Deployment", workload("web", None, 1, &[("a", "web:1.0.0")]));
    reports.pod(pod("miner", Some(WEB), "Running", LATEST));
    assert_eq!(reports.reported(), [("Deployment", "web", None), ("Pod", "miner", never)], "at once");
    // Nor does one that comes after its grace time take the pod over.
    let old = pod("late", Some(("apps/v1", "Deployment", "api")), "Running", LATEST);
    reports.pod(old);
    reports.object("ReplicaSet", workload("api-1", Some(("apps/v1", "Deployment", "api")), 0, LATEST));
    reports.pass(ORPHAN_GRACE);
    reports.object("Deployment", workload("api", None, 1, &[("a", "api:1.0.0")]));
    assert_eq!(reports.reported()[2..], [("Pod", "late", never), ("Pod", "miner", never)]);
    let end = pod("late", None, "Failed", LATEST);
    reports.pod(end);
    // Nor does one hide another object.
    reports.object("ReplicaSet", workload("miners", Some(("batch/v1", "CronJob", "web")), 1, LATEST));
    reports.object("Job", workload("mine", Some(WEB), 1, LATEST));
    let alone = [("Job", "mine", never), ("Pod", "miner", never), ("ReplicaSet", "miners", never)];
    assert_eq!(reports.reported()[2..], alone);
    for workload in reports.written.values().filter(|workload| workload.unfollowed.is_some()) {
        assert_eq!(workload.containers[0].image.raw(), LATEST[0].1);
    }
}

#[test]
fn a_job_that_has_ended_hides_no_pod() {
    let mut reports = Reports::default();
    let mut job = workload("import", None, 1, &[("run", "importer:1.0.0")]);
    job["status"] = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
    reports.object("Job", job);
    assert_eq!(reports.reported(), []);
    let claims = |phase| pod("import-x", Some(("batch/v1", "Job", "import")), phase, LATEST);
    reports.pod(claims("Running"));
    assert_eq!(reports.reported(), [("Job", "import", None)]);
    assert!(reports.written.values().any(|workload| workload.containers.len() == 2));
    reports.pod(claims("Succeeded"));
    assert_eq!(reports.reported(), []);
}

#[test]
fn pods_of_a_driver_are_reported_under_it_while_it_runs() {
    let mut reports = Reports::default();
    let driver = |phase| pod("driver", None, phase, LATEST);
    reports.pod(driver("Running"));
    reports.pod(pod("executor", Some(("v1", "Pod", "driver")), "Running", &[("exec", "spark:4.0.1")]));
    assert_eq!(reports.reported(), [("Pod", "driver", None)]);
    reports.pod(driver("Failed"));
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported(), [("Pod", "executor", MISSING)]);
    // A driver with a controller of its own.
    let driver = |phase| pod("other-driver", Some(("batch/v1", "Job", "run")), phase, LATEST);
    reports.object("Job", workload("run", None, 1, LATEST));
    reports.pod(driver("Running"));
    reports.pod(pod("other", Some(("v1", "Pod", "other-driver")), "Running", LATEST));
    assert_eq!(reports.reported()[..2], [("Job", "run", None), ("Pod", "executor", MISSING)]);
    assert_eq!(reports.reported()[2..], [("Pod", "other-driver", None)]);
    reports.pod(driver("Failed"));
    reports.pass(ORPHAN_GRACE);
    assert_eq!(reports.reported()[2..], [("Pod", "other", MISSING)]);
}

#[test]
fn an_owner_that_no_deployment_can_be_is_not_followed_in_any_version() {
    let mut reports = Reports::default();
    reports.object("Deployment", workload("web", None, 1, &[("a", "web:1.0.0")]));
    let old = ("apps/v1beta1", "Deployment", "web");
    reports.object("ReplicaSet", workload("web-1", Some(old), 1, &[("a", "web:1.0.0")]));
    let spec = json!({ "metadata": metadata("x", Some(old)), "spec": containers(LATEST), "status": { "phase": "Running" } });
    reports.pod(spec);
    let never = Some(Unfollowed::NeverControls);
    assert_eq!(reports.reported(), [("Deployment", "web", None), ("Pod", "x", never)]);
}

/// The UIDs are those of the objects of `apps/v1`.
#[test]
fn a_group_that_does_not_have_the_kind_hides_no_pod() {
    let never = Some(Unfollowed::NeverControls);
    let mut reports = Reports::default();
    reports.object("Deployment", workload("web", None, 1, &[("a", "web:1.0.0")]));
    reports.object("ReplicaSet", workload("web-1", Some(WEB), 1, &[("a", "web:1.0.0")]));
    for (name, owner) in [
        ("p1", ("extensions/v1beta1", "Deployment", "web")),
        ("p2", ("batch/v1", "Deployment", "web")),
        ("p3", ("v1", "ReplicaSet", "web-1")),
        // Another version of the same group and kind.
        ("p4", ("apps/v1beta2", "ReplicaSet", "web-1")),
    ] {
        reports.pod(pod(name, Some(owner), "Running", LATEST));
    }
    reports.object("ReplicaSet", workload("web-2", Some(("batch/v1", "Deployment", "web")), 1, LATEST));
    reports.pass(ORPHAN_GRACE);
    let alone =
        [("Pod", "p1", never), ("Pod", "p2", never), ("Pod", "p3", never), ("ReplicaSet", "web-2", never)];
    assert_eq!(reports.reported(), [&[("Deployment", "web", None)], &alone[..]].concat());
}

#[test]
fn a_pod_that_is_being_deleted_for_years_is_reported_on_its_own() {
    let mut reports = Reports::default();
    reports.object("Deployment", workload("web", None, 1, &[("a", "web:2.0.0")]));
    reports.object("ReplicaSet", workload("web-1", Some(WEB), 0, &[("a", "web:1.0.0")]));
    let on_node = |name: &str, owner| {
        let mut pod = pod(name, owner, "Running", LATEST);
        pod["spec"]["nodeName"] = json!("a");
        pod
    };
    let of_set = on_node("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")));
    let alone = on_node("bare", None);
    reports.pod(of_set.clone());
    reports.pod(alone.clone());
    assert_eq!(reports.reported(), [("Deployment", "web", None), ("Pod", "bare", None)]);
    let start = reports.cluster.now;
    let years = i32::MAX.unsigned_abs();
    reports.pod(being_deleted(of_set.clone(), start, years));
    reports.pod(being_deleted(alone.clone(), start, years));
    let endless = Some(Unfollowed::Terminating);
    let all = [("Deployment", "web", None), ("Pod", "bare", None), ("Pod", "web-1-a", endless)];
    assert_eq!(reports.reported(), all, "at once");
    let hidden = reports.written.values().find(|workload| workload.unfollowed.is_some()).unwrap();
    assert_eq!(hidden.containers[0].image.raw(), LATEST[0].1);
    let words = hidden.unfollowed.clone().unwrap().words();
    assert_eq!(
        words,
        "names ReplicaSet web-1 (apps/v1) as its controller, and is being deleted, but still runs"
    );
    // Neither its ReplicaSet nor time takes it back, until it has ended or is gone.
    reports.object("ReplicaSet", workload("web-1", Some(WEB), 1, &[("a", "web:1.0.0")]));
    reports.pass(LONG_DELETION);
    assert_eq!(reports.reported(), all);
    let mut ended = being_deleted(of_set, start, years);
    ended["status"]["phase"] = json!("Failed");
    reports.pod(ended);
    let gone: SlimPod = serde_json::from_value(alone).unwrap();
    let affected = reports.cluster.index.delete_pod(&gone, reports.cluster.now);
    reports.evaluate(affected);
    assert_eq!(reports.reported(), [("Deployment", "web", None)]);
}

#[test]
fn an_ordinary_deletion_changes_no_report_and_one_that_is_stuck_does() {
    let mut reports = Reports::default();
    reports.object("StatefulSet", workload("db", None, 1, &[("a", "db:1.0.0")]));
    let owner = Some(("apps/v1", "StatefulSet", "db"));
    let mut replica = pod("db-0", owner, "Running", &[("a", "db:1.0.0")]);
    replica["spec"]["nodeName"] = json!("a");
    reports.pod(replica.clone());
    let written = reports.written.clone();
    let start = reports.cluster.now;
    let deleted = being_deleted(replica.clone(), start, LONG_DELETION);
    reports.pod(deleted.clone());
    reports.pass(2 * LONG_DELETION - 1);
    let keys = |reports: &BTreeMap<WorkloadKey, Workload>| reports.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&reports.written), keys(&written));
    // Its node does not answer: what it ran may run on.
    reports.pass(1);
    let stuck = ("Pod", "db-0", Some(Unfollowed::Terminating));
    assert_eq!(reports.reported(), [stuck, ("StatefulSet", "db", None)]);
    // So it is after a start of tagwatch.
    let mut later =
        Reports { cluster: Cluster { now: reports.cluster.now, ..Cluster::default() }, ..Reports::default() };
    later.object("StatefulSet", workload("db", None, 1, &[("a", "db:1.0.0")]));
    later.pod(deleted);
    assert_eq!(later.reported(), [stuck, ("StatefulSet", "db", None)]);
    // The next pod of the name is another one.
    replica["metadata"]["uid"] = json!("another");
    reports.pod(replica.clone());
    assert_eq!(reports.reported(), [("StatefulSet", "db", None)]);
    // One that no node has runs nothing.
    replica["spec"] = containers(LATEST);
    reports.pod(being_deleted(replica, start, i32::MAX.unsigned_abs()));
    assert_eq!(reports.reported(), [("StatefulSet", "db", None)]);
}
