//! What a test works with: a cluster, a namespace of its own, and tagwatch beside it.

use std::{
    cell::{Ref, RefCell},
    fmt::{self, Write},
    path::Path,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::{GroupVersionKind, TypeMeta},
};
use serde_json::Value;
use tagwatch_e2e::{AuditLog, Mark, Namespace, Requests, TagwatchProcess, eventually};

use crate::{
    cluster::Cluster,
    contract::Versions,
    controller::{Controller, Transcript},
    report::Report,
};

/// How long anything may take that is not itself what is measured.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// `User-Agent` of tagwatch's requests in the audit log.
pub(crate) const AGENT: &str = "tagwatch/";

/// What a test works with.
pub(crate) struct TestEnv {
    cluster: Arc<Cluster>,
    client: Client,
    namespace: Namespace,
    began: Mark,
    transcript: Transcript,
    versions: RefCell<Versions>,
}

/// The reason why a test could not run: it is reported as ignored, never as passed.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

impl TestEnv {
    pub(crate) async fn new(cluster: Arc<Cluster>) -> Result<Self> {
        let client = cluster.control_plane.client().await?;
        let began = cluster.control_plane.audit_log().mark().await?;
        let namespace = Namespace::create(&client, "test").await?;
        let (transcript, versions) = (Rc::new(RefCell::default()), RefCell::default());
        Ok(Self { cluster, client, namespace, began, transcript, versions })
    }

    /// Deletes the namespace. A failure is reported with the objects in it and tagwatch's log. Whatever the test was
    /// about, the reports that it read and those that it leaves keep their contract.
    pub(crate) async fn end(self, outcome: Result<()>) -> Result<()> {
        let outcome = match outcome {
            Ok(()) => self.contract_is_kept().await,
            failed => failed,
        };
        let Self { cluster, client: _, namespace, began: _, transcript, versions: _ } = self;
        let outcome = match outcome {
            Err(failure) if !failure.is::<Skipped>() => {
                let mut state = cluster.control_plane.dump(namespace.name(), None).await;
                for log in transcript.take() {
                    writeln!(state, "--- the end of a tagwatch's log\n{log}")?;
                }
                Err(failure).with_context(|| format!("{state}--- what went wrong"))
            }
            outcome => outcome,
        };
        let deleted = namespace.delete().await;
        outcome.and(deleted)
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The name of the test's namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.name()
    }

    /// `tagwatch run --namespaces` with the test's own, ready.
    pub(crate) async fn tagwatch(&self) -> Result<Controller> {
        let controller = self.tagwatch_with(&["--namespaces", self.namespace()]).await?;
        controller.is_ready(LIMIT).await?;
        Ok(controller)
    }

    /// `tagwatch run` with the rights of `config/rbac` and these arguments, perhaps not ready.
    pub(crate) async fn tagwatch_with(&self, arguments: &[&str]) -> Result<Controller> {
        self.tagwatch_as(&self.cluster.kubeconfig, arguments).await
    }

    /// `tagwatch run` with the rights of another account.
    pub(crate) async fn tagwatch_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<Controller> {
        let process = TagwatchProcess::start(kubeconfig, arguments).await?;
        Ok(Controller::new(process, Rc::clone(&self.transcript)))
    }

    /// The objects of a kind in the test's namespace.
    pub(crate) fn api(&self, kind: &str) -> Api<DynamicObject> {
        self.api_in(self.namespace(), kind)
    }

    /// The objects of a kind in another namespace.
    pub(crate) fn api_in(&self, namespace: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client(), namespace, &resource(kind))
    }

    /// Creates an object in the test's namespace.
    pub(crate) async fn create(&self, object: Value) -> Result<DynamicObject> {
        self.create_in(self.namespace(), object).await
    }

    /// Creates an object in another namespace.
    pub(crate) async fn create_in(&self, namespace: &str, object: Value) -> Result<DynamicObject> {
        let object: DynamicObject = serde_json::from_value(object)?;
        let types = object.types.as_ref().context("an object without its kind")?;
        let api = Api::namespaced_with(self.client(), namespace, &of_type(&types.api_version, &types.kind));
        Ok(api.create(&PostParams::default(), &object).await?)
    }

    /// The objects of a cluster-wide kind.
    pub(crate) fn api_cluster_wide(&self, kind: &str) -> Api<DynamicObject> {
        Api::all_with(self.client(), &resource(kind))
    }

    /// Creates an object of a cluster-wide kind.
    pub(crate) async fn create_cluster_wide(&self, object: Value) -> Result<DynamicObject> {
        let object: DynamicObject = serde_json::from_value(object)?;
        let types = object.types.as_ref().context("an object without its kind")?;
        let api = Api::all_with(self.client(), &of_type(&types.api_version, &types.kind));
        Ok(api.create(&PostParams::default(), &object).await?)
    }

    /// A merge patch on an object in the test's namespace.
    pub(crate) async fn patch(&self, kind: &str, name: &str, patch: Value) -> Result<DynamicObject> {
        Ok(self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    /// A merge patch on an object of a custom kind in the test's namespace.
    pub(crate) async fn patch_custom(
        &self,
        types: &TypeMeta,
        name: &str,
        patch: Value,
    ) -> Result<DynamicObject> {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client(), self.namespace(), &of_type(&types.api_version, &types.kind));
        Ok(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    /// A merge patch on the test's namespace itself.
    pub(crate) async fn patch_namespace(&self, patch: Value) -> Result<()> {
        let api = self.api_cluster_wide("Namespace");
        api.patch(self.namespace(), &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Asks for the deletion of an object in the test's namespace; dependents follow in the background.
    pub(crate) async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let deleted = self.api(kind).delete(name, &DeleteParams::background()).await;
        deleted.map(drop).with_context(|| format!("delete {kind} {name}"))
    }

    /// Waits for a pod of the workload whose template is labelled so, and returns its name.
    pub(crate) async fn pod_of(&self, app: &str) -> Result<String> {
        let pods = self.api("Pod");
        let labelled = ListParams::default().labels(&format!("app={app}"));
        eventually(LIMIT, &format!("a pod of {app}"), || async {
            let found = pods.list(&labelled).await?.items;
            Ok(found.first().context("there is none")?.name_any())
        })
        .await
    }

    /// Every report in the test's namespace, of any client.
    pub(crate) async fn reports(&self) -> Result<Vec<Report>> {
        self.reports_in(self.namespace()).await
    }

    /// Every report in another namespace.
    pub(crate) async fn reports_in(&self, namespace: &str) -> Result<Vec<Report>> {
        let listed = self.api_in(namespace, "PolicyReport").list(&ListParams::default()).await?;
        let reports: Vec<Report> = listed.items.into_iter().map(Report::from).collect();
        self.versions.borrow_mut().add(&reports);
        Ok(reports)
    }

    /// Reads the reports of all namespaces, which are those of a test beside this one, too, and checks every version that was
    /// read.
    async fn contract_is_kept(&self) -> Result<()> {
        let everywhere: Api<DynamicObject> = Api::all_with(self.client(), &resource("PolicyReport"));
        // A test may have restarted the API server just now.
        let left = eventually(LIMIT, "reports that are left can be read", async || {
            match everywhere.list(&ListParams::default()).await {
                Ok(listed) => Ok(listed.items),
                // A test that removed the report API.
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
                Err(failure) => Err(failure.into()),
            }
        })
        .await?;
        let left: Vec<Report> = left.into_iter().map(Report::from).collect();
        self.versions.borrow_mut().add(&left);
        self.versions().keep_the_contract().map(drop)
    }

    /// The versions of reports that were read so far.
    pub(crate) fn versions(&self) -> Ref<'_, Versions> {
        self.versions.borrow()
    }

    /// Waits until the clock, which is also that of tagwatch, is past this second.
    pub(crate) async fn clock_is_past(&self, second: i64) -> Result<()> {
        eventually(LIMIT, &format!("it is past {second}"), || async {
            let now = Timestamp::now().as_second();
            ensure!(now > second, "it is {now}");
            Ok(())
        })
        .await
    }

    /// The one report about an object.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) async fn report(&self, kind: &str, name: &str) -> Result<Report> {
        let mut found = self.reports().await?;
        found.retain(|report| report.is_about(kind, name));
        ensure!(found.len() == 1, "{} reports about {kind} {name}", found.len());
        found.pop().context("there is one")
    }

    /// Waits for the one report about an object that says exactly this.
    pub(crate) async fn reported(&self, kind: &str, name: &str, verdicts: &[&str]) -> Result<Report> {
        self.reported_within(LIMIT, kind, name, verdicts).await
    }

    /// Waits so long for the one report about an object that says exactly this.
    pub(crate) async fn reported_within(
        &self,
        limit: Duration,
        kind: &str,
        name: &str,
        verdicts: &[&str],
    ) -> Result<Report> {
        eventually(limit, &format!("the report about {kind} {name}"), || async {
            let report = self.report(kind, name).await?;
            ensure!(report.says(verdicts), "it says {:?}", report.verdicts());
            Ok(report)
        })
        .await
    }

    /// Waits until there is no report about an object.
    pub(crate) async fn unreported(&self, kind: &str, name: &str) -> Result<()> {
        self.unreported_within(LIMIT, kind, name).await
    }

    /// Waits so long until there is no report about an object.
    pub(crate) async fn unreported_within(&self, limit: Duration, kind: &str, name: &str) -> Result<()> {
        eventually(limit, &format!("no report about {kind} {name}"), || async {
            let found = self.reports().await?;
            ensure!(!found.iter().any(|report| report.is_about(kind, name)), "there still is one");
            Ok(())
        })
        .await
    }

    pub(crate) fn audit_log(&self) -> AuditLog {
        self.cluster.control_plane.audit_log()
    }

    /// What tagwatch wrote to the test's namespace since the test began. An error if no tagwatch has asked for
    /// anything there: nothing could be learnt from that.
    pub(crate) async fn writes(&self) -> Result<Requests> {
        self.writes_since(self.began).await
    }

    /// Everything that the API server was asked since the test began, by whomever.
    pub(crate) async fn requests(&self) -> Result<Requests> {
        self.audit_log().since(self.began).await
    }

    /// How often tagwatch has read this one report.
    pub(crate) async fn reads_of(&self, report: &str) -> Result<usize> {
        let since = self.audit_log().since(self.began).await?.of_resource("policyreports").by_agent(AGENT)?;
        let reads =
            since.matching(|request| request.verb == "get" && request.object() == (self.namespace(), report));
        Ok(reads.count())
    }

    /// What tagwatch wrote to the test's namespace behind a mark, behind which it must have appeared.
    pub(crate) async fn writes_since(&self, mark: Mark) -> Result<Requests> {
        let here =
            self.audit_log().since(mark).await?.matching(|request| request.object().0 == self.namespace());
        Ok(here.by_agent(AGENT)?.mutating().without_leases_and_reviews())
    }
}

fn resource(kind: &str) -> ApiResource {
    let api_version = match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "PolicyReport" => "wgpolicyk8s.io/v1alpha2",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "TagPolicy" => "tagwatch.dev/v1alpha1",
        "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        "ValidatingWebhookConfiguration" | "ValidatingAdmissionPolicyBinding" => {
            "admissionregistration.k8s.io/v1"
        }
        _ => "v1",
    };
    of_type(api_version, kind)
}

fn of_type(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}
