//! Builds workloads as JSON, as a client would create them.

use kube::{ResourceExt, api::DynamicObject};
use serde_json::{Value, json};

/// A full version with its default pull policy.
pub(crate) const CLEAN: &str = "registry.example.com/web:1.27.3";
/// What every report says of a container `web` with [`CLEAN`].
pub(crate) const PASSES: [&str; 2] = ["web floating-tag pass", "web stale-pull-policy pass"];
/// A tag that moves; a new object with it pulls always.
pub(crate) const LATEST: &str = "registry.example.com/web:latest";

/// One container, whose pull policy the API server fills in.
pub(crate) fn container(name: &str, image: &str) -> Value {
    json!({ "name": name, "image": image })
}

/// One container with its pull policy written.
pub(crate) fn pulled(name: &str, image: &str, policy: &str) -> Value {
    json!({ "name": name, "image": image, "imagePullPolicy": policy })
}

/// The specification of a pod with these containers.
pub(crate) fn pod_spec(containers: &[Value]) -> Value {
    json!({ "containers": containers, "terminationGracePeriodSeconds": 0 })
}

/// A pod template whose pods are labelled with their workload's name.
pub(crate) fn template(app: &str, spec: &Value) -> Value {
    json!({ "metadata": { "labels": { "app": app } }, "spec": spec })
}

/// A Deployment with this many pods of these containers.
pub(crate) fn deployment(name: &str, replicas: u32, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": template(name, &pod_spec(containers)),
        },
    })
}

/// A Deployment scaled to zero with one container `web`: nothing but the object itself.
pub(crate) fn web(name: &str, image: &str) -> Value {
    deployment(name, 0, &[container("web", image)])
}

/// A pod with these containers and without a controller.
pub(crate) fn pod(name: &str, containers: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": pod_spec(containers) })
}

/// A Job whose pod has these containers.
pub(crate) fn job(name: &str, containers: &[Value]) -> Value {
    let mut spec = pod_spec(containers);
    spec["restartPolicy"] = json!("Never");
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name },
        "spec": { "template": { "metadata": { "labels": { "app": name } }, "spec": spec } },
    })
}

/// An object as its controller would own it.
pub(crate) fn controlled_by(owner: &DynamicObject, mut object: Value) -> Value {
    let types = owner.types.clone().unwrap_or_default();
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": types.api_version, "kind": types.kind, "name": owner.name_any(), "uid": owner.uid(),
        "controller": true,
    }]);
    object
}

/// A ReplicaSet whose pods are labelled with its name and have these containers.
pub(crate) fn replica_set(name: &str, replicas: u32, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": template(name, &pod_spec(containers)),
        },
    })
}

/// A merge patch that gives a workload's only container `web` another image, and nothing else.
///
/// A merge patch replaces the list whole, so the pull policy that the API server has filled in is written again.
pub(crate) fn with_image(image: &str, policy: &str) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [pulled("web", image, policy)] } } } })
}

/// A namespaced custom resource definition of a kind that tagwatch does not know, with whatever fields.
pub(crate) fn custom_kind(group: &str, kind: &str, plural: &str) -> Value {
    custom_kind_in(group, kind, plural, &["v1"])
}

/// A namespaced custom resource definition with whatever fields, served in these versions and stored in the first.
pub(crate) fn custom_kind_in(group: &str, kind: &str, plural: &str, versions: &[&str]) -> Value {
    let schema =
        json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let served = |(index, version): (usize, &&str)| json!({ "name": version, "served": true, "storage": index == 0, "schema": schema });
    let versions: Vec<Value> = versions.iter().enumerate().map(served).collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": versions,
        },
    })
}
