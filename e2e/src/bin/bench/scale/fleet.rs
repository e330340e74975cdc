//! Workloads and pods as controllers and kubelets leave them, made through the API while no controller runs.

use std::{future::Future, iter};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{Pod, ServiceAccount},
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    deployments::{self, NAMESPACES},
};

/// Pods of each Deployment.
pub(super) const PODS: u32 = 20;
/// Requests at the same time: enough to keep an API server on two cores busy.
const CONCURRENCY: usize = 16;

/// What is made in a cluster, in the namespaces of the benchmark.
pub(super) struct Fleet<'a> {
    cluster: &'a Cluster,
    client: Client,
}

impl<'a> Fleet<'a> {
    /// Makes the namespaces, each with the service account that a controller would make.
    pub(super) async fn new(cluster: &'a Cluster) -> Result<Self> {
        let client = cluster.admin();
        for number in 0..NAMESPACES {
            let namespace = deployments::namespace(number);
            cluster.create_namespace(namespace.clone()).await?;
            let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
            let account = serde_json::from_value(json!({ "metadata": { "name": "default" } }))?;
            accounts.create(&PostParams::default(), &account).await?;
        }
        Ok(Self { cluster, client })
    }

    /// Deployments with these numbers, each with a ReplicaSet and [`PODS`] running pods.
    pub(super) async fn rolled_out(&self, numbers: impl IntoIterator<Item = u32>) -> Result<()> {
        each(numbers, |number| self.roll_out(number)).await
    }

    /// Deployments with these numbers, without a ReplicaSet and without pods.
    pub(super) async fn deployments(&self, numbers: impl IntoIterator<Item = u32>) -> Result<()> {
        each(numbers, |number| async move {
            let wanted = deployments::deployment(number)?;
            self.cluster.api::<Deployment>(number).create(&PostParams::default(), &wanted).await?;
            Ok(())
        })
        .await
    }

    /// Running pods with these numbers, of no controller.
    pub(super) async fn bare_pods(&self, numbers: impl IntoIterator<Item = u32>) -> Result<()> {
        each(numbers, |number| async move { self.run_pod(number, &bare_pod(number), None).await }).await
    }

    /// What a kubelet reports again and again of a pod that has not changed.
    pub(super) async fn heartbeat(&self, number: u32) -> Result<()> {
        let probed =
            json!({ "type": "Ready", "status": "True", "lastProbeTime": Timestamp::now().to_string() });
        let status = json!({ "status": { "conditions": [probed] } });
        let pods = self.cluster.api::<Pod>(number);
        pods.patch_status(&bare_pod(number), &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }

    /// Heartbeats of all pods with these numbers.
    pub(super) async fn heartbeats(&self, numbers: impl IntoIterator<Item = u32>) -> Result<()> {
        each(numbers, |number| self.heartbeat(number)).await
    }

    async fn roll_out(&self, number: u32) -> Result<()> {
        let name = deployments::name(number);
        let labels = json!({ "app": name, "pod-template-hash": "5d8f7c6b9" });
        let template = json!({ "metadata": { "labels": labels }, "spec": pod_spec(number) });
        let spec = |revision: &str| {
            json!({
                "replicas": PODS, "selector": { "matchLabels": { "app": revision } }, "template": template,
            })
        };
        let deployment: Deployment =
            self.create(number, json!({ "metadata": { "name": name }, "spec": spec(&name) })).await?;
        let owner = owner("Deployment", &deployment)?;
        let replica_set = json!({
            "metadata": {
                "name": format!("{name}-5d8f7c6b9"),
                "labels": labels,
                "annotations": { "deployment.kubernetes.io/revision": "1" },
                "ownerReferences": [owner],
            },
            "spec": spec(&name),
        });
        let replica_set: ReplicaSet = self.create(number, replica_set).await?;
        let owner = self::owner("ReplicaSet", &replica_set)?;
        for pod in 0..PODS {
            self.run_pod(number, &format!("{name}-5d8f7c6b9-{pod:05}"), Some(&owner)).await?;
        }
        Ok(())
    }

    /// Creates a pod, and writes the status that its kubelet would.
    async fn run_pod(&self, number: u32, name: &str, owner: Option<&Value>) -> Result<()> {
        let owners: Vec<&Value> = owner.into_iter().collect();
        let metadata = json!({
            "name": name, "labels": { "app": deployments::name(number), "pod-template-hash": "5d8f7c6b9" },
            "ownerReferences": owners,
        });
        let pod: Pod = self.create(number, json!({ "metadata": metadata, "spec": pod_spec(number) })).await?;
        let now = Timestamp::now().to_string();
        let statuses: Vec<Value> = iter::zip(CONTAINERS, 0..)
            .map(|(container, place)| {
                json!({
                    "name": container, "image": image(number, container), "imageID": image(number, container),
                    "containerID": format!("containerd://{}-{place}", pod.uid().unwrap_or_default()),
                    "ready": true, "started": true, "restartCount": 0, "state": { "running": { "startedAt": now } },
                })
            })
            .collect();
        let status =
            json!({ "status": { "phase": "Running", "startTime": now, "containerStatuses": statuses } });
        let pods = self.cluster.api::<Pod>(number);
        pods.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }

    async fn create<K>(&self, number: u32, object: Value) -> Result<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + serde::Serialize,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &deployments::namespace(number));
        Ok(api.create(&PostParams::default(), &serde_json::from_value(object)?).await?)
    }
}

/// The containers of every pod.
const CONTAINERS: [&str; 2] = [deployments::CONTAINER, "proxy"];

fn bare_pod(number: u32) -> String {
    format!("pod-{number:06}")
}

/// By digest; no two Deployments share the first one.
fn image(number: u32, container: &str) -> String {
    let digest = if container == deployments::CONTAINER { number } else { u32::MAX };
    format!("registry.example.com/bench/{container}@sha256:{digest:064x}")
}

fn pod_spec(number: u32) -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": image(number, name), "ports": [{ "containerPort": 8080 }],
            "env": [{ "name": "LOG_LEVEL", "value": "info" }],
            "resources": { "requests": { "cpu": "50m", "memory": "64Mi" } },
        })
    };
    json!({ "nodeName": format!("node-{:03}", number % 1_000), "containers": CONTAINERS.map(container) })
}

fn owner<K: kube::Resource<DynamicType = ()>>(kind: &str, object: &K) -> Result<Value> {
    let uid = object.meta().uid.as_ref().context("an object without a UID")?;
    let name = object.meta().name.as_ref().context("an object without a name")?;
    Ok(json!({ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true }))
}

/// Does something for each number, a few at the same time.
async fn each<F: Future<Output = Result<()>>>(
    numbers: impl IntoIterator<Item = u32>,
    work: impl Fn(u32) -> F,
) -> Result<()> {
    stream::iter(numbers).map(work).buffer_unordered(CONCURRENCY).try_collect().await
}
