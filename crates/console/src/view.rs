//! What one caller sees: a snapshot, and the part of it that is theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Tally};
use tagwatch_core::text::UntrustedText;

use crate::access::Caller;
use crate::snapshot::{Facts, Found, Snapshot, Workload, WorkloadName};

/// A snapshot as a caller sees it. What they may not see is not there: no page tells that from what does not exist.
#[derive(Debug, Clone)]
pub(crate) struct View {
    snapshot: Arc<Snapshot>,
    pub(crate) caller: Caller,
    pub(crate) now: Timestamp,
}

impl View {
    pub(crate) fn new(snapshot: Arc<Snapshot>, caller: Caller, now: Timestamp) -> Self {
        Self { snapshot, caller, now }
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.snapshot.facts()
    }

    /// Every issue, most severe first.
    pub(crate) fn issues(&self) -> impl Iterator<Item = Found<'_>> {
        self.snapshot.issues().filter(|found| self.sees(&found.workload.namespace))
    }

    pub(crate) fn issue(&self, id: &str) -> Option<Found<'_>> {
        self.snapshot.issue(id).filter(|found| self.sees(&found.workload.namespace))
    }

    /// The issue that had this key before its result changed.
    pub(crate) fn successor(&self, id: &str) -> Option<Found<'_>> {
        self.snapshot.successor(id).filter(|found| self.sees(&found.workload.namespace))
    }

    pub(crate) fn resolved(&self, id: &str) -> Option<(&Workload, &Interval)> {
        self.snapshot.resolved(id).filter(|(workload, _)| self.sees(&workload.namespace))
    }

    /// Every workload, by namespace, kind and name.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.facts().workloads.iter().map(AsRef::as_ref).filter(|workload| self.sees(&workload.namespace))
    }

    pub(crate) fn workload(&self, name: &WorkloadName) -> Option<&Workload> {
        self.snapshot.workload(name).filter(|workload| self.sees(&workload.namespace))
    }

    /// Namespaces with their counts, by name.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = (&UntrustedText, &Tally)> {
        self.snapshot.namespaces().iter().filter(|(namespace, _)| self.sees(namespace))
    }

    /// The counts of all namespaces together.
    pub(crate) fn tally(&self) -> Tally {
        let mut total = Tally::default();
        self.namespaces().for_each(|(_, tally)| total.merge(tally));
        total
    }

    /// Whether something was judged, and the caller may see none of it.
    pub(crate) fn is_blind(&self) -> bool {
        !self.facts().workloads.is_empty() && self.workloads().next().is_none()
    }

    fn sees(&self, namespace: &UntrustedText) -> bool {
        self.caller.visible.admits(namespace)
    }
}

/// The namespaces that hold something.
pub(crate) fn namespaces(snapshot: &Snapshot) -> BTreeSet<UntrustedText> {
    snapshot.namespaces().keys().cloned().collect()
}
