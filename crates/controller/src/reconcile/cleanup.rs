//! Removes reports that are no longer wanted: of workloads that were deleted while no tagwatch ran, and of those that the
//! policy leaves out now.

use super::write::{WriteOutcome, write};
use crate::controller::Controller;
use crate::report::ReportKey;

/// Deletes every report of ours that belongs to no judged workload. Whatever fails is tried at the next sweep.
pub(super) async fn remove_unwanted(controller: &Controller) {
    for key in unwanted(controller) {
        // A workload may have come (back) while others were being removed.
        if is_wanted(controller, &key) {
            continue;
        }
        match write(controller, &key, None).await {
            Ok(WriteOutcome::Stored) => {
                tracing::info!(namespace = %key.namespace, report = %key.name, "removed a report that nothing wants");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(namespace = %key.namespace, report = %key.name, %error, "cannot remove a report");
            }
        }
    }
}

fn unwanted(controller: &Controller) -> Vec<ReportKey> {
    let known = controller.reports.lock().keys();
    known.into_iter().filter(|key| !is_wanted(controller, key)).collect()
}

fn is_wanted(controller: &Controller, key: &ReportKey) -> bool {
    controller.states.lock().workload_of(key).is_some()
}
