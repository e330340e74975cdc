//! Objects of custom kinds and discovery documents, as an API server sends them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]
#![expect(clippy::needless_pass_by_value, reason = "calls read better with the JSON in place")]

use std::collections::BTreeMap;

use kube_core::ObjectList;
use kube_core::discovery::v2::APIGroupDiscoveryList;
use serde_json::{Value, json};
use tagwatch_core::kinds::{CustomKind, CustomKinds, KindName, TemplatePath};
use tagwatch_core::workload::IgnoreAnnotations;
use tagwatch_k8s::discovery::ServedKinds;
use tagwatch_k8s::slim::{CustomObject, SlimCustom};

fn kind(group: &str, kind: &str) -> CustomKind {
    CustomKind::clone(CustomKinds::default().get(&KindName::new(group, kind)).unwrap())
}

fn read(kind: &CustomKind, object: Value) -> SlimCustom {
    let object: CustomObject = serde_json::from_value(object).unwrap();
    SlimCustom::read(object, kind, &kind.versions[0].templates)
}

fn places(object: &SlimCustom) -> Vec<String> {
    let place = |container: tagwatch_core::workload::Container| {
        format!("{} {}", container.field_path, container.image.raw())
    };
    object.containers().into_iter().map(place).collect()
}

fn training(roles: Value, conditions: Value) -> SlimCustom {
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
    let metadata = object.metadata();
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
    let list: ObjectList<CustomObject> = serde_json::from_value(list).unwrap();
    let kind = kind("apps.kruise.io", "CloneSet");
    let remarks: Vec<usize> = list
        .items
        .into_iter()
        .map(|object| SlimCustom::read(object, &kind, &kind.versions[0].templates).remarks().len())
        .collect();
    assert_eq!(remarks, [1, 1, 1, 0]);
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
    let path: TemplatePath = "template".parse().unwrap();
    let object = json!({
        "metadata": { "name": "a" },
        "template": { "spec": { "containers": [{ "name": "a", "image": "nginx" }] } },
    });
    let object: CustomObject = serde_json::from_value(object).unwrap();
    let kind = CustomKind {
        name: KindName::new("example.com", "Show"),
        versions: vec![],
        ends_by: &[],
        supersedes: false,
    };
    assert_eq!(
        places(&SlimCustom::read(object, &kind, &[path])),
        ["template.spec.containers[0].image nginx"]
    );
}

/// A path that leads past the template, or nowhere, would let every image pass in silence.
#[test]
fn containers_where_no_path_leads_are_told_with_the_path_that_was_meant() {
    let kind = kind("apps.kruise.io", "CloneSet");
    let read = |path: &str, spec: Value| {
        let object = json!({ "metadata": { "name": "a" }, "spec": spec });
        let object: CustomObject = serde_json::from_value(object).unwrap();
        SlimCustom::read(object, &kind, &[path.parse::<TemplatePath>().unwrap()])
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
    // A kind may leave its template to somebody else.
    for spec in [json!({}), json!({ "workloadRef": {} }), json!({ "template": {} })] {
        assert!(!read("spec.template", spec).is_unread());
    }
    assert!(!read("spec.template", json!({ "template": pod() })).is_unread());
}
