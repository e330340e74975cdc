//! Objects of custom kinds and discovery documents, as an API server sends them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]
#![expect(clippy::needless_pass_by_value, reason = "calls read better with the JSON in place")]

use std::collections::BTreeMap;
use std::sync::Arc;

use kube_core::discovery::ApiResource;
use kube_core::discovery::v2::APIGroupDiscoveryList;
use kube_core::{ObjectList, Resource};
use serde_json::{Value, json};
use tagwatch_core::kinds::{CustomWorkload, KindName, Kinds, WorkloadKind};
use tagwatch_core::workload::IgnoreAnnotations;
use tagwatch_k8s::discovery::ServedKinds;
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimObject, WireObject};

fn kind(group: &str, kind: &str) -> Arc<WorkloadKind> {
    Arc::clone(Kinds::default().get(&KindName::new(group, kind)).unwrap())
}

/// The preferred version of a kind, as discovery names it.
fn served(kind: &Arc<WorkloadKind>) -> ServedKind {
    let (group, version) = (kind.group().to_owned(), kind.versions[0].version.clone());
    let plural = format!("{}s", kind.kind().to_lowercase());
    let (api_version, name) = (kind.api_version(), kind.kind().to_owned());
    ServedKind::new(Arc::clone(kind), ApiResource { group, version, api_version, kind: name, plural })
}

/// From text, as a client reads it.
fn wire(object: &Value) -> WireObject {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn read(kind: &Arc<WorkloadKind>, object: Value) -> SlimObject {
    SlimObject::read(&wire(&object), &served(kind))
}

/// A kind that a policy declares.
fn declared(group: &str, kind: &str, path: &str) -> Arc<WorkloadKind> {
    let declared = CustomWorkload {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        template_path: path.to_owned(),
    };
    Arc::clone(Kinds::new(&[declared]).get(&KindName::new(group, kind)).unwrap())
}

fn places(object: &SlimObject) -> Vec<String> {
    let place = |container: tagwatch_core::workload::Container| {
        format!("{} {}", container.field_path, container.image.raw())
    };
    object.containers().into_iter().map(place).collect()
}

fn training(roles: Value, conditions: Value) -> SlimObject {
    read(
        &kind("kubeflow.org", "PyTorchJob"),
        json!({
            "apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob",
            "metadata": {
                "name": "churn", "namespace": "shop", "uid": "1", "labels": { "a": "b" },
                "managedFields": [{ "manager": "kubectl" }],
                "annotations": { "tagwatch.dev/ignore": "latest-tag", "other": "x" },
            },
            "spec": { "pytorchReplicaSpecs": roles },
            "status": { "conditions": conditions, "more": [1, { "a": null }] },
        }),
    )
}

fn role(image: Value) -> Value {
    json!({ "replicas": 2, "template": { "spec": { "containers": [{ "name": "pytorch", "image": image }] } } })
}

#[test]
fn every_role_is_read_at_its_own_path() {
    let object = training(
        json!({ "Master": role(json!("trainer:1.0.0")), "Worker": role(json!("trainer")) }),
        json!([]),
    );
    assert_eq!(
        places(&object),
        [
            "spec.pytorchReplicaSpecs.Master.template.spec.containers[0].image trainer:1.0.0",
            "spec.pytorchReplicaSpecs.Worker.template.spec.containers[0].image trainer",
        ]
    );
    assert!(object.has_template() && !object.is_finished() && object.remarks().is_empty());
    assert_eq!(object.ignore().ignore, Some("latest-tag".into()));
    let annotations = json!({ "tagwatch.dev/ignore": "latest-tag", "other": "x" });
    let metadata = json!({ "labels": { "a": "b" }, "managedFields": [{}], "annotations": annotations });
    let wire = wire(&json!({ "metadata": metadata }));
    let metadata = wire.meta();
    assert_eq!(metadata.annotations.as_ref().map(BTreeMap::len), Some(1), "foreign ones are dropped");
    assert!(metadata.labels.is_none() && metadata.managed_fields.is_none());
}

#[test]
fn what_is_not_as_expected_is_a_remark_and_fails_no_other_role() {
    let roles = json!({
        "Master": "\u{1b}[31m", "Worker": role(json!("trainer:1.0.0")), "Chief": role(json!(7)), "Last": null,
        "Empty": { "template": {} },
    });
    let object = training(roles, json!("Succeeded"));
    assert_eq!(places(&object).len(), 1);
    assert_eq!(object.remarks().len(), 2, "{:?}", object.remarks());
    let remarks = object.remarks().join("\n");
    assert!(
        remarks.contains("spec.pytorchReplicaSpecs.Master must be a mapping, found a string"),
        "{remarks}"
    );
    assert!(remarks.contains("spec.pytorchReplicaSpecs.Chief.template.spec: invalid type"), "{remarks}");
}

#[test]
fn one_object_that_cannot_be_read_does_not_cost_the_list() {
    let item = |spec: Value| json!({ "metadata": { "name": "a" }, "spec": spec, "status": 3 });
    let list = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "CloneSetList", "metadata": {},
        "items": [item(json!("text")), item(json!([])), item(json!({ "template": 1 })), { "metadata": { "name": "b" } }],
    });
    let list: ObjectList<WireObject> = serde_json::from_str(&list.to_string()).unwrap();
    let served = served(&kind("apps.kruise.io", "CloneSet"));
    let remarks = list.items.iter().map(|object| SlimObject::read(object, &served).remarks().len());
    assert_eq!(remarks.collect::<Vec<_>>(), [1, 1, 1, 0]);
}

#[test]
fn only_the_kinds_own_conditions_end_an_object() {
    let condition = |name: &str, status: &str| json!([{ "type": name, "status": status }]);
    let ended = |conditions: Value| training(json!({}), conditions).is_finished();
    assert!(ended(condition("Succeeded", "True")) && ended(condition("Failed", "True")));
    assert!(!ended(condition("Succeeded", "False")) && !ended(condition("Running", "True")));
    assert!(!ended(json!([{ "type": 1, "status": "True" }, null])));
}

#[test]
fn annotations_count_where_all_templates_agree() {
    let annotated = |ignore: &str| {
        json!({
            "metadata": { "annotations": { "tagwatch.dev/ignore": ignore } },
            "spec": { "imagePullSecrets": [{ "name": "registry" }], "containers": [] },
        })
    };
    let leader_worker = |leader: Value, worker: Value| {
        let template = json!({ "leaderTemplate": leader, "workerTemplate": worker });
        let object = json!({ "metadata": {}, "spec": { "leaderWorkerTemplate": template } });
        read(&kind("leaderworkerset.x-k8s.io", "LeaderWorkerSet"), object)
    };
    let alike = leader_worker(annotated("latest-tag"), annotated("latest-tag"));
    assert_eq!(alike.template_ignore().ignore, Some("latest-tag".into()));
    assert!(alike.has_pull_secrets());
    let differing = leader_worker(annotated("latest-tag"), annotated("missing-tag"));
    assert_eq!(differing.template_ignore(), IgnoreAnnotations::default());
    let one = leader_worker(json!(null), annotated("latest-tag"));
    assert_eq!(one.template_ignore().ignore, Some("latest-tag".into()));
}

fn resource(name: &str, kind: &str, scope: &str) -> Value {
    json!({ "resource": name, "responseKind": { "kind": kind }, "scope": scope, "verbs": ["list", "watch"] })
}

fn discovered(versions: Value) -> ServedKinds {
    let list = json!({ "items": [{ "metadata": { "name": "jobset.x-k8s.io" }, "versions": versions }] });
    ServedKinds::aggregated(&serde_json::from_value::<APIGroupDiscoveryList>(list).unwrap())
}

#[test]
fn the_preferred_version_of_those_that_are_served_is_watched() {
    let kind = kind("jobset.x-k8s.io", "JobSet");
    let jobsets = || json!([resource("jobsets", "JobSet", "Namespaced")]);
    let version = |versions: Value| discovered(versions).resource(&kind).map(|resource| resource.api_version);
    let (old, new) = (json!("v1alpha2"), json!("v1"));
    let both =
        json!([{ "version": old, "resources": jobsets() }, { "version": new, "resources": jobsets() }]);
    assert_eq!(version(both).as_deref(), Some("jobset.x-k8s.io/v1"));
    let old = json!([{ "version": old, "resources": jobsets() }]);
    assert_eq!(version(old).as_deref(), Some("jobset.x-k8s.io/v1alpha2"));
    assert_eq!(version(json!([{ "version": "v2", "resources": jobsets() }])), None);
    let cluster_wide = json!([resource("jobsets", "JobSet", "Cluster")]);
    assert_eq!(version(json!([{ "version": "v1", "resources": cluster_wide }])), None);
    assert_eq!(version(json!([])), None);
}

#[test]
fn a_group_that_does_not_answer_is_uncertain() {
    let served = discovered(json!([{ "version": "v1", "resources": [], "freshness": "Stale" }]));
    assert!(served.is_uncertain("jobset.x-k8s.io") && !served.is_uncertain("argoproj.io"));
}

#[test]
fn documents_of_single_versions_say_the_same() {
    let resources = json!([
        { "name": "rollouts", "kind": "Rollout", "namespaced": true, "singularName": "", "verbs": ["get", "watch"] },
        { "name": "rollouts/status", "kind": "Rollout", "namespaced": true, "singularName": "", "verbs": ["watch"] },
        { "name": "experiments", "kind": "Experiment", "namespaced": true, "singularName": "", "verbs": ["get"] },
    ]);
    let mut served = ServedKinds::default();
    served.add_resources("argoproj.io", "v1alpha1", &serde_json::from_value::<Vec<_>>(resources).unwrap());
    let plural = |name: &str| served.resource(&kind("argoproj.io", name)).map(|resource| resource.plural);
    assert_eq!(plural("Rollout").as_deref(), Some("rollouts"));
    assert_eq!(plural("Experiment"), None, "it cannot be watched");
}

#[test]
fn a_declared_path_may_begin_anywhere() {
    let object = json!({
        "metadata": { "name": "a" },
        "template": { "spec": { "containers": [{ "name": "a", "image": "nginx" }] } },
    });
    let show = declared("example.com", "Show", "template");
    assert_eq!(places(&read(&show, object)), ["template.spec.containers[0].image nginx"]);
}

/// A path that leads past the template, or nowhere, would let every image pass in silence.
#[test]
fn containers_where_no_path_leads_are_told_with_the_path_that_was_meant() {
    let read = |path: &str, spec: Value| {
        let kind = declared("apps.kruise.io", "CloneSet", path);
        read(&kind, json!({ "metadata": { "name": "a" }, "spec": spec }))
    };
    let pod = || json!({ "spec": { "containers": [{ "name": "a", "image": "nginx" }] } });
    for path in ["spec.template.spec", "spec", "spec.tmplate"] {
        let object = read(path, json!({ "template": pod() }));
        assert!(object.is_unread() && !object.has_template(), "{path}");
        let remark = object.remarks().join("\n");
        assert!(remark.ends_with("did you mean spec.template?"), "{remark}");
    }
    let acts = read("spec.acts", json!({ "acts": [{ "template": pod() }] }));
    assert!(
        acts.remarks().join("\n").contains("did you mean spec.acts[*].template?"),
        "{:?}",
        acts.remarks()
    );
    let nothing = read("spec.template", json!({ "template": { "spec": { "nodes": 1 } } }));
    assert!(
        nothing.is_unread() && nothing.remarks()[0].contains("has no spec.containers"),
        "{:?}",
        nothing.remarks()
    );
    // A kind may take its template from another object.
    for spec in [json!({}), json!({ "workloadRef": {} }), json!({ "template": {} })] {
        assert!(!read("spec.template", spec).is_unread());
    }
    assert!(!read("spec.template", json!({ "template": pod() })).is_unread());
}
