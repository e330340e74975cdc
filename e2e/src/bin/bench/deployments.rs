//! The workloads: Deployments without replicas, so that no pods are made of them.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

/// Namespaces that the Deployments are spread over.
pub(crate) const NAMESPACES: u32 = 10;
/// Name of the container whose image is changed.
pub(crate) const CONTAINER: &str = "app";

/// The namespace of the Deployments with many findings.
pub(crate) const MANY: &str = "bench-many";
/// Findings of each of them: of rule, severity and result one is like no other.
pub(crate) const FINDINGS_OF_MANY: u32 = 9;
/// Issues of each of them, alike or not.
pub(crate) const ISSUES_OF_MANY: u32 = 12;

/// A digest that no registry holds.
const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub(crate) fn namespace(number: u32) -> String {
    format!("bench-{:02}", number % NAMESPACES)
}

pub(crate) fn name(number: u32) -> String {
    format!("app-{number:05}")
}

/// The image of the Deployment's main container: every class of tag has its share.
fn image(number: u32) -> String {
    let repository = format!("registry.example.com/bench/app-{number:05}");
    // Neighbours in a namespace differ by NAMESPACES; counting those spreads the classes within each.
    match (number / NAMESPACES) % 6 {
        0 => format!("{repository}:latest"),
        1 => repository,
        2 => format!("{repository}:1.x"),
        3 => format!("{repository}:v1.27.3"),
        4 => format!("{repository}:main-1a2b3c4"),
        _ => format!("{repository}@{DIGEST}"),
    }
}

/// What the main container of a Deployment runs after a change: an image that nothing else runs.
pub(crate) fn changed_image(number: u32, change: u32) -> String {
    format!("registry.example.com/bench/app-{number:05}:2.0.{change}")
}

/// One Deployment; every third has a second container.
pub(crate) fn deployment(number: u32) -> serde_json::Result<Deployment> {
    let labels = json!({ "app": name(number) });
    let mut containers = vec![json!({
        "name": CONTAINER,
        "image": image(number),
        "ports": [{ "containerPort": 8080 }],
        "env": [{ "name": "LOG_LEVEL", "value": "info" }],
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" } },
    })];
    if number.is_multiple_of(3) {
        containers.push(json!({
            "name": "proxy",
            "image": "registry.example.com/mesh/proxy:v3",
            "imagePullPolicy": "IfNotPresent",
        }));
    }
    serde_json::from_value(json!({
        "metadata": { "name": name(number), "namespace": namespace(number), "labels": labels },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } },
        },
    }))
}

/// A Deployment whose containers break every rule there is, in every severity.
pub(crate) fn many_findings(namespace: &str, number: u32) -> serde_json::Result<Deployment> {
    let labels = json!({ "app": name(number) });
    let images = [
        ("", "Always"),
        (":latest", "Always"),
        (":1.27", "Always"),
        (":customer", "Always"),
        (":latest", "IfNotPresent"),
        (":stable", "IfNotPresent"),
        (":stable", "Never"),
        (":1.2.3", "Never"),
        (":${TAG}", "Always"),
    ];
    let container = |(place, (tag, policy)): (usize, (&str, &str))| json!({ "name": format!("c{place}"), "image": format!("registry.example.com/app{tag}"), "imagePullPolicy": policy });
    let containers: Vec<_> = images.into_iter().enumerate().map(container).collect();
    serde_json::from_value(json!({
        "metadata": { "name": name(number), "namespace": namespace },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } },
        },
    }))
}
