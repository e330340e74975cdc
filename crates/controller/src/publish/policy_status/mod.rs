//! Keeps the status of the policy up to date. Conditions are written at once; counts at most once in ten seconds, since
//! they change with every rollout. After a change of the policy there are none until everything is evaluated by it.

mod ineffective;
mod problems;
mod status;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use parking_lot::Mutex;
use serde_json::json;
use tagwatch_client::ServerClock;
use tagwatch_core::policy::NamedNamespace;
use tagwatch_index::Index;
use tagwatch_k8s::tag_policy::{InstanceStatus, TagPolicy};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::attempts::{Attempts, Retry};
use super::writer::{ClusterWriter, WriteError, WriteTarget};
use crate::state::metrics::ControllerMetrics;
use crate::state::{
    ActivePolicy, CustomWatches, EngineHandle, Readiness, ReportIndex, StatusTracker, UnwrittenReports,
    WatchRegistry, WatchedNamespaces, WorkloadStates, compute, exemption_counts,
};
use ineffective::{empty_scope, ineffective_parts, parts_used};
use status::{Found, StatusInput, status};

/// How often it is checked whether anything has changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two writes of counts.
const COUNTS_INTERVAL: Duration = Duration::from_secs(10);
/// How often contests about reports are looked at that may have come to rest.
const CONTESTS_INTERVAL: Duration = Duration::from_mins(1);

/// Everything that the status of the policy says something about.
pub(crate) struct PolicyStatusWriter {
    /// This installation, as its entry in the status names it.
    pub(crate) instance: Arc<str>,
    pub(crate) writer: Arc<ClusterWriter>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) policy: Arc<Mutex<ActivePolicy>>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    pub(crate) unwritten: Arc<Mutex<UnwrittenReports>>,
    pub(crate) custom: Arc<CustomWatches>,
    pub(crate) watched: WatchedNamespaces,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) watches: WatchRegistry,
}

/// When the status may be written next.
#[derive(Debug, Default)]
struct Schedule {
    /// Before this nothing but conditions is written; after a failure nothing at all.
    counts_from: Option<Instant>,
    retry_from: Option<Instant>,
    attempts: Attempts,
    /// Versions of what the last status was made of.
    seen: Option<(u64, u64)>,
    /// The last status that was stored.
    written: Option<InstanceStatus>,
}

impl PolicyStatusWriter {
    /// Writes the status whenever it changes. Never returns.
    pub(crate) async fn run(self, client: Client, readiness: Readiness) {
        let api: Api<TagPolicy> = Api::all(client);
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut contests = interval(CONTESTS_INTERVAL);
        contests.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut schedule = Schedule::default();
        // Counts of a cluster of which half is judged would say that the rest is fine.
        readiness.first_evaluation().await;
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = self.status.changed() => {}
                _ = contests.tick() => {
                    if self.reports.lock().forget_old(Instant::now()) {
                        self.status.notify();
                    }
                }
            }
            self.bring_up_to_date(&api, &mut schedule).await;
        }
    }

    async fn bring_up_to_date(&self, api: &Api<TagPolicy>, schedule: &mut Schedule) {
        let now = Instant::now();
        let version = (self.states.lock().changes(), self.status.version());
        if !self.writer.may_write()
            || schedule.seen == Some(version)
            || schedule.retry_from.is_some_and(|at| now < at)
        {
            return;
        }
        let active = self.policy.lock().clone();
        let Some(object) = &active.object else {
            schedule.seen = Some(version);
            return;
        };
        let stored = object.read_status(&self.instance);
        let previous = stored.clone().unwrap_or_default();
        let wanted = compute(|| self.wanted(&active, &previous));
        let is_first = object.is_first(&self.instance);
        let is_said = !is_first || object.has_conditions(&wanted.conditions);
        if is_said && stored.as_ref() == Some(&wanted) {
            schedule.seen = Some(version);
            return;
        }
        let only_counts = is_said && stored.is_some() && is_alike(&wanted, &previous);
        // Another client changed it, such as a second installation of this name, which does the same.
        let is_restoration = stored.is_some()
            && schedule.written.as_ref().is_some_and(|written| is_repeated(&wanted, written));
        if (only_counts || is_restoration) && schedule.counts_from.is_some_and(|at| now < at) {
            return;
        }
        match self.write(api, object, &wanted, is_first).await {
            Ok(()) => {
                schedule.seen = Some(version);
                schedule.written = Some(wanted);
                schedule.counts_from = Some(now + COUNTS_INTERVAL);
                schedule.retry_from = None;
                if schedule.attempts.succeeded() {
                    tracing::info!(policy = object.name_any(), "the status of the policy is written again");
                }
            }
            // Where another client wrote it, or it is gone, the watch shows which.
            Err(error) => {
                let Retry { wait, is_news } = schedule.attempts.failed(&error, "");
                schedule.retry_from = Some(Instant::now() + wait);
                let (policy, reason) = (object.name_any(), error.category());
                if is_news {
                    tracing::warn!(%error, reason, policy, "cannot write the status of the policy; trying again");
                } else {
                    tracing::debug!(%error, reason, policy, "still cannot write the status of the policy");
                }
            }
        }
    }

    fn wanted(&self, active: &ActivePolicy, previous: &InstanceStatus) -> InstanceStatus {
        let (engine, is_evaluated) = self.engine.current_and_evaluated();
        let namespaces = self.known_namespaces();
        let found = is_evaluated.then(|| {
            let states = self.states.lock().snapshot();
            Found {
                tally: states.tally(),
                exemptions: exemption_counts(&states, engine.policy(), engine.today()),
                ineffective: ineffective_parts(engine.policy(), &namespaces, &parts_used(&states)),
            }
        });
        let scope = empty_scope(engine.policy(), &namespaces);
        let input = StatusInput {
            instance: &self.instance,
            active,
            found,
            not_covered: self.not_covered(),
            problems: scope.into_iter().chain(self.problems()).collect(),
            // The API writes times of conditions in seconds.
            now: Timestamp::from_second(self.clock.now().as_second()).unwrap_or_default(),
        };
        status(input, previous)
    }

    /// The namespaces that are watched; none where they may not be read.
    fn known_namespaces(&self) -> Vec<NamedNamespace> {
        if self.status.namespaces_forbidden() {
            return Vec::new();
        }
        let index = self.index.lock();
        let watched = index.namespaces().filter(|(name, _)| self.watched.has(name));
        watched.map(|(name, namespace)| (name.into(), Arc::clone(namespace))).collect()
    }

    /// Applies our entry, and as the first installation the conditions of the whole. Entries of others are theirs, and stay as
    /// they are. A policy that was made anew under the name gets the entry, too, until the watch shows the new one: the API
    /// server takes no metadata from a write of the status, so that no UID could tell them apart (`PrepareForUpdate` in
    /// `apiextensions-apiserver/pkg/registry/customresource/status_strategy.go`).
    async fn write(
        &self,
        api: &Api<TagPolicy>,
        object: &TagPolicy,
        wanted: &InstanceStatus,
        is_first: bool,
    ) -> Result<(), WriteError> {
        let name = object.name_any();
        let mut status = json!({ "instances": [wanted] });
        if is_first {
            status["conditions"] = json!(wanted.conditions);
        }
        let body = json!({
            "apiVersion": object.api_version, "kind": object.kind,
            "metadata": { "name": name },
            "status": status,
        });
        let params = PatchParams::apply(&format!("tagwatch/{}", self.instance)).force();
        let body = Patch::Apply(&body);
        let applying = api.patch_status(&name, &params, &body);
        let stored = self.writer.write(WriteTarget::PolicyStatus, applying).await?;
        self.policy.lock().mark_stored(stored);
        Ok(())
    }
}

/// Whether two statuses differ in nothing but counts, which both have or lack.
fn is_alike(one: &InstanceStatus, other: &InstanceStatus) -> bool {
    (one.observed_generation, &one.conditions, &one.accepted, one.workloads.is_some())
        == (other.observed_generation, &other.conditions, &other.accepted, other.workloads.is_some())
}

/// Whether two statuses differ in nothing but counts and the times of conditions.
fn is_repeated(one: &InstanceStatus, other: &InstanceStatus) -> bool {
    let untimed = |status: &InstanceStatus| {
        let mut status = status.clone();
        for condition in &mut status.conditions {
            condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
        }
        status
    };
    is_alike(&untimed(one), &untimed(other))
}

#[cfg(test)]
mod tests;
