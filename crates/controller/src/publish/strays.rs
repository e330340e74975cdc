//! Reports with the label of tagwatch that are not ours and that people should know of. They are named, never deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tagwatch_core::fair::in_turn;
use tagwatch_k8s::report::{INSTANCE_LABEL, MANAGED_BY_LABEL, MANAGER, ReportOwner};

use crate::state::{ReportIndex, ReportKey, WorkloadStates};

/// Reports that a message names; the others are counted.
const NAMED: usize = 5;

/// A number of reports, the first of each namespace by name, then the second.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NamedReports {
    count: usize,
    /// The first names of each namespace.
    names: BTreeMap<Arc<str>, Vec<String>>,
}

impl NamedReports {
    pub(super) fn of<'a>(keys: impl IntoIterator<Item = &'a ReportKey>) -> Self {
        let mut named = Self::default();
        for key in keys {
            named.add(key, "");
        }
        named
    }

    /// Adds a report. They come in order.
    fn add(&mut self, key: &ReportKey, suffix: &str) {
        self.count += 1;
        let names = self.names.entry(Arc::clone(&key.namespace)).or_default();
        if names.len() < NAMED {
            names.push(format!("{}/{}{suffix}", key.namespace, key.name));
        }
    }
}

impl fmt::Display for NamedReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = in_turn(self.names.values()).take(NAMED).map(String::as_str).collect();
        f.write_str(&names.join(", "))?;
        match self.count - names.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
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
                self.unassigned
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
                self.of_others
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_first_of_each_namespace_and_counts_the_rest() {
        let mut keys: Vec<ReportKey> =
            (0..7).map(|number| ReportKey::new("blue", &format!("r{number}"))).collect();
        let text = |keys: &[ReportKey]| NamedReports::of(keys).to_string();
        assert_eq!(text(&keys), "blue/r0, blue/r1, blue/r2, blue/r3, blue/r4 and 2 more");
        keys.extend([ReportKey::new("red", "r0"), ReportKey::new("shop", "r0")]);
        assert_eq!(text(&keys), "blue/r0, red/r0, shop/r0, blue/r1, blue/r2 and 4 more");
        assert_eq!(text(&keys[..1]), "blue/r0");
    }
}
