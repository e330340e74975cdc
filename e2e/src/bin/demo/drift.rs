//! A tag that moves: two pods of one Deployment run different images, though no manifest changed.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{ContainerImage, Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use tagwatch_e2e::{ControlPlane, Kubelet, TagwatchProcess, eventually, samples::Kubectl, tagwatch_binary};
use tokio::process::Command;

use crate::screen;

const LIMIT: Duration = Duration::from_secs(30);
const NAMESPACE: &str = "travel";
const NAME: &str = "booking";
const IMAGE: &str = "registry.example.com/travel/booking:3.2.1";
/// What the registry answers for the tag, before and after it was pushed again.
const DIGESTS: [&str; 2] = ["4f", "9b"];

/// Moves a tag under a running Deployment, and shows what comes of it. The namespace goes with the control plane.
pub(crate) async fn show(
    control_plane: &ControlPlane,
    kubectl: &Kubectl,
    tagwatch: &TagwatchProcess,
) -> Result<()> {
    let client = control_plane.client().await?;
    kubectl.run(["create", "namespace", NAMESPACE]).await?;
    screen::step(&format!("A tag moves: {IMAGE}, two pods, two nodes"));
    let pushed_again = Arc::new(AtomicBool::new(false));
    let nodes = ["node-a", "node-b"].map(|node| kubelet(&client, node, &pushed_again));
    for node in &nodes {
        node.register_node(Vec::new()).await?;
    }
    let image = format!("--image={IMAGE}");
    let create = ["create", "deployment", NAME, "-n", NAMESPACE, &image, "--replicas=2"];
    kubectl.run(create).await?;
    let pods = pods(&client).await?;
    nodes[0].run_pod(NAMESPACE, &pods[0]).await?;
    screen::outcome("the first pod runs what the tag meant then");
    pushed_again.store(true, Ordering::Relaxed);
    nodes[1].run_pod(NAMESPACE, &pods[1]).await?;
    screen::outcome("the tag is pushed again; the second pod starts on another node");
    // Two digests may be two indexes of equal manifests; a node that has both images knows better.
    nodes[0].register_node(both()).await?;
    screen::outcome("the first node pulls the tag again, and lists two different images");

    let report = moved(&client).await?;
    let properties = ["get", "policyreports.wgpolicyk8s.io", "-n", NAMESPACE, &report];
    let path = "-o=jsonpath={.results[?(@.rule=='moved-tag')].message}";
    let printed = kubectl.run([&properties[..], &[path]].concat()).await?;
    screen::command(&format!("kubectl {} {path}", properties.join(" ")), &printed);
    issues(control_plane).await?;
    metric(tagwatch).await
}

/// The digest of a push.
fn digest(push: usize) -> String {
    format!("sha256:{}", DIGESTS[push].repeat(32))
}

/// What a node lists that has pulled before and after the tag was pushed again.
fn both() -> Vec<ContainerImage> {
    let (repository, _tag) = IMAGE.rsplit_once(':').unwrap_or((IMAGE, ""));
    let name = |push| format!("{repository}@{}", digest(push));
    let image = |push| ContainerImage { names: Some(vec![name(push)]), size_bytes: None };
    [0, 1].map(image).into()
}

fn kubelet(client: &Client, node: &str, pushed_again: &Arc<AtomicBool>) -> Kubelet {
    let pushed_again = Arc::clone(pushed_again);
    let answer = move |_: &str| digest(usize::from(pushed_again.load(Ordering::Relaxed)));
    Kubelet::new(client.clone(), node).with_digests(answer).binding()
}

async fn pods(client: &Client) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    eventually(LIMIT, "two pods", async || {
        let found = pods.list_metadata(&ListParams::default()).await?.items;
        ensure!(found.len() == 2, "{} pods", found.len());
        Ok(found.iter().map(ResourceExt::name_any).collect())
    })
    .await
}

/// The name of the report, once it has a finding about the moved tag.
async fn moved(client: &Client) -> Result<String> {
    let kind = GroupVersionKind::gvk("wgpolicyk8s.io", "v1alpha2", "PolicyReport");
    let reports: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind));
    eventually(LIMIT, "the report has a finding about the moved tag", async || {
        let found = reports.list(&ListParams::default()).await?.items;
        let report = found.first().context("no report")?;
        let results = report.data["results"].as_array().context("no results")?;
        // Nodes and pods are heard of in any order; it is proven once both are known.
        let proven = |result: &serde_json::Value| {
            result["rule"] == "moved-tag" && result["properties"]["confidence"] == "proven"
        };
        ensure!(results.iter().any(proven), "{results:?}");
        Ok(report.name_any())
    })
    .await
}

async fn issues(control_plane: &ControlPlane) -> Result<()> {
    let args = ["issues", "--drift", "-n", NAMESPACE];
    let output = Command::new(tagwatch_binary()?)
        .args(args)
        .env("KUBECONFIG", control_plane.kubeconfig())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "tagwatch {}: {}", args.join(" "), output.status);
    screen::command(&format!("tagwatch {}", args.join(" ")), &String::from_utf8_lossy(&output.stdout));
    Ok(())
}

async fn metric(tagwatch: &TagwatchProcess) -> Result<()> {
    let shown = eventually(LIMIT, "the metric counts it", async || {
        let all = tagwatch.metrics().await?;
        let lines: Vec<&str> = all.lines().filter(|line| line.starts_with("tagwatch_moved_tags{")).collect();
        ensure!(lines.contains(&"tagwatch_moved_tags{confidence=\"proven\"} 1"), "{lines:?}");
        Ok(lines.join("\n"))
    })
    .await?;
    let command = format!("curl -s http://{}/metrics | grep ^tagwatch_moved_tags", tagwatch.address());
    screen::command(&command, &shown);
    Ok(())
}
