//! Watched objects that hold a pod template.

use std::borrow::Cow;
use std::marker::PhantomData;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::ReplicationController;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use tagwatch_core::workload::IgnoreAnnotations;

use super::rollout::{self, UpdateStrategy};
use super::{PodImages, SlimObject, meta};
use crate::kind::{TemplateKind, WatchedKind};
use crate::owner::OwnerId;

/// A watched object of kind `K` that holds a pod template.
#[derive(Debug, Clone)]
pub struct SlimWorkload<K> {
    metadata: ObjectMeta,
    template: Option<PodImages>,
    /// Few templates have any.
    template_ignore: Option<Box<IgnoreAnnotations>>,
    replicas: Option<i32>,
    finished: bool,
    rolled_out: bool,
    by_hand: bool,
    restarted_at: Option<Timestamp>,
    revision: u64,
    kind: PhantomData<fn() -> K>,
}

/// `apps/v1` Deployment.
pub type SlimDeployment = SlimWorkload<Deployment>;
/// `apps/v1` `StatefulSet`.
pub type SlimStatefulSet = SlimWorkload<StatefulSet>;
/// `apps/v1` `DaemonSet`.
pub type SlimDaemonSet = SlimWorkload<DaemonSet>;
/// `apps/v1` `ReplicaSet`.
pub type SlimReplicaSet = SlimWorkload<ReplicaSet>;
/// `v1` `ReplicationController`.
pub type SlimReplicationController = SlimWorkload<ReplicationController>;
/// `batch/v1` Job.
pub type SlimJob = SlimWorkload<Job>;
/// `batch/v1` `CronJob`.
pub type SlimCronJob = SlimWorkload<CronJob>;

impl<K: TemplateKind> SlimWorkload<K> {
    /// `spec.replicas`, in the kinds that have it. Zero in a `ReplicaSet` that a rollout has superseded.
    pub fn replicas(&self) -> Option<i32> {
        self.replicas
    }

    /// Which rollout of its Deployment a `ReplicaSet` belongs to, counted from 1; 0 where nobody counts.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl<K: TemplateKind> SlimObject for SlimWorkload<K> {
    fn watched_kind(&self) -> WatchedKind {
        K::WATCHED
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn images(&self) -> Option<&PodImages> {
        self.template.as_ref()
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn is_rolled_out(&self) -> bool {
        self.rolled_out
    }

    fn is_updated_by_hand(&self) -> bool {
        self.by_hand
    }

    fn restarted_at(&self) -> Option<Timestamp> {
        self.restarted_at
    }

    fn template_ignore(&self) -> IgnoreAnnotations {
        self.template_ignore.as_deref().cloned().unwrap_or_default()
    }
}

impl<K: TemplateKind> kube_core::Resource for SlimWorkload<K> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        K::KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        K::GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        K::VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::URL_PATH_SEGMENT.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What the seven kinds have between them. No two kinds use one field for different things, so one shape
/// decodes them all.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "meta::deserialize")]
    metadata: ObjectMeta,
    spec: Option<WireSpec>,
    status: Option<WireStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec {
    replicas: Option<i32>,
    template: Option<WireTemplate>,
    job_template: Option<WireJobTemplate>,
    update_strategy: Option<UpdateStrategy>,
}

#[derive(Deserialize)]
struct WireTemplate {
    metadata: Option<meta::TemplateMeta>,
    spec: Option<PodImages>,
}

#[derive(Deserialize)]
struct WireJobTemplate {
    spec: Option<WireJobSpec>,
}

#[derive(Deserialize)]
struct WireJobSpec {
    template: Option<WireTemplate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireStatus {
    conditions: Option<Vec<WireCondition>>,
    pub(super) observed_generation: Option<i64>,
    pub(super) replicas: Option<i32>,
    pub(super) updated_replicas: Option<i32>,
    pub(super) current_revision: Option<String>,
    pub(super) update_revision: Option<String>,
    pub(super) current_number_scheduled: Option<i32>,
    pub(super) updated_number_scheduled: Option<i32>,
}

#[derive(Deserialize)]
struct WireCondition {
    r#type: Option<String>,
    status: Option<String>,
}

impl WireSpec {
    fn into_template(self) -> Option<WireTemplate> {
        let of_job = |job: WireJobTemplate| job.spec.and_then(|spec| spec.template);
        self.template.or_else(|| self.job_template.and_then(of_job))
    }
}

impl WireStatus {
    /// The Job controller sets one of these two when the Job has ended, and never takes it back.
    fn is_finished(&self) -> bool {
        self.conditions.iter().flatten().any(|condition| {
            matches!(condition.r#type.as_deref(), Some("Complete" | "Failed"))
                && condition.status.as_deref() == Some("True")
        })
    }
}

impl<'de, K: TemplateKind> Deserialize<'de> for SlimWorkload<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { mut metadata, spec, status } = Wire::deserialize(deserializer)?;
        // Where a watched owner is reported instead, its template says the same.
        let owned = K::WATCHED.yields_to_owner()
            && OwnerId::controller_of(&metadata).is_some_and(|owner| owner.watched_kind().is_some());
        let replicas = spec.as_ref().and_then(|spec| spec.replicas);
        let strategy = spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolled_out = rollout::is_over(K::WATCHED, strategy, status.as_ref());
        let by_hand = strategy.is_some_and(UpdateStrategy::is_by_hand);
        let template = spec.filter(|_| !owned).and_then(WireSpec::into_template);
        let template_ignore =
            template.as_ref().and_then(|template| template.metadata.as_ref()).map(meta::TemplateMeta::ignore);
        let restarted_at = template
            .as_ref()
            .and_then(|template| template.metadata.as_ref())
            .and_then(meta::TemplateMeta::restarted_at);
        Ok(Self {
            template: template.and_then(|template| template.spec),
            template_ignore: template_ignore
                .filter(|ignore| *ignore != IgnoreAnnotations::default())
                .map(Box::new),
            replicas,
            rolled_out,
            by_hand,
            restarted_at,
            revision: take_revision(&mut metadata),
            finished: K::WATCHED == WatchedKind::Job && status.is_some_and(|status| status.is_finished()),
            kind: PhantomData,
            metadata,
        })
    }
}

/// Moves the revision out of the annotations: a map for one number would take more memory than the rest of the
/// metadata.
fn take_revision(metadata: &mut ObjectMeta) -> u64 {
    let Some(annotations) = &mut metadata.annotations else { return 0 };
    let revision = annotations.remove(meta::DEPLOYMENT_REVISION);
    if annotations.is_empty() {
        metadata.annotations = None;
    }
    revision.and_then(|revision| revision.parse().ok()).unwrap_or(0)
}
