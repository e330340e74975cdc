//! The part of a snapshot that one caller may see.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Tally};
use tagwatch_core::kinds;
use tagwatch_core::text::UntrustedText;

use crate::access::{Caller, Visible};
use crate::snapshot::{Change, Facts, Snapshot, Workload, WorkloadIssue, WorkloadName};

/// A snapshot without the namespaces that the caller may not see. Pages cannot distinguish those from absent ones.
#[derive(Debug, Clone)]
pub(crate) struct View {
    snapshot: Arc<Snapshot>,
    caller: Caller,
    pub(crate) now: Timestamp,
}

impl View {
    pub(crate) fn new(snapshot: Arc<Snapshot>, caller: Caller, now: Timestamp) -> Self {
        Self { snapshot, caller, now }
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.snapshot.facts()
    }

    /// All issues, most severe first.
    pub(crate) fn issues(&self) -> impl Iterator<Item = WorkloadIssue<'_>> {
        self.snapshot.issues().filter(|issue| self.sees(&issue.workload.namespace))
    }

    pub(crate) fn issue(&self, id: &str) -> Option<WorkloadIssue<'_>> {
        self.snapshot.issue(id).filter(|issue| self.sees(&issue.workload.namespace))
    }

    /// The issue that had this key before its result changed.
    pub(crate) fn successor(&self, id: &str) -> Option<WorkloadIssue<'_>> {
        self.snapshot.successor(id).filter(|issue| self.sees(&issue.workload.namespace))
    }

    pub(crate) fn resolved(&self, id: &str) -> Option<(&Workload, &Interval)> {
        self.snapshot.resolved(id).filter(|(workload, _)| self.sees(&workload.namespace))
    }

    /// All workloads, by namespace, kind and name.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.facts().workloads.iter().map(AsRef::as_ref).filter(|workload| self.sees(&workload.namespace))
    }

    pub(crate) fn workload(&self, name: &WorkloadName) -> Option<&Workload> {
        self.snapshot.workload(name).filter(|workload| self.sees(&workload.namespace))
    }

    /// The one whose kind is written otherwise: in the case of letters, as people type it (`deployment`), or as kubectl and
    /// `tagwatch issues -o name` print it (`deployment.apps`).
    pub(crate) fn workload_written_otherwise(
        &self,
        (namespace, kind, name): &WorkloadName,
    ) -> Option<&Workload> {
        let meant = kinds::meant_by(kind.raw()).map_or(kind.raw(), |meant| meant.name.kind.as_str());
        self.workloads().find(|workload| {
            let (of_workload, its_kind, its_name) = workload.full_name();
            of_workload == *namespace && its_name == *name && its_kind.raw().eq_ignore_ascii_case(meant)
        })
    }

    /// Every change that is known, latest first. A time ahead is none that anything happened at.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let changes = self.snapshot.changes().skip_while(|change| change.at > self.now);
        changes.filter(|change| self.sees(change.namespace()))
    }

    /// When tagwatch first looked at the cluster.
    pub(crate) fn known_since(&self) -> Option<Timestamp> {
        self.snapshot.known_since()
    }

    /// When the last workload left that is forgotten for lack of room.
    pub(crate) fn forgotten(&self) -> Option<Timestamp> {
        let forgotten = self.facts().departures.forgotten.iter();
        forgotten.filter(|(namespace, _)| self.sees(namespace)).map(|(_, at)| *at).max()
    }

    /// A workload of a namespace, for what all of them have in common: labels and contacts of the namespace.
    pub(crate) fn workload_in(&self, namespace: &UntrustedText) -> Option<&Workload> {
        self.snapshot.workload_in(namespace).filter(|_| self.sees(namespace))
    }

    /// The label of namespaces that says the team: the first of the policy's metric labels.
    pub(crate) fn team_label(&self) -> Option<&str> {
        self.facts().engine.as_ref()?.policy().metric_labels().first().map(String::as_str)
    }

    /// Namespaces with their counts, by name.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = (&UntrustedText, &Tally)> {
        self.snapshot.namespaces().iter().filter(|(namespace, _)| self.sees(namespace))
    }

    /// The sum over all namespaces.
    pub(crate) fn tally(&self) -> Tally {
        total(self.namespaces().map(|(_, tally)| tally))
    }

    /// Whether there are workloads, but none that the caller may see.
    pub(crate) fn is_blind(&self) -> bool {
        !self.facts().workloads.is_empty() && self.workloads().next().is_none()
    }

    /// Whether the caller may see every namespace.
    pub(crate) fn sees_all(&self) -> bool {
        self.caller.visible == Visible::All
    }

    /// Whether the caller may see a namespace, whether or not it exists.
    pub(crate) fn sees(&self, namespace: &UntrustedText) -> bool {
        self.caller.visible.admits(namespace)
    }
}

/// The sum of counts.
pub(crate) fn total<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    let mut total = Tally::default();
    tallies.for_each(|tally| total.merge(tally));
    total
}

/// The namespaces of all workloads, also of those that are no longer checked.
pub(crate) fn namespaces(snapshot: &Snapshot) -> BTreeSet<UntrustedText> {
    let departed = snapshot.facts().departures.workloads.iter().map(|workload| &workload.namespace);
    snapshot.namespaces().keys().chain(departed).cloned().collect()
}
