//! Removes reports that nobody wants any more: of workloads that went while we were away, or that lie in
//! namespaces which are excluded now.

use super::evaluate::{Written, store};
use crate::controller::Controller;
use crate::report::ReportKey;

/// Deletes every report of ours that belongs to no judged workload. Whatever fails is tried at the next sweep.
pub(super) async fn remove_unwanted(controller: &Controller) {
    for key in unwanted(controller) {
        // A workload may have come (back) while others were being removed.
        if is_wanted(controller, &key) {
            continue;
        }
        match store(controller, &key, None).await {
            Ok(Written::Yes) => {
                tracing::info!(namespace = key.0, report = key.1, "removed a report that nothing wants");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(namespace = key.0, report = key.1, %error, "cannot remove a report"),
        }
    }
}

fn unwanted(controller: &Controller) -> Vec<ReportKey> {
    let known = controller.reports.lock().keys();
    known.into_iter().filter(|key| !is_wanted(controller, key)).collect()
}

fn is_wanted(controller: &Controller, key: &ReportKey) -> bool {
    controller.live.lock().workload_of(key).is_some()
}
