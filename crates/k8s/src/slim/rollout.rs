//! What the status of an object says: whether a rollout is in progress, and whether the object has ended.

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tagwatch_core::kinds::{KindTraits, REVISION_ANNOTATIONS, RolloutStatus};

use super::meta::WireTime;
use super::pod_spec::DEFAULT_GRACE;
use super::text::Text;
use super::wire::WireObject;

/// How long a rollout may make no progress before it counts as stalled, in seconds. The own deadline of a `Deployment`, ten
/// minutes by default, may be longer; other kinds have none.
pub const STALLED_AFTER: u32 = 3_600;
/// Longest time that a rollout without a deadline is given beside that for what its spec asks to wait at each pod, in seconds.
/// A user may ask for decades.
const MAX_WAITS: u32 = 24 * 3_600;

/// A `StatefulSet` whose pods are not all of its newest template that its controller has seen, by the names of the
/// `ControllerRevision`s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionChange {
    /// The revision before. With a partition, or with `OnDelete`, its pods may stay.
    pub from: Box<str>,
    /// The newest one.
    pub to: Box<str>,
}

/// A rollout in progress of a kind whose status does not say when it made progress: `StatefulSetStatus` and
/// `DaemonSetStatus` (`k8s.io/api/apps/v1/types.go`) have counts, and conditions that no controller writes. A `StatefulSet`
/// waits for ever for a pod that does not become ready ("Forced rollback" in the documentation of Kubernetes), a `DaemonSet`
/// once `maxUnavailable` pods do not. A `Deployment` without a deadline says nothing of its progress either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntimedRollout {
    /// What names its template: the newest revision, in a `DaemonSet` the generation.
    pub template: Box<str>,
    /// Pods that are still to be replaced.
    pub outdated: u32,
    /// How long no pod may be replaced before the rollout counts as stalled, in seconds.
    pub deadline: u32,
}

/// The fields of a spec that its status is compared with.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireSpec {
    pub(super) replicas: Option<i32>,
    update_strategy: Option<UpdateStrategy>,
    min_ready_seconds: Option<i32>,
    template: Option<TemplateEnd>,
}

/// Of a pod template, how long its pods may take to end.
#[derive(Deserialize)]
struct TemplateEnd {
    spec: Option<PodEnd>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodEnd {
    termination_grace_period_seconds: Option<i64>,
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

    /// What a `Deployment` with a deadline says of its progress.
    fn progress(&self) -> Option<&WireCondition> {
        self.conditions.iter().flatten().find(|condition| is(condition.r#type.as_ref(), "Progressing"))
    }
}

fn is(text: Option<&Text>, wanted: &str) -> bool {
    text.is_some_and(|text| text.0.raw() == wanted)
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

    /// How long no pod may be replaced, in seconds: one takes its grace period to end, the next one some time to become ready,
    /// and `minReadySeconds` more to count as available.
    fn deadline(&self) -> u32 {
        let end = self.template.as_ref().and_then(|template| template.spec.as_ref());
        let grace = end.and_then(|end| end.termination_grace_period_seconds).unwrap_or(DEFAULT_GRACE);
        let waits = i64::from(self.min_ready_seconds.unwrap_or(0)).max(0).saturating_add(grace.max(0));
        STALLED_AFTER + u32::try_from(waits).map_or(MAX_WAITS, |waits| waits.min(MAX_WAITS))
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
    let Some(progress) = status.progress() else { return Some(0) };
    if is(progress.reason.as_ref(), "NewReplicaSetAvailable") {
        // It is of the rollout before: the controller has only begun with this one. In deletion, it never goes on with it
        // (`syncStatusOnly` in `pkg/controller/deployment/sync.go`).
        return object.metadata.deletion_timestamp.as_ref().map(|time| hour_after(Some(time.0)));
    }
    let progressed = progress.last_update_time.as_ref().filter(|_| !is(progress.status.as_ref(), "False"));
    Some(hour_after(progressed.and_then(|time| time.0)))
}

/// When a rollout is stalled that made progress last at this time; at once if that is not known.
fn hour_after(progressed: Option<Timestamp>) -> u32 {
    let second = progressed.and_then(|time| u32::try_from(time.as_second()).ok());
    second.map_or(0, |second| second.saturating_add(STALLED_AFTER))
}

/// A rollout in progress of a kind whose status has no times.
pub(super) fn untimed(
    object: &WireObject,
    rollout: RolloutStatus,
    spec: &WireSpec,
) -> Option<UntimedRollout> {
    let status = WireStatus::of(object);
    let count = |number: Option<i32>| number.unwrap_or(0);
    let (template, outdated) = match rollout {
        RolloutStatus::StatefulSet => {
            let kept = spec.partition().saturating_add(count(status.updated_replicas));
            (status.update_revision.unwrap_or_default(), count(status.replicas).saturating_sub(kept))
        }
        RolloutStatus::DaemonSet => {
            let generation = object.metadata.generation.unwrap_or_default().to_string();
            let scheduled = count(status.current_number_scheduled);
            (generation, scheduled.saturating_sub(count(status.updated_number_scheduled)))
        }
        RolloutStatus::Deployment if status.progress().is_none() => {
            let revision =
                object.metadata.annotations.as_ref().and_then(|kept| kept.get(REVISION_ANNOTATIONS[0]));
            let left = count(status.replicas).saturating_sub(count(status.updated_replicas));
            (revision.cloned().unwrap_or_default(), left)
        }
        RolloutStatus::Deployment | RolloutStatus::Immediate | RolloutStatus::Dependents => return None,
    };
    Some(UntimedRollout {
        template: template.into(),
        outdated: u32::try_from(outdated).unwrap_or(0),
        deadline: spec.deadline(),
    })
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

/// The latest time of a condition of the status, in Unix seconds; 0 without any. A time that we cannot read is none.
pub(super) fn latest_condition(object: &WireObject) -> u32 {
    let Some(status) = object.field("status") else { return 0 };
    let status: Value = serde_json::from_str(status.get()).unwrap_or_default();
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let times = conditions.flat_map(|condition| {
        // Those of a Deployment have both; <https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition> has the first.
        ["lastTransitionTime", "lastUpdateTime"].into_iter().filter_map(|name| condition.get(name)?.as_str())
    });
    let seconds = times.filter_map(|time| u32::try_from(time.parse::<Timestamp>().ok()?.as_second()).ok());
    seconds.max().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(rollout: RolloutStatus, object: &Value) -> UntimedRollout {
        let object: WireObject = serde_json::from_str(&object.to_string()).unwrap();
        untimed(&object, rollout, &WireSpec::of(&object)).unwrap()
    }

    fn set(spec: &Value) -> UntimedRollout {
        let status = json!({
            "observedGeneration": 1, "replicas": 5, "updatedReplicas": 1, "updateRevision": "db-2",
        });
        read(RolloutStatus::StatefulSet, &json!({ "spec": spec, "status": status }))
    }

    #[test]
    fn a_rollout_without_times_has_its_template_and_what_is_left_to_do() {
        let of_set = set(&json!({ "updateStrategy": { "rollingUpdate": { "partition": 2 } } }));
        assert_eq!((&*of_set.template, of_set.outdated), ("db-2", 2));
        let status = json!({ "currentNumberScheduled": 7, "updatedNumberScheduled": 3 });
        let daemons = json!({ "metadata": { "generation": 4 }, "status": status });
        let of_daemons = read(RolloutStatus::DaemonSet, &daemons);
        assert_eq!((&*of_daemons.template, of_daemons.outdated), ("4", 4));
        // Its controller has not looked at it, or says what makes no sense.
        for status in [json!(null), json!({ "replicas": -5, "updatedReplicas": i32::MAX })] {
            let unseen = read(RolloutStatus::StatefulSet, &json!({ "spec": {}, "status": status }));
            assert_eq!((&*unseen.template, unseen.outdated), ("", 0));
        }
    }

    #[test]
    fn what_a_spec_asks_to_wait_at_each_pod_is_added_up_to_a_day() {
        let grace = |grace: i64| json!({ "spec": { "terminationGracePeriodSeconds": grace } });
        for (spec, waits) in [
            (json!({}), 30),
            (json!({ "minReadySeconds": 600 }), 630),
            (json!({ "minReadySeconds": 600, "template": grace(3_600) }), 4_200),
            (json!({ "minReadySeconds": i32::MAX, "template": grace(i64::MAX) }), MAX_WAITS),
            (json!({ "minReadySeconds": -1, "template": grace(-1) }), 0),
        ] {
            assert_eq!(set(&spec).deadline, STALLED_AFTER + waits, "{spec}");
        }
    }

    #[test]
    fn a_deployment_in_deletion_makes_no_progress_any_more() {
        let stalled = |deletion: Value| {
            let progress =
                json!([{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }]);
            let status = json!({ "observedGeneration": 1, "conditions": progress });
            let object = json!({ "metadata": { "deletionTimestamp": deletion }, "status": status });
            stalled_from(&serde_json::from_str(&object.to_string()).unwrap(), RolloutStatus::Deployment)
        };
        assert_eq!(stalled(Value::Null), None);
        assert_eq!(stalled(json!("2026-01-12T08:30:00Z")), Some(1_768_206_600 + STALLED_AFTER));
        assert_eq!(stalled(json!("12026-01-12T08:30:00Z")), Some(0), "a time that we cannot read");
    }

    #[test]
    fn the_latest_condition_is_the_one_whose_time_can_be_read() {
        let latest = |conditions: Value| {
            let object = json!({ "status": { "conditions": conditions } });
            latest_condition(&serde_json::from_str(&object.to_string()).unwrap())
        };
        let second = 1_768_206_600;
        let update =
            json!({ "lastTransitionTime": "2026-01-12T08:29:00Z", "lastUpdateTime": "2026-01-12T08:30:00Z" });
        let transition = json!({ "lastTransitionTime": "2026-01-12T08:30:00Z" });
        for conditions in
            [json!([update]), json!([transition, { "lastUpdateTime": "soon" }, { "type": "A" }, 7])]
        {
            assert_eq!(latest(conditions.clone()), second, "{conditions}");
        }
        for conditions in [json!(null), json!([]), json!([{ "lastUpdateTime": 7 }]), json!({ "a": update })] {
            assert_eq!(latest(conditions.clone()), 0, "{conditions}");
        }
    }

    #[test]
    fn an_object_is_dated_by_its_spec_and_its_status() {
        let written = |managed: Value| {
            let object = json!({ "metadata": { "managedFields": managed }, "spec": {}, "status": {} });
            let object: WireObject = serde_json::from_str(&object.to_string()).unwrap();
            object.written.map(|time| time.to_string())
        };
        let entry = |day: u32, subresource: Value, field: &str| {
            json!({
                "manager": "m", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                "time": format!("2026-01-{day:02}T08:30:00Z"), "subresource": subresource, "fieldsV1": { field: {} },
            })
        };
        let of_spec = entry(12, Value::Null, "f:spec");
        let of_status = entry(14, json!("status"), "f:status");
        let of_annotation = entry(20, Value::Null, "f:metadata");
        let of_scale = entry(16, json!("scale"), "f:spec");
        for (managed, day) in [
            (json!([of_spec, of_annotation]), Some("12")),
            (json!([of_status, of_spec, of_annotation]), Some("14")),
            (json!([of_status, of_spec, of_scale]), Some("16")),
            (json!([of_annotation]), None),
            (json!([{}]), None),
            (json!(null), None),
        ] {
            let expected = day.map(|day| format!("2026-01-{day}T08:30:00Z"));
            assert_eq!(written(managed.clone()), expected, "{managed}");
        }
    }
}
