//! Whether a rollout is in progress, as the status of a workload tells.

use serde::Deserialize;

use super::workload::WireStatus;
use crate::kind::WatchedKind;

/// `spec.updateStrategy` of a `StatefulSet` or `DaemonSet`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateStrategy {
    r#type: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Deserialize)]
struct RollingUpdate {
    partition: Option<i32>,
}

impl UpdateStrategy {
    pub(super) fn is_by_hand(&self) -> bool {
        self.r#type.as_deref() == Some("OnDelete")
    }

    fn partition(&self) -> i32 {
        self.rolling_update.as_ref().and_then(|rolling| rolling.partition).unwrap_or(0)
    }
}

/// Whether every pod that is there is of the newest template that the controller of the kind has seen, as far as it has
/// it in hand. Pods that are missing are no rollout: scaling out brings the same template. Nor is a status that lags
/// behind the spec, as it does for a moment with every scaling: it tells of the pods that are there.
pub(super) fn is_over(
    kind: WatchedKind,
    strategy: Option<&UpdateStrategy>,
    status: Option<&WireStatus>,
) -> bool {
    let is_rolled_out = match kind {
        WatchedKind::Deployment => of_deployment,
        WatchedKind::StatefulSet => of_stateful_set,
        WatchedKind::DaemonSet => of_daemon_set,
        _ => return true,
    };
    let Some(status) = status else { return false };
    let is_seen = status.observed_generation.is_some();
    is_seen && (strategy.is_some_and(UpdateStrategy::is_by_hand) || is_rolled_out(status, strategy))
}

fn of_deployment(status: &WireStatus, _: Option<&UpdateStrategy>) -> bool {
    status.replicas.unwrap_or(0) <= status.updated_replicas.unwrap_or(0)
}

/// Pods below the partition keep the old template for as long as somebody wants them to.
fn of_stateful_set(status: &WireStatus, strategy: Option<&UpdateStrategy>) -> bool {
    let kept = strategy.map_or(0, UpdateStrategy::partition);
    let updated = status.updated_replicas.unwrap_or(0);
    status.current_revision == status.update_revision || updated >= status.replicas.unwrap_or(0) - kept
}

fn of_daemon_set(status: &WireStatus, _: Option<&UpdateStrategy>) -> bool {
    status.current_number_scheduled.unwrap_or(0) <= status.updated_number_scheduled.unwrap_or(0)
}
