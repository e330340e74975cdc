//! What a kubelet writes: pod statuses and Node objects. No container runs.

mod image;
mod status;
mod task;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result};
use k8s_openapi::{
    api::core::v1::{Binding, ContainerImage, Node, ObjectReference, Pod, PodStatus},
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::json;
use sha2::{Digest, Sha256};

pub use task::{JobPods, KubeletTask, Scope};

type Digests = dyn Fn(&str) -> String + Send + Sync;

/// Brings pods to the state that a kubelet would report once their containers run.
#[derive(Clone)]
pub struct Kubelet {
    client: Client,
    node: String,
    digests: Arc<Digests>,
    image_ids: Option<Arc<Digests>>,
    platform: [String; 3],
    binds: bool,
    addresses: Arc<AtomicU32>,
}

impl fmt::Debug for Kubelet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubelet")
            .field("node", &self.node)
            .field("binds", &self.binds)
            .finish_non_exhaustive()
    }
}

impl Kubelet {
    /// A kubelet for the node of this name. Each reference has a digest of its own, the SHA-256 of its text in full.
    pub fn new(client: Client, node: &str) -> Self {
        Self {
            client,
            node: node.to_owned(),
            digests: Arc::new(digest_of_text),
            image_ids: None,
            platform: ["linux", "amd64", "containerd://2.1.4"].map(str::to_owned),
            binds: false,
            addresses: Arc::default(),
        }
    }

    /// Takes digests (`sha256:…`) of references from this function instead: what the registry would answer.
    #[must_use]
    pub fn with_digests(mut self, digests: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.digests = Arc::new(digests);
        self
    }

    /// Takes the whole `imageID` from this function of the reference, as another runtime writes it.
    #[must_use]
    pub fn with_image_ids(mut self, image_ids: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.image_ids = Some(Arc::new(image_ids));
        self
    }

    /// Sets the platform of its node; `runtime` as in `containerd://2.1.4`.
    #[must_use]
    pub fn with_platform(mut self, os: &str, architecture: &str, runtime: &str) -> Self {
        self.platform = [os, architecture, runtime].map(str::to_owned);
        self
    }

    /// Binds pods to the node before it runs them. A bound pod that is deleted stays until a kubelet confirms
    /// that it has ended, which a [`KubeletTask`] does. Pods that are not bound are removed at once.
    #[must_use]
    pub fn binding(mut self) -> Self {
        self.binds = true;
        self
    }

    /// Creates the Node, ready, with these images on it, or replaces the images of one that is there.
    ///
    /// # Errors
    /// The API server refused.
    pub async fn register_node(&self, images: Vec<ContainerImage>) -> Result<Node> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let labels = [("kubernetes.io/hostname", self.node.as_str()), ("kubernetes.io/os", "linux")];
        let node = Node {
            metadata: ObjectMeta {
                name: Some(self.node.clone()),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                ..ObjectMeta::default()
            },
            ..Node::default()
        };
        match nodes.create(&PostParams::default(), &node).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            outcome => drop(outcome.with_context(|| format!("create node {}", self.node))?),
        }
        let status = json!({ "status": status::node(images, &self.platform, Timestamp::now()) });
        let patched = nodes.patch_status(&self.node, &PatchParams::default(), &Patch::Merge(status)).await;
        patched.with_context(|| format!("status of node {}", self.node))
    }

    /// Reports all containers of a pod as running and ready.
    ///
    /// # Errors
    /// There is no such pod, or the API server refused.
    pub async fn run_pod(&self, namespace: &str, name: &str) -> Result<Pod> {
        self.report(namespace, name, status::running).await
    }

    /// Reports all containers of a pod as ended with exit code 0.
    ///
    /// # Errors
    /// There is no such pod, or the API server refused.
    pub async fn succeed_pod(&self, namespace: &str, name: &str) -> Result<Pod> {
        self.report(namespace, name, status::succeeded).await
    }

    /// Reports all containers of a pod as waiting for their images.
    ///
    /// # Errors
    /// There is no such pod, or the API server refused.
    pub async fn fail_pull(&self, namespace: &str, name: &str) -> Result<Pod> {
        self.report(namespace, name, status::failing_to_pull).await
    }

    async fn report(&self, namespace: &str, name: &str, status: StatusOf) -> Result<Pod> {
        let pod = self.pods(namespace).get(name).await;
        let pod = pod.with_context(|| format!("pod {namespace}/{name}"))?;
        self.write_status(&pod, status).await.with_context(|| format!("status of pod {namespace}/{name}"))
    }

    async fn write_status(&self, pod: &Pod, status: StatusOf) -> Result<Pod, kube::Error> {
        let pods = self.pods(&pod.namespace().unwrap_or_default());
        let name = pod.name_any();
        if self.binds && pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none()) {
            self.bind(&pods, &name).await?;
        }
        let surroundings = status::Surroundings {
            digests: &*self.digests,
            image_ids: self.image_ids.as_deref(),
            now: Timestamp::now(),
            address: self.address(),
        };
        // With the UID, so that a new pod of the same name does not get the status of the old one.
        let patch = json!({ "metadata": { "uid": pod.uid() }, "status": status(pod, &surroundings) });
        pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    async fn bind(&self, pods: &Api<Pod>, name: &str) -> Result<(), kube::Error> {
        let binding = Binding {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            target: ObjectReference {
                kind: Some("Node".to_owned()),
                name: Some(self.node.clone()),
                ..ObjectReference::default()
            },
        };
        let _: serde_json::Value =
            pods.create_subresource("binding", name, &PostParams::default(), &binding).await?;
        Ok(())
    }

    /// Confirms that a deleted pod has ended, as the last act of a kubelet on it.
    async fn remove(&self, pod: &Pod) -> Result<(), kube::Error> {
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: pod.uid(), resource_version: None }),
            ..DeleteParams::default()
        };
        self.pods(&pod.namespace().unwrap_or_default()).delete(&pod.name_any(), &now).await.map(drop)
    }

    fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The next free address of the pod network.
    fn address(&self) -> String {
        let [.., high, low] = self.addresses.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        format!("10.88.{high}.{low}")
    }
}

/// All spellings of one reference have one digest, since a registry gets the same request.
fn digest_of_text(reference: &str) -> String {
    Sha256::digest(image::full_name(reference))
        .iter()
        .fold("sha256:".to_owned(), |digest, byte| digest + &format!("{byte:02x}"))
}

type StatusOf = fn(&Pod, &status::Surroundings<'_>) -> PodStatus;
