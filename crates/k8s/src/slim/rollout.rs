//! What the status of an object says: whether a rollout is in progress, and whether the object has ended.

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tagwatch_core::kinds::{KindTraits, RolloutStatus};

use super::meta::WireTime;
use super::text::Text;
use super::wire::WireObject;

/// How long a rollout of a `Deployment` may make no progress before it counts as stalled, in seconds. Its own deadline, ten
/// minutes by default, may be longer.
const STALLED_AFTER: u32 = 3_600;

/// A `StatefulSet` whose pods are not all of its newest template that its controller has seen, by the names of the
/// `ControllerRevision`s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionChange {
    /// The revision before. With a partition, or with `OnDelete`, its pods may stay.
    pub from: Box<str>,
    /// The newest one.
    pub to: Box<str>,
}

/// The fields of a spec that its status is compared with.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireSpec {
    pub(super) replicas: Option<i32>,
    update_strategy: Option<UpdateStrategy>,
}

/// `spec.updateStrategy` of a `StatefulSet` or `DaemonSet`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateStrategy {
    r#type: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Deserialize)]
struct RollingUpdate {
    partition: Option<i32>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireStatus {
    observed_generation: Option<i64>,
    replicas: Option<i32>,
    updated_replicas: Option<i32>,
    current_revision: Option<String>,
    update_revision: Option<String>,
    current_number_scheduled: Option<i32>,
    updated_number_scheduled: Option<i32>,
    conditions: Option<Vec<WireCondition>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCondition {
    r#type: Option<Text>,
    status: Option<Text>,
    reason: Option<Text>,
    last_update_time: Option<WireTime>,
}

impl WireStatus {
    fn of(object: &WireObject) -> Self {
        let status = object.field("status").map(|status| serde_json::from_str::<Option<Self>>(status.get()));
        status.and_then(Result::ok).flatten().unwrap_or_default()
    }
}

/// The revisions that a `StatefulSet` changes from and to; `None` where they are one, or the kind names none.
pub(super) fn revision_change(object: &WireObject, rollout: RolloutStatus) -> Option<RevisionChange> {
    if rollout != RolloutStatus::StatefulSet {
        return None;
    }
    let WireStatus { current_revision, update_revision, .. } = WireStatus::of(object);
    let (from, to) = (current_revision?, update_revision?);
    (from != to).then(|| RevisionChange { from: from.into(), to: to.into() })
}

impl WireSpec {
    /// The spec of a built-in object; the API server has checked it.
    pub(super) fn of(object: &WireObject) -> Self {
        let spec =
            object.field("spec").and_then(|spec| serde_json::from_str::<Option<Self>>(spec.get()).ok());
        spec.flatten().unwrap_or_default()
    }

    /// A change of the template reaches no pod until the pod is deleted.
    pub(super) fn is_updated_by_hand(&self) -> bool {
        self.update_strategy.as_ref().is_some_and(|strategy| strategy.r#type.as_deref() == Some("OnDelete"))
    }

    fn partition(&self) -> i32 {
        let rolling = self.update_strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
        rolling.and_then(|rolling| rolling.partition).unwrap_or(0)
    }
}

/// Whether every pod that exists is of the newest template that the controller of the kind has seen; `None` where the
/// object's status does not say. Pods that are missing are no rollout: scaling out brings the same template. Nor is a
/// status that lags behind the spec, as it does for a moment with every scaling: it describes the pods that exist.
pub(super) fn is_over(object: &WireObject, rollout: RolloutStatus, spec: &WireSpec) -> Option<bool> {
    let is_rolled_out = match rollout {
        RolloutStatus::Deployment => of_deployment,
        RolloutStatus::StatefulSet => of_stateful_set,
        RolloutStatus::DaemonSet => of_daemon_set,
        RolloutStatus::Immediate => return Some(true),
        RolloutStatus::Dependents => return None,
    };
    let status = WireStatus::of(object);
    let is_seen = status.observed_generation.is_some();
    Some(is_seen && (spec.is_updated_by_hand() || is_rolled_out(&status, spec)))
}

fn of_deployment(status: &WireStatus, _: &WireSpec) -> bool {
    status.replicas.unwrap_or(0) <= status.updated_replicas.unwrap_or(0)
}

/// From when on a rollout that is in progress counts as stalled, in Unix seconds: its pods of earlier templates run until a
/// user intervenes. Only a `Deployment` says when it made progress (`SyncRolloutStatus` in
/// `pkg/controller/deployment/progress.go`), a paused one too; without a deadline, it does not.
pub(super) fn stalled_from(object: &WireObject, rollout: RolloutStatus) -> Option<u32> {
    if rollout != RolloutStatus::Deployment {
        return None;
    }
    let status = WireStatus::of(object);
    // Its controller has not looked at it yet.
    status.observed_generation?;
    let conditions = status.conditions.unwrap_or_default();
    let is = |text: &Option<Text>, wanted: &str| text.as_ref().is_some_and(|text| text.0.raw() == wanted);
    let Some(progress) = conditions.into_iter().find(|condition| is(&condition.r#type, "Progressing")) else {
        return Some(0);
    };
    if is(&progress.reason, "NewReplicaSetAvailable") {
        // It is of the rollout before: the controller has only begun with this one.
        return None;
    }
    let progressed = progress.last_update_time.filter(|_| !is(&progress.status, "False"));
    let progressed = progressed.and_then(|time| time.0).map(Timestamp::as_second);
    let progressed = progressed.and_then(|second| u32::try_from(second).ok());
    Some(progressed.map_or(0, |second| second.saturating_add(STALLED_AFTER)))
}

/// Whether the controller of the kind has seen the spec as it is. A status without `observedGeneration` does not say, and
/// counts as one that has.
pub(super) fn has_seen_spec(object: &WireObject) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Observed {
        /// A number; Argo Rollouts write it as text.
        observed_generation: Option<Value>,
    }
    let Some(generation) = object.metadata.generation else { return true };
    let status = object.field("status");
    let status = status.and_then(|status| serde_json::from_str::<Option<Observed>>(status.get()).ok());
    match status.flatten().and_then(|status| status.observed_generation) {
        Some(Value::Number(observed)) => observed.as_i64().is_none_or(|observed| observed >= generation),
        Some(Value::String(observed)) => !observed.parse().is_ok_and(|observed: i64| observed < generation),
        _ => true,
    }
}

/// Pods below the partition keep the old template until the partition is lowered.
fn of_stateful_set(status: &WireStatus, spec: &WireSpec) -> bool {
    let updated = status.updated_replicas.unwrap_or(0);
    status.current_revision == status.update_revision
        || updated >= status.replicas.unwrap_or(0) - spec.partition()
}

fn of_daemon_set(status: &WireStatus, _: &WireSpec) -> bool {
    status.current_number_scheduled.unwrap_or(0) <= status.updated_number_scheduled.unwrap_or(0)
}

/// Whether one of the conditions that end an object of its kind is `True`. Nothing else of a status counts, whatever a
/// custom kind writes there.
pub(super) fn is_finished(object: &WireObject, traits: &KindTraits) -> bool {
    if traits.ends_by.is_empty() {
        return false;
    }
    let Some(status) = object.field("status") else { return false };
    let status: Value = serde_json::from_str(status.get()).unwrap_or_default();
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let mut ended = conditions
        .filter(|condition| condition.get("status").and_then(Value::as_str) == Some("True"))
        .filter_map(|condition| condition.get("type")?.as_str());
    ended.any(|condition| traits.ends_by.contains(&condition))
}
