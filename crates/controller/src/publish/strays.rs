//! Reports with the label of tagwatch that are not ours and that people should know of. They are named, never deleted.

use parking_lot::Mutex;
use tagwatch_k8s::report::{INSTANCE_LABEL, MANAGED_BY_LABEL, MANAGER, ReportOwner};

use crate::state::{ReportIndex, ReportKey, WorkloadStates};

/// Reports that a message names; the others are counted.
const NAMED: usize = 5;

/// A number of reports, the first of them by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NamedReports {
    count: usize,
    names: Vec<String>,
}

impl NamedReports {
    fn add(&mut self, key: &ReportKey, suffix: &str) {
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(format!("{}/{}{suffix}", key.namespace, key.name));
        }
    }

    fn text(&self) -> String {
        let more = self.count - self.names.len();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{rest}", self.names.join(", "))
    }
}

/// The strays that something should be done about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StrayReports {
    /// They name no instance, and no workload that is checked here wants them, so they never become ours.
    unassigned: NamedReports,
    /// Another instance has written the report of a workload that is checked here.
    of_others: NamedReports,
}

impl StrayReports {
    /// Looks through the strays. Reports of other instances about workloads that are not checked here are no concern of
    /// ours: two installations may share a cluster.
    pub(super) fn find(reports: &Mutex<ReportIndex>, states: &Mutex<WorkloadStates>) -> Self {
        let strays = reports.lock().strays().clone();
        let mut found = Self::default();
        for (key, owner) in strays.iter() {
            let is_wanted = states.lock().workload_of(key).is_some();
            match owner {
                ReportOwner::Unassigned if !is_wanted => found.unassigned.add(key, ""),
                ReportOwner::Instance(instance) if is_wanted => {
                    found.of_others.add(key, &format!(" (instance {instance})"));
                }
                _ => {}
            }
        }
        found
    }

    /// What people should know of reports without an instance.
    pub(super) fn unassigned_text(&self) -> Option<String> {
        let NamedReports { count, .. } = &self.unassigned;
        (*count > 0).then(|| {
            format!(
                "{count} reports have the label {MANAGED_BY_LABEL}={MANAGER}, name no instance by {INSTANCE_LABEL}, and \
                 belong to no workload that is checked here; they are not deleted: {}",
                self.unassigned.text()
            )
        })
    }

    /// What people should know of reports that other instances have written.
    pub(super) fn of_others_text(&self) -> Option<String> {
        let NamedReports { count, .. } = &self.of_others;
        (*count > 0).then(|| {
            format!(
                "the reports of {count} workloads that are checked here belong to another instance of tagwatch \
                 ({INSTANCE_LABEL}), and are left alone: {}",
                self.of_others.text()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_first_and_counts_the_rest() {
        let mut reports = NamedReports::default();
        for number in 0..7 {
            reports.add(&ReportKey::new("shop", &format!("r{number}")), "");
        }
        assert_eq!(reports.text(), "shop/r0, shop/r1, shop/r2, shop/r3, shop/r4 and 2 more");
    }
}
