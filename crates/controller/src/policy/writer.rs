//! Keeps the status of the policy up to date. Conditions are written at once; counts at most once in ten seconds, since
//! they change with every rollout.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tagwatch_k8s::tag_policy::{TagPolicy, TagPolicyStatus};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::active::ActivePolicy;
use super::exemptions::exemption_counts;
use super::status::{StatusInput, status};
use crate::controller::Controller;
use crate::writer::{WriteError, WriteTarget};

/// How often it is checked whether anything has changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two writes of counts.
const COUNTS_INTERVAL: Duration = Duration::from_secs(10);
/// After a write that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Keeps the status, for ever.
pub(crate) async fn keep_status(client: Client, controller: Arc<Controller>) {
    let api: Api<TagPolicy> = Api::all(client);
    let mut look = interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut writer = Writer::default();
    // Counts of a cluster of which half is judged would say that the rest is fine.
    controller.readiness.first_evaluation().await;
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = controller.policy_changed.notified() => {}
        }
        writer.bring_up_to_date(&api, &controller).await;
    }
}

#[derive(Debug, Default)]
struct Writer {
    /// Before this nothing but conditions is written; after a failure nothing at all.
    counts_from: Option<Instant>,
    retry_from: Option<Instant>,
    /// What the last look found, so that nothing is summed up twice.
    seen: Option<(u64, u64)>,
}

impl Writer {
    async fn bring_up_to_date(&mut self, api: &Api<TagPolicy>, controller: &Controller) {
        let now = Instant::now();
        let state = (controller.states.lock().changes(), controller.policy_version());
        if self.seen == Some(state) || self.retry_from.is_some_and(|at| now < at) {
            return;
        }
        let active = controller.policy.lock().clone();
        let Some(object) = &active.object else {
            self.seen = Some(state);
            return;
        };
        let stored = object.read_status();
        let previous = stored.clone().unwrap_or_default();
        let wanted = wanted(controller, &active, &previous);
        if stored.as_ref() == Some(&wanted) {
            self.seen = Some(state);
            return;
        }
        let only_counts = stored.is_some() && is_alike(&wanted, &previous);
        if only_counts && self.counts_from.is_some_and(|at| now < at) {
            return;
        }
        if write(api, object, &wanted, controller).await {
            self.seen = Some(state);
            self.counts_from = Some(now + COUNTS_INTERVAL);
            self.retry_from = None;
        } else {
            self.retry_from = Some(now + RETRY_INTERVAL);
        }
    }
}

/// Whether two statuses differ in nothing but counts.
fn is_alike(one: &TagPolicyStatus, other: &TagPolicyStatus) -> bool {
    (one.observed_generation, &one.conditions, &one.accepted)
        == (other.observed_generation, &other.conditions, &other.accepted)
}

fn wanted(controller: &Controller, active: &ActivePolicy, previous: &TagPolicyStatus) -> TagPolicyStatus {
    let engine = controller.engine.current();
    let (tally, exemptions) = {
        let states = controller.states.lock();
        (states.tally(), exemption_counts(&states, engine.policy(), engine.today()))
    };
    let input = StatusInput {
        active,
        tally,
        exemptions,
        not_covered: controller.not_covered(),
        problems: controller.problems(),
        // The API writes times of conditions in seconds.
        now: Timestamp::from_second(controller.clock.now().as_second()).unwrap_or_default(),
    };
    status(input, previous)
}

async fn write(
    api: &Api<TagPolicy>,
    object: &TagPolicy,
    wanted: &TagPolicyStatus,
    controller: &Controller,
) -> bool {
    let Ok(status) = serde_json::to_value(wanted) else { return false };
    let body = TagPolicy { status, ..object.clone() };
    let name = object.name_any();
    let params = PostParams::default();
    let replacing = api.replace_status(&name, &params, &body);
    match controller.writer.write(WriteTarget::PolicyStatus, replacing).await {
        Ok(stored) => {
            controller.mark_policy_stored(stored);
            true
        }
        // Another client wrote it, or it is gone: the watch shows which.
        Err(WriteError::Outdated) => false,
        Err(error) => {
            tracing::warn!(%error, policy = name, "cannot write the status of the policy; trying again");
            false
        }
    }
}
