//! Removes reports that are no longer wanted: of workloads that were deleted while no tagwatch ran, and of those that the
//! policy leaves out now.

use super::report_writer::{ReportWriter, WriteOutcome};
use super::strays::StrayReports;
use crate::state::ReportKey;

impl ReportWriter {
    /// Deletes every report of ours that belongs to no checked workload. Whatever fails is tried at the next sweep. Reports
    /// that do not name our instance are named in the log, and left. A standby leaves all of it to the leader.
    pub(crate) async fn remove_unwanted(&self) {
        if !self.writer.may_write() {
            return;
        }
        for key in self.unwanted() {
            // A workload may have come (back) while others were being removed.
            if self.is_wanted(&key) {
                continue;
            }
            match self.write(&key, None).await {
                Ok(WriteOutcome::Stored) => {
                    tracing::info!(namespace = %key.namespace, report = %key.name, "removed a report that nothing wants");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(namespace = %key.namespace, report = %key.name, %error, "cannot remove a report");
                }
            }
        }
        let strays = StrayReports::find(&self.reports, &self.states);
        for text in [strays.unassigned_text(), strays.of_others_text()].into_iter().flatten() {
            tracing::warn!("{text}");
        }
    }

    fn unwanted(&self) -> Vec<ReportKey> {
        let known = self.reports.lock().ours();
        known.into_iter().filter(|key| !self.is_wanted(key)).collect()
    }

    /// What is not known of a namespace that is not followed is not gone either. Never before the evaluation of its workload
    /// has ended: until then nothing says that the workload is gone.
    fn is_wanted(&self, key: &ReportKey) -> bool {
        if !self.watches.is_followed(&key.namespace) {
            return true;
        }
        // In this order: what an evaluation found is known before it ends.
        self.queue.awaits(key) || self.states.lock().workload_of(key).is_some()
    }
}
