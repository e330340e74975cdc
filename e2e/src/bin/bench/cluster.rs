//! A control plane with the report API, tagwatch's service account, and the Deployments.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, core::v1::Namespace},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, PostParams},
    config::Kubeconfig,
    core::GroupVersionKind,
};
use tagwatch_e2e::{AuditLog, Component, ControlPlane, Identity, Options, eventually, samples::config};

use crate::deployments::{self, NAMESPACES};

/// Label selector for tagwatch's reports.
pub(crate) const REPORT_SELECTOR: &str = "app.kubernetes.io/managed-by=tagwatch";
/// Namespace and name of the service account in `config/`.
const ACCOUNT: &str = "tagwatch";
const LIMIT: Duration = Duration::from_mins(5);
/// Enough to keep two cores busy.
const CONCURRENT_CREATES: usize = 8;

pub(crate) struct Cluster {
    control_plane: ControlPlane,
    admin: Client,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Starts a control plane and installs `config/crd` and `config/rbac`.
    pub(crate) async fn start() -> Result<Self> {
        let options = Options { optimised: true, ..Options::default() };
        let control_plane = ControlPlane::start(options).await?;
        let admin = control_plane.client().await?;
        for (flag, path) in [("-k", "crd"), ("-f", "controller/namespace.yaml"), ("-k", "rbac")] {
            let path = config(path);
            let path = path.to_str().context("the path of this checkout is no UTF-8")?;
            control_plane.kubectl(&["apply", flag, path]).await?;
        }
        let account = Identity::ServiceAccount { namespace: ACCOUNT, name: ACCOUNT };
        let kubeconfig = control_plane.kubeconfig_as(account, control_plane.data_dir()).await?;
        let cluster = Self { control_plane, admin, kubeconfig };
        eventually(LIMIT, "the report API is served", || cluster.reports()).await?;
        Ok(cluster)
    }

    /// A kubeconfig with the rights of tagwatch's service account.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubeconfig file, parsed.
    pub(crate) fn credentials(&self) -> Result<Kubeconfig> {
        Ok(Kubeconfig::read_from(&self.kubeconfig)?)
    }

    /// A folder for files, which is removed with the cluster.
    pub(crate) fn data_dir(&self) -> &Path {
        self.control_plane.data_dir()
    }

    pub(crate) fn audit_log(&self) -> AuditLog {
        self.control_plane.audit_log()
    }

    /// What the API server calls itself.
    pub(crate) async fn version(&self) -> Result<String> {
        Ok(self.admin.apiserver_version().await?.git_version)
    }

    /// Creates the Deployments, and waits until the controller manager is done with them.
    pub(crate) async fn deploy(&self, workloads: u32) -> Result<()> {
        for number in 0..NAMESPACES.min(workloads) {
            self.create_namespace(deployments::namespace(number)).await?;
        }
        stream::iter(0..workloads)
            .map(|number| async move {
                let wanted = deployments::deployment(number)?;
                self.api::<Deployment>(number).create(&PostParams::default(), &wanted).await?;
                anyhow::Ok(())
            })
            .buffer_unordered(CONCURRENT_CREATES)
            .try_collect::<()>()
            .await?;
        eventually(LIMIT, "every Deployment has been observed", || self.observed()).await
    }

    /// Creates Deployments with many findings, spread over namespaces of their own.
    pub(crate) async fn deploy_many_findings(&self, namespaces: &[String], workloads: u32) -> Result<()> {
        for namespace in namespaces {
            self.create_namespace(namespace.clone()).await?;
        }
        let placed = (0..workloads).zip(namespaces.iter().cycle());
        stream::iter(placed)
            .map(|(number, namespace)| async move {
                let api: Api<Deployment> = Api::namespaced(self.admin.clone(), namespace);
                let wanted = deployments::many_findings(namespace, number)?;
                api.create(&PostParams::default(), &wanted).await?;
                anyhow::Ok(())
            })
            .buffer_unordered(CONCURRENT_CREATES)
            .try_collect::<()>()
            .await
    }

    /// A client that may do everything.
    pub(crate) fn admin(&self) -> Client {
        self.admin.clone()
    }

    pub(crate) async fn create_namespace(&self, name: String) -> Result<()> {
        let metadata = ObjectMeta { name: Some(name), ..ObjectMeta::default() };
        let namespaces: Api<Namespace> = Api::all(self.admin.clone());
        namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await?;
        Ok(())
    }

    async fn observed(&self) -> Result<()> {
        let all: Api<Deployment> = Api::all(self.admin.clone());
        let all = all.list(&ListParams::default()).await?;
        let behind = |deployment: &&Deployment| {
            let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
            observed != deployment.metadata.generation
        };
        let behind = all.iter().filter(behind).count();
        ensure!(behind == 0, "{behind} have not");
        Ok(())
    }

    /// The objects of one kind in the namespace of this Deployment.
    pub(crate) fn api<K>(&self, number: u32) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.admin.clone(), &deployments::namespace(number))
    }

    /// All reports, as plain JSON: no code of tagwatch is involved.
    pub(crate) fn report_api(&self) -> Api<DynamicObject> {
        Api::all_with(self.admin.clone(), &report_resource())
    }

    /// The reports of one namespace.
    pub(crate) fn report_api_in(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.admin.clone(), namespace, &report_resource())
    }

    /// All `PolicyReport`s that tagwatch wrote, in all namespaces.
    pub(crate) async fn reports(&self) -> Result<Vec<DynamicObject>> {
        Ok(self.report_api().list(&ListParams::default().labels(REPORT_SELECTOR)).await?.items)
    }

    /// Fails unless each Deployment has one report, and nothing else has one.
    pub(crate) async fn check_reports(&self) -> Result<Vec<DynamicObject>> {
        let all: Api<Deployment> = Api::all(self.admin.clone());
        let mut deployments: Vec<_> =
            all.list(&ListParams::default()).await?.into_iter().filter_map(|one| one.uid()).collect();
        let reports = self.reports().await?;
        let owners = reports.iter().flat_map(ResourceExt::owner_references);
        let mut owners: Vec<_> = owners.map(|owner| owner.uid.clone()).collect();
        deployments.sort_unstable();
        owners.sort_unstable();
        ensure!(
            deployments == owners,
            "{} reports have {} owners, which are not the {} Deployments",
            reports.len(),
            owners.len(),
            deployments.len()
        );
        Ok(reports)
    }

    /// Deletes all reports, and waits until they are gone.
    pub(crate) async fn delete_reports(&self) -> Result<()> {
        for number in 0..NAMESPACES {
            let namespace = deployments::namespace(number);
            let reports = self.report_api_in(&namespace);
            reports.delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
        }
        eventually(LIMIT, "no report is left", || async {
            let left = self.reports().await?.len();
            ensure!(left == 0, "{left} are left");
            Ok(())
        })
        .await
    }

    /// Ends a component of the control plane.
    pub(crate) async fn stop(&self, component: Component) -> Result<()> {
        self.control_plane.stop(component).await
    }

    /// CPU time that a component has used.
    pub(crate) fn cpu_time(&self, component: Component) -> Result<Duration> {
        self.control_plane.cpu_time(component)
    }

    pub(crate) async fn shutdown(self) -> Result<()> {
        self.control_plane.shutdown().await
    }
}

fn report_resource() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("wgpolicyk8s.io", "v1alpha2", "PolicyReport"))
}
