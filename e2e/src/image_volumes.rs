//! Whether the API server knows image volumes (KEP-4639): it drops them where their feature gate is off, as it is by default
//! before Kubernetes 1.35.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client, api::PostParams};
use serde_json::json;

/// Whether it stores an image volume, by what it answers to a Deployment that it only validates.
///
/// # Errors
/// The Deployment may not be created in the namespace `default`.
pub async fn stores_image_volumes(client: &Client) -> Result<bool> {
    let labels = json!({ "app": "tagwatch-image-volume" });
    let spec = json!({
        "containers": [{ "name": "main", "image": "registry.example.com/main:1.0.0" }],
        "volumes": [{ "name": "data", "image": { "reference": "registry.example.com/data:1.0.0" } }],
    });
    let wanted: Deployment = serde_json::from_value(json!({
        "metadata": { "generateName": "tagwatch-image-volume-" },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": spec },
        },
    }))?;
    let only_validated = PostParams { dry_run: true, ..PostParams::default() };
    let api: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let answer = api.create(&only_validated, &wanted).await?;
    let pod = answer.spec.and_then(|spec| spec.template.spec);
    Ok(pod.and_then(|pod| pod.volumes).into_iter().flatten().any(|volume| volume.image.is_some()))
}
