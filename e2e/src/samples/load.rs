//! Loading the samples. What a manifest cannot say is done as `config/samples/live/README.md` describes.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{Kubectl, NAMESPACES, NODE, Verdicts, compare, config, expected, reported};
use crate::{JobPods, Kubelet, KubeletTask, Scope, eventually, stores_image_volumes};

const LIMIT: Duration = Duration::from_mins(1);

/// The samples on one cluster.
pub struct Samples {
    client: Client,
    kubectl: Kubectl,
    expected: Verdicts,
}

impl Samples {
    /// For a control plane without a kubelet: [`load`](Self::load) plays that part.
    ///
    /// # Errors
    /// The table of verdicts cannot be read, or the API server does not say whether it stores image volumes.
    pub async fn new(client: Client, kubectl: Kubectl) -> Result<Self> {
        let mut expected = expected()?;
        if !stores_image_volumes(&client).await? {
            for rows in expected.values_mut() {
                rows.retain(|row| !row.is_of_image_volume());
            }
        }
        Ok(Self { client, kubectl, expected })
    }

    /// What is to be reported of the samples that were loaded.
    pub fn expected(&self) -> &Verdicts {
        &self.expected
    }

    /// Loads all of them. Their pods run while the returned kubelet does.
    ///
    /// # Errors
    /// The API server refused one, or a pod did not come to run within a minute.
    pub async fn load(&self) -> Result<KubeletTask> {
        let kubelet = Kubelet::new(self.client.clone(), NODE);
        let node = kubelet.register_node(Vec::new()).await?;
        self.namespaces().await?;
        let namespaces = Scope::Namespaces(NAMESPACES.map(str::to_owned).to_vec());
        let running = kubelet.clone().watch(namespaces, JobPods::Run);

        self.apply(&["-f", "live/checkout-previous.yaml"]).await?;
        self.rolled_out("checkout").await?;
        self.apply(&["-k", ""]).await?;
        self.rolled_out("checkout").await?;
        self.finished_job(&kubelet).await?;
        self.debugger().await?;
        self.training_run().await?;
        self.mirror_pod(&node.uid().context("the Node has no uid")?).await?;
        Ok(running)
    }

    /// Loads them on a cluster with kubelets of its own, but for those that only a kubelet in our hands makes:
    /// the mirror pod, the finished Job and the superseded ReplicaSet.
    ///
    /// # Errors
    /// The API server refused one, or a Deployment got no pod within a minute.
    pub async fn load_beside_kubelets(&mut self) -> Result<()> {
        self.namespaces().await?;
        self.apply(&["-k", ""]).await?;
        self.debugger().await?;
        self.training_run().await?;
        self.expected.retain(|workload, _| workload.kind != "Pod" || !workload.name.ends_with(NODE));
        Ok(())
    }

    /// Waits until the reports say of every sample what the table says, and nothing else.
    ///
    /// # Errors
    /// They still differ when `limit` is over; the error lists every difference.
    pub async fn judged(&self, limit: Duration) -> Result<()> {
        let judged = eventually(limit, "the reports say what the table says", async || -> Result<()> {
            compare(&self.expected, &reported(&self.client).await?)
        });
        judged.await
    }

    async fn apply(&self, what: &[&str; 2]) -> Result<String> {
        let [flag, path] = what;
        let path = config("samples").join(path);
        self.kubectl.run(["apply".as_ref(), flag.as_ref(), path.as_os_str()]).await
    }

    /// The API server refuses bare pods until a namespace has its default service account.
    async fn namespaces(&self) -> Result<()> {
        self.apply(&["-f", "namespaces.yaml"]).await?;
        for namespace in NAMESPACES {
            let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
            let ready =
                eventually(LIMIT, "a default service account", async || Ok(accounts.get("default").await?));
            ready.await.with_context(|| format!("namespace {namespace}"))?;
        }
        Ok(())
    }

    async fn rolled_out(&self, deployment: &str) -> Result<()> {
        let deployment = format!("deployment/{deployment}");
        self.kubectl.run(["rollout", "status", "-n", "shop", &deployment, "--timeout=60s"]).await.map(drop)
    }

    async fn finished_job(&self, kubelet: &Kubelet) -> Result<()> {
        self.apply(&["-f", "live/ledger-migration.yaml"]).await?;
        let pod = self.pod("payments", "app=ledger-migration").await?;
        kubelet.succeed_pod("payments", &pod).await?;
        let complete =
            ["wait", "-n", "payments", "--for=condition=complete", "job/ledger-migration", "--timeout=60s"];
        self.kubectl.run(complete).await.map(drop)
    }

    async fn debugger(&self) -> Result<()> {
        let pod = self.pod("platform", "app=alert-router").await?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), "platform");
        let [patch] = documents("live/alert-router-debugger.yaml")?;
        pods.patch_ephemeral_containers(&pod, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }

    /// The name of the one pod with this label.
    async fn pod(&self, namespace: &str, label: &str) -> Result<String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let one = eventually(LIMIT, "one pod", async || {
            let found = pods.list_metadata(&ListParams::default().labels(label)).await?.items;
            ensure!(found.len() == 1, "{} pods", found.len());
            Ok(found[0].name_any())
        });
        one.await.with_context(|| format!("pods {label} in {namespace}"))
    }

    async fn training_run(&self) -> Result<()> {
        let [crd, run, mut worker] = documents("live/training-run.yaml")?;
        self.kubectl.apply(&crd).await?;
        let crd = "crd/trainingruns.ml.example.com";
        self.kubectl.run(["wait", "--for=condition=established", crd, "--timeout=60s"]).await?;
        self.kubectl.apply(&run).await?;
        let uid = [
            "get",
            "trainingruns.ml.example.com",
            "-n",
            "analytics",
            "churn-model",
            "-o=jsonpath={.metadata.uid}",
        ];
        set_owner(&mut worker, &self.kubectl.run(uid).await?)?;
        self.kubectl.apply(&worker).await
    }

    async fn mirror_pod(&self, node: &str) -> Result<()> {
        let [mut pod] = documents("live/vip-manager.yaml")?;
        set_owner(&mut pod, node)?;
        self.kubectl.apply(&pod).await
    }
}

fn set_owner(object: &mut Value, uid: &str) -> Result<()> {
    let place =
        object.pointer_mut("/metadata/ownerReferences/0/uid").context("a sample without its owner")?;
    *place = json!(uid);
    Ok(())
}

/// The documents of a sample that must hold so many.
fn documents<const N: usize>(path: &str) -> Result<[Value; N]> {
    let path = config("samples").join(path);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).with_context(|| path.display().to_string())?;
    let found = documents.len();
    documents.try_into().ok().with_context(|| format!("{}: {found} documents, not {N}", path.display()))
}
