//! The remedies that pages offer, by the object that holds the container.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tagwatch_console::{Remedy, remedies};
use tagwatch_core::engine::Engine;
use tagwatch_core::issue::{EditMode, Issue, ResultKeys, Status};
use tagwatch_core::policy::Policy;
use tagwatch_index::WorkloadKey;
use tagwatch_index::testing::{
    Cluster, ROLLOUT, WEB, metadata, pod, rollout, rollout_object, unset, workload,
};

use super::*;

/// A remedy with the container and the rule that it is for.
type Offer = (String, &'static str, Remedy);

/// What the console offers for a workload by a policy.
fn offers_by(cluster: &mut Cluster, key: &WorkloadKey, policy: Value) -> Vec<Offer> {
    let workload = cluster.assemble(key).unwrap().workload;
    let spec = serde_json::from_value(policy).unwrap();
    let engine = Engine::new(Policy::compile(&spec).unwrap());
    let verdicts = engine.judge(&workload);
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let issues = Issue::all(&workload, &verdicts, &keys, |_| Timestamp::UNIX_EPOCH);
    let uid = key.uid();
    let status = Status::of(issues.iter().map(|issue| issue.outcome));
    let input = console::WorkloadInput {
        workload: &workload,
        uid,
        status,
        verdicts: &verdicts,
        issues: &issues,
        engine: &engine,
        exemptions: None,
    };
    let fields = FieldOwner::of(key, &cluster.index, &cluster.store);
    let facts = shown(&input, &History::default(), &fields);
    let of = |issue: &Issue| {
        let remedies = remedies(&facts, issue).into_iter();
        remedies
            .map(move |remedy| (issue.container.raw().to_owned(), issue.rule.id, remedy))
            .collect::<Vec<_>>()
    };
    facts.issues.iter().flat_map(of).collect()
}

fn offers(cluster: &mut Cluster, key: &WorkloadKey) -> Vec<Offer> {
    offers_by(cluster, key, json!({ "profile": "recommended" }))
}

/// The one offer to pin an image of a container.
fn pin<'a>(offers: &'a [Offer], container: &str) -> &'a Remedy {
    let pins = |(name, _, remedy): &&Offer| name == container && remedy.title.starts_with("Pin");
    &offers.iter().find(pins).unwrap_or_else(|| panic!("{container}: {offers:?}")).2
}

fn command(remedy: &Remedy) -> &str {
    remedy.command.as_deref().unwrap_or_default()
}

fn note(remedy: &Remedy) -> &str {
    remedy.note.as_deref().unwrap_or_default()
}

#[test]
fn a_template_is_patched_and_a_sidecar_that_only_pods_have_is_not() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    cluster.apply("ReplicaSet", workload("web-1", Some(WEB), 1, &[("web", "nginx:1.27")]));
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.pod(pod("web-1-a", Some(set), "Running", &[("web", "nginx:1.27"), ("proxy", "envoy:1.31")]));
    let offers = offers(&mut cluster, &key);
    let pin = pin(&offers, "web");
    assert!(command(pin).contains("kubectl patch deployment web --namespace shop"), "{pin:?}");
    assert!(command(pin).contains("/spec/template/spec/containers/0/image"), "{pin:?}");
    assert_eq!(pin.note, None);
    assert!(offers.iter().all(|(container, ..)| container == "web"), "{offers:?}");
}

#[test]
fn a_custom_object_is_patched_where_it_holds_a_template_itself() {
    let mut cluster = Cluster::default();
    let set = ("apps/v1", "ReplicaSet", "web-1");
    cluster.apply("ReplicaSet", workload("web-1", Some(ROLLOUT), 1, &[("web", "nginx:1.28")]));
    cluster.pod(pod("web-1-a", Some(set), "Running", &[("web", "nginx:1.28"), ("proxy", "envoy:1.31")]));
    assert_eq!(offers(&mut cluster, &rollout()), [], "the Rollout is not watched");
    let object = rollout_object(&json!({ "template": unset("web", "nginx:1.28") }));
    let key = cluster.apply_custom("argoproj.io", "Rollout", object);
    let all = offers(&mut cluster, &key);
    let pin = pin(&all, "web");
    assert!(command(pin).contains("kubectl patch rollout.argoproj.io web --namespace shop"), "{pin:?}");
    assert!(command(pin).contains("/spec/template/spec/containers/0/image"), "{pin:?}");
    assert!(note(pin).contains("up to the controller of this kind"), "{pin:?}");
    assert!(all.iter().all(|(container, ..)| container == "web"), "{all:?}");
    let reference = rollout_object(&json!({ "workloadRef": { "kind": "Deployment", "name": "web" } }));
    cluster.apply_custom("argoproj.io", "Rollout", reference);
    assert_eq!(offers(&mut cluster, &key), [], "its ReplicaSet lends the template");
}

#[test]
fn a_template_in_a_list_or_a_mapping_is_found_there() {
    let mut cluster = Cluster::default();
    let roles = json!({ "Worker": { "template": unset("pytorch", "trainer:main") } });
    let object = json!({ "metadata": metadata("churn", None), "spec": { "pytorchReplicaSpecs": roles } });
    let key = cluster.apply_custom("kubeflow.org", "PyTorchJob", object);
    let all = offers(&mut cluster, &key);
    let path = "/spec/pytorchReplicaSpecs/Worker/template/spec/containers/0/image";
    assert!(command(pin(&all, "pytorch")).contains(path), "{all:?}");
    let jobs = json!([{ "template": { "spec": { "template": unset("web", "nginx:1.27") } } }]);
    let object = json!({ "metadata": metadata("set", None), "spec": { "replicatedJobs": jobs } });
    let key = cluster.apply_custom("jobset.x-k8s.io", "JobSet", object);
    let all = offers(&mut cluster, &key);
    let path = "/spec/replicatedJobs/0/template/spec/template/spec/containers/0/image";
    assert!(command(pin(&all, "web")).contains(path), "{all:?}");
}

#[test]
fn of_a_pod_the_images_of_containers_alone_can_be_changed() {
    let mut cluster = Cluster::default();
    let mut object = pod("debug", None, "Running", &[("sh", "busybox:latest")]);
    object["spec"]["volumes"] = json!([{ "name": "model", "image": { "reference": "models:latest" } }]);
    let key = cluster.pod(object);
    let all = offers(&mut cluster, &key);
    assert!(command(pin(&all, "sh")).contains("kubectl patch pod debug"), "{all:?}");
    assert!(all.iter().any(|(_, _, remedy)| remedy.title == "Pull at every start"), "{all:?}");
    for (container, _, remedy) in &all {
        if container == "model" || remedy.title == "Pull at every start" {
            assert_eq!(remedy.command, None, "{remedy:?}");
            assert!(note(remedy).contains("delete the Pod"), "{remedy:?}");
        }
    }
    assert!(pin(&all, "model").patch.contains("reference: "), "{all:?}");
}

#[test]
fn a_mirror_pod_and_a_job_are_not_patched() {
    let mut cluster = Cluster::default();
    let mut mirror = pod("etcd-n1", Some(("v1", "Node", "n1")), "Running", &[("etcd", "etcd:latest")]);
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "hash" });
    let mirror = cluster.pod(mirror);
    let job = cluster.apply("Job", workload("once", None, 1, &[("once", "etcd:latest")]));
    for (key, words) in [(mirror, "change the file"), (job, "apply it anew")] {
        let all = offers(&mut cluster, &key);
        assert!(!all.is_empty());
        for (_, _, remedy) in &all {
            assert_eq!(remedy.command, None, "{remedy:?}");
            assert!(note(remedy).contains(words), "{remedy:?}");
        }
    }
}

#[test]
fn where_no_controller_replaces_pods_the_note_says_so() {
    let mut cluster = Cluster::default();
    let alone = cluster.apply("ReplicaSet", workload("alone", None, 1, &[("web", "nginx:1.27")]));
    let mut object = workload("db", None, 1, &[("web", "nginx:1.27")]);
    let rolling = cluster.apply("StatefulSet", object.clone());
    assert_eq!(pin(&offers(&mut cluster, &rolling), "web").note, None);
    object["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    let by_hand = cluster.apply("StatefulSet", object);
    for key in [alone, by_hand] {
        let all = offers(&mut cluster, &key);
        assert!(command(pin(&all, "web")).contains("kubectl patch "), "{all:?}");
        assert!(note(pin(&all, "web")).contains("delete them"), "{all:?}");
    }
}

#[test]
fn no_pull_policy_is_offered_that_the_policy_forbids() {
    let mut cluster = Cluster::default();
    let key = cluster.apply("Deployment", workload("web", None, 1, &[("web", "nginx:1.27")]));
    let by = |allowed: &str, image: &str| {
        let mut cluster = Cluster::default();
        let mut object = workload("web", None, 1, &[("web", image)]);
        object["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
        let key = cluster.apply("Deployment", object);
        let rule = json!({ "pull-policy-not-allowed": { "enabled": true, "allowed": [allowed] } });
        offers_by(&mut cluster, &key, json!({ "profile": "recommended", "rules": rule }))
    };
    let pulls = |all: &[Offer]| -> Vec<(&'static str, &'static str)> {
        let pulls = all.iter().filter(|(_, _, remedy)| !remedy.title.starts_with("Pin"));
        pulls.map(|(_, rule, remedy)| (*rule, remedy.title)).collect()
    };
    let (always, cached) = ("Pull at every start", "Let nodes use the copy they have");
    let (not_allowed, never) = ("pull-policy-not-allowed", "pull-policy-never");
    for (allowed, image, title) in [
        ("IfNotPresent", "nginx:1.27.3", cached),
        ("Always", "nginx:1.27", always),
        ("Always", "nginx:1.27.3", always),
    ] {
        let mut found = pulls(&by(allowed, image));
        found.sort_unstable();
        assert_eq!(found, [(never, title), (not_allowed, title)], "{allowed} {image}");
    }
    assert_eq!(pulls(&by("IfNotPresent", "nginx:1.27")), [], "a tag that moves would go stale");
    assert_eq!(pulls(&offers(&mut cluster, &key)), [("stale-pull-policy", always)]);
    let rule = json!({ "pull-policy-not-allowed": { "enabled": true, "allowed": ["IfNotPresent"] } });
    let all = offers_by(&mut cluster, &key, json!({ "profile": "recommended", "rules": rule }));
    assert_eq!(pulls(&all), [], "to pull always is forbidden");
    assert!(!pin(&all, "web").patch.is_empty());
}

/// How each container of a workload with pods of two ReplicaSets can be changed, in order.
fn edit_modes(status: &Value, newest: &str) -> Vec<EditMode> {
    let mut cluster = Cluster::default();
    let revision = |mut object: Value, revision: &str| {
        object["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": revision });
        object
    };
    let mut object = revision(workload("web", None, 2, &[("web", "nginx:1.29.3")]), "2");
    object["metadata"]["generation"] = json!(2);
    object["status"] = status.clone();
    let key = cluster.apply("Deployment", object);
    for (name, number, image) in [("web-1", "1", "nginx:latest"), ("web-2", "2", newest)] {
        let of_template = if number == "1" { image } else { "nginx:1.29.3" };
        let set = workload(name, Some(WEB), 1, &[("web", of_template)]);
        cluster.apply("ReplicaSet", revision(set, number));
        let owner = Some(("apps/v1", "ReplicaSet", name));
        cluster.pod(pod(&format!("{name}-a"), owner, "Pending", &[("web", image)]));
    }
    let fields = FieldOwner::of(&key, &cluster.index, &cluster.store);
    let workload = cluster.assemble(&key).unwrap().workload;
    workload.containers.iter().map(|container| fields.edit_mode(container)).collect()
}

#[test]
fn an_image_of_an_older_revision_is_no_place_that_the_template_lacks() {
    let stalled = json!({
        "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1,
        "conditions": [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }],
    });
    assert_eq!(edit_modes(&stalled, "nginx:1.29.3"), [EditMode::Template, EditMode::OlderRevision]);
    let both = edit_modes(&stalled, "mirror.example.com/nginx:1.29.3");
    assert_eq!(both, [EditMode::Template, EditMode::OtherImage, EditMode::OlderRevision]);
}
