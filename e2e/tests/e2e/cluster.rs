//! A control plane with what `config/` installs.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use kube::Client;
use tagwatch_e2e::{ControlPlane, Identity, Options, eventually, samples::config, stores_image_volumes};

const LIMIT: Duration = Duration::from_secs(30);
/// The discovery documents of the two APIs, and what they list.
const REPORT_API: (&str, &str) = ("wgpolicyk8s.io/v1alpha2", "policyreports");
const CLUSTER_REPORT_API: (&str, &str) = ("wgpolicyk8s.io/v1alpha2", "clusterpolicyreports");
const POLICY_API: (&str, &str) = ("tagwatch.dev/v1alpha1", "tagpolicies");
/// Our definition of it.
pub(crate) const CRD: &str = "crd/wgpolicyk8s.io_policyreports.yaml";
const CLUSTER_CRD: &str = "crd/wgpolicyk8s.io_clusterpolicyreports.yaml";
/// What the service account of `config/rbac` is called in RBAC and in the audit log.
pub(crate) const USER: &str = "system:serviceaccount:tagwatch:tagwatch";
const ACCOUNT: Identity<'static> = Identity::ServiceAccount { namespace: "tagwatch", name: "tagwatch" };
/// Our definition of a policy.
const POLICY_CRD: &str = "policy/tagwatch.dev_tagpolicies.yaml";
const RBAC: [&str; 11] = [
    "controller/namespace.yaml",
    "rbac/service_account.yaml",
    "rbac/cluster_role.yaml",
    "rbac/cluster_role_binding.yaml",
    "rbac/cluster_role_extensions.yaml",
    "rbac/cluster_role_binding_extensions.yaml",
    "rbac/role.yaml",
    "rbac/role_binding.yaml",
    "rbac/view_role.yaml",
    "rbac/nodes/cluster_role.yaml",
    "rbac/events/cluster_role.yaml",
];

/// A control plane, and a kubeconfig with the rights of tagwatch's service account.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) kubeconfig: PathBuf,
    /// Older API servers drop them: tests expect what an object says that is stored.
    pub(crate) stores_image_volumes: bool,
}

impl Cluster {
    /// Starts a control plane with our service account, its rights and the policy API, and no report API.
    pub(crate) async fn start(options: Options) -> Result<Self> {
        let control_plane = ControlPlane::start(options).await?;
        apply(&control_plane, &RBAC).await?;
        apply(&control_plane, &[POLICY_CRD]).await?;
        // The authorizer learns of RBAC from informers, which takes a moment.
        let client = control_plane.client_as(ACCOUNT).await?;
        eventually(LIMIT, "the rights of config/rbac hold", || async {
            for path in ["/api/v1/pods?limit=1", "/api/v1/nodes?limit=1"] {
                client.request_text(http::Request::get(path).body(Vec::new())?).await?;
            }
            Ok(())
        })
        .await?;
        let kubeconfig = control_plane.kubeconfig_as(ACCOUNT, control_plane.data_dir()).await?;
        let stores_image_volumes = stores_image_volumes(&control_plane.client().await?).await?;
        Ok(Self { control_plane, kubeconfig, stores_image_volumes })
    }

    /// Whether an object that is stored says what its manifest says of containers of this type.
    pub(crate) fn stores(&self, container_type: &str) -> bool {
        self.stores_image_volumes || container_type != "imageVolume"
    }

    /// Starts one with the report API, too.
    pub(crate) async fn with_report_api(options: Options) -> Result<Self> {
        let cluster = Self::start(options).await?;
        cluster.install_report_api().await?;
        Ok(cluster)
    }

    /// Installs `config/crd` and waits until both kinds are served: policy-reporter is not ready before.
    pub(crate) async fn install_report_api(&self) -> Result<()> {
        apply(&self.control_plane, &[CRD, CLUSTER_CRD]).await?;
        self.is_served(CLUSTER_REPORT_API, true).await?;
        self.report_api_is_served(true).await
    }

    /// Waits until the report API is served, or is not.
    pub(crate) async fn report_api_is_served(&self, wanted: bool) -> Result<()> {
        self.is_served(REPORT_API, wanted).await
    }

    /// Installs the `TagPolicy` CRD of `config/policy` and waits until it is served.
    pub(crate) async fn install_policy_api(&self) -> Result<()> {
        apply(&self.control_plane, &[POLICY_CRD]).await?;
        self.is_served(POLICY_API, true).await
    }

    /// Deletes the definition of TagPolicy, and all policies with it.
    pub(crate) async fn remove_policy_api(&self) -> Result<()> {
        self.control_plane.kubectl(&["delete", "crd", "tagpolicies.tagwatch.dev"]).await?;
        self.is_served(POLICY_API, false).await
    }

    async fn is_served(&self, (group_version, plural): (&str, &str), wanted: bool) -> Result<()> {
        let client = self.control_plane.client().await?;
        eventually(LIMIT, &format!("discovery names {group_version}, or not"), || async {
            let served = is_served(&client, group_version, plural).await?;
            ensure!(served == wanted, "{group_version} is {}served", if served { "" } else { "not " });
            Ok(())
        })
        .await
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.control_plane.shutdown().await.context("the control plane did not end in order")
    }
}

async fn is_served(client: &Client, group_version: &str, plural: &str) -> Result<bool> {
    match client.list_api_group_resources(group_version).await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == plural)),
        // A group that was removed answers with a code and no Status object.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

/// `kubectl apply` of files in `config/`.
async fn apply(control_plane: &ControlPlane, files: &[&str]) -> Result<()> {
    let paths: Vec<String> = files.iter().map(|file| config(file).display().to_string()).collect();
    let mut arguments = vec!["apply"];
    arguments.extend(paths.iter().flat_map(|path| ["-f", path.as_str()]));
    control_plane.kubectl(&arguments).await.map(drop)
}
