//! What is known of every evaluated workload: what metrics and the policy's status count, and what is remembered from one
//! evaluation to the next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::engine::Judgement;
use tagwatch_core::issue::{ExemptionOutcome, ImageChange, Issue, IssueGroup, Status, Tally};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, Namespace, Workload};
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::{FirstSeen, History, PolicyReport, ReportedIssues, StoredReport};

use super::report_key::ReportKey;

/// What an evaluation found in a workload. There is one for every workload, so it holds counts and no texts.
#[derive(Debug, Clone)]
pub(crate) struct WorkloadState {
    pub(crate) status: Status,
    /// In the order of their classes.
    pub(crate) issues: Box<[IssueGroup]>,
    /// Results that pass.
    pub(crate) passes: u32,
    /// `None` for most workloads.
    pub(crate) exemptions: Option<Box<ExemptionOutcome>>,
    /// Containers by tag class and effective pull policy.
    pub(crate) images: Box<[(TagClass, PullPolicy, u32)]>,
    /// The namespace, where it can be read.
    pub(crate) namespace: Option<Arc<Namespace>>,
    /// What the console shows, where there is a console.
    pub(crate) console: Option<Arc<tagwatch_console::Workload>>,
}

impl WorkloadState {
    /// Counts the results of a workload.
    pub(crate) fn new(workload: &Workload, judgement: &Judgement, issues: &[Issue]) -> Self {
        let mut images: BTreeMap<(TagClass, PullPolicy), u32> = BTreeMap::new();
        for verdict in &judgement.verdicts {
            *images.entry((verdict.classification.class, verdict.effective_pull_policy)).or_default() += 1;
        }
        let passes = issues.iter().filter(|issue| issue.outcome == Outcome::Pass).count();
        Self {
            status: Status::of(issues.iter().map(|issue| issue.outcome)),
            issues: IssueGroup::all(issues).into(),
            passes: u32::try_from(passes).unwrap_or(u32::MAX),
            exemptions: ExemptionOutcome::of(judgement),
            images: images.into_iter().map(|((class, policy), count)| (class, policy, count)).collect(),
            namespace: workload.namespace.clone(),
            console: None,
        }
    }

    /// A workload on which the evaluation panicked: it counts as an error.
    pub(crate) fn failed() -> Self {
        Self {
            status: Status::Error,
            issues: Box::default(),
            passes: 0,
            exemptions: None,
            images: Box::default(),
            namespace: None,
            console: None,
        }
    }

    fn containers(&self) -> usize {
        self.images.iter().map(|(_, _, count)| *count as usize).sum()
    }

    /// A label of the namespace.
    pub(crate) fn namespace_label(&self, name: &str) -> Option<&str> {
        self.namespace.as_ref()?.labels.get(name).map(String::as_str)
    }
}

/// What is remembered of a workload's reports from one evaluation to the next, whether they were stored or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportMemory {
    /// When each result was first seen.
    pub(crate) first_seen: FirstSeen,
    /// What is over.
    pub(crate) history: History,
    /// The image of each container, where an evaluation of this process has seen it.
    images: Box<[(ContainerType, UntrustedText, UntrustedText)]>,
    /// It began while no report could be read, so the stored report may say more.
    pub(crate) is_unread: bool,
    /// The results of the last report that was stored, where a later one was not: events are about what is stored.
    stored: Option<FirstSeen>,
}

impl ReportMemory {
    /// The same, beginning with what the API server holds.
    pub(crate) fn behind(self, stored: &StoredReport) -> Self {
        let first_seen = self.first_seen.joined(stored.first_seen(), &self.history);
        let history = self.history.behind(stored.history(), stored.first_seen());
        Self {
            first_seen: first_seen.shared_with(stored.first_seen()),
            history,
            is_unread: false,
            stored: self.stored.map(|_| stored.first_seen().clone()),
            ..self
        }
    }

    /// What is remembered once a report is built, before it is stored.
    pub(crate) fn after(
        &self,
        workload: &Workload,
        report: &PolicyReport,
        issues: &ReportedIssues<'_>,
    ) -> Self {
        let image = |container: &Container| {
            (container.container_type, container.name.clone(), container.image.clone())
        };
        Self {
            first_seen: FirstSeen::after(report, issues).shared_with(&self.first_seen),
            history: History::of(report),
            images: workload.containers.iter().filter(|found| !found.is_of_pods()).map(image).collect(),
            is_unread: self.is_unread,
            stored: Some(self.last_stored().clone()),
        }
    }

    /// The results of the last report that was stored.
    pub(crate) fn last_stored(&self) -> &FirstSeen {
        self.stored.as_ref().unwrap_or(&self.first_seen)
    }

    /// Containers that name another image now. Where pods of one workload run several images under one name, it is
    /// unknown which image replaced which.
    pub(crate) fn image_changes(&self, workload: &Workload, now: Timestamp) -> Vec<ImageChange> {
        let change = |container: &Container| {
            let mut before = self
                .images
                .iter()
                .filter(|(kind, name, _)| (kind, name) == (&container.container_type, &container.name));
            let (Some((_, name, image)), None) = (before.next(), before.next()) else { return None };
            let is_new = *image != container.image;
            is_new.then(|| History::image_change(name, image, &container.image, now))
        };
        workload.containers.iter().filter(|found| !found.is_of_pods()).filter_map(change).collect()
    }
}

/// Every workload that has a report, or will have one once it can be written.
#[derive(Debug, Default)]
pub(crate) struct WorkloadStates {
    /// In order, so that readers need not sort.
    workloads: BTreeMap<WorkloadKey, Entry>,
    reports: HashMap<ReportKey, WorkloadKey>,
    /// Reports whose workloads are being evaluated, or wait for another try.
    open: HashSet<ReportKey>,
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    report: ReportKey,
    memory: ReportMemory,
    /// `None` until the first report was tried to be written.
    state: Option<WorkloadState>,
}

impl WorkloadStates {
    /// Remembers an evaluation before its report is written. The state that is published stays as it is.
    pub(crate) fn remember(&mut self, key: &WorkloadKey, report: &ReportKey, memory: ReportMemory) {
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.memory = memory;
            return;
        }
        self.reports.insert(report.clone(), key.clone());
        let entry = Entry { report: report.clone(), memory, state: None };
        self.workloads.insert(key.clone(), entry);
    }

    /// Publishes the state of a workload that is remembered.
    pub(crate) fn publish(&mut self, key: &WorkloadKey, state: WorkloadState) {
        if let Some(entry) = self.workloads.get_mut(key) {
            self.changes += 1;
            entry.state = Some(state);
        }
    }

    /// The report that is remembered is stored.
    pub(crate) fn mark_stored(&mut self, key: &WorkloadKey) {
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.memory.stored = None;
        }
    }

    pub(crate) fn remove(&mut self, key: &WorkloadKey) {
        if let Some(entry) = self.workloads.remove(key) {
            self.changes += 1;
            self.reports.remove(&entry.report);
        }
    }

    /// From now on it is open whether this report is wanted.
    pub(crate) fn begin_evaluation(&mut self, report: &ReportKey) {
        self.open.insert(report.clone());
    }

    /// It is known whether the report is wanted.
    pub(crate) fn end_evaluation(&mut self, report: &ReportKey) {
        self.open.remove(report);
    }

    /// Whether a report is wanted, or may turn out to be.
    pub(crate) fn may_want(&self, report: &ReportKey) -> bool {
        self.reports.contains_key(report) || self.open.contains(report)
    }

    /// Counts up with every change of what is published, so that readers need not sum up what stays the same.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn memory(&self, key: &WorkloadKey) -> Option<&ReportMemory> {
        self.workloads.get(key).map(|entry| &entry.memory)
    }

    /// The workload of a report, if the report is wanted.
    pub(crate) fn workload_of(&self, report: &ReportKey) -> Option<&WorkloadKey> {
        self.reports.get(report)
    }

    /// When the results of a report that is wanted were first seen.
    pub(crate) fn first_seen(&self, report: &ReportKey) -> Option<&FirstSeen> {
        Some(&self.memory(self.workload_of(report)?)?.first_seen)
    }

    /// Counts over all that is published.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, state) in self.iter() {
            tally.add(state.status, state.containers(), state.passes as usize, &state.issues);
        }
        tally
    }

    /// Every workload, in order, published or not.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.workloads.keys()
    }

    /// Every workload with what is published of it, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&WorkloadKey, &WorkloadState)> {
        self.workloads.iter().filter_map(|(key, entry)| Some((key, entry.state.as_ref()?)))
    }

    /// Publishes a workload as if it had been evaluated.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, key: &WorkloadKey, state: WorkloadState) {
        self.remember(key, &ReportKey::of(key), ReportMemory::default());
        self.publish(key, state);
    }
}
