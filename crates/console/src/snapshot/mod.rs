//! What the console shows, as it stood at one moment: put together once, then only read.

mod changes;
mod departure;
mod fix;
mod history;
mod input;
mod occurrence;
mod rule;
mod workload;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::engine::Engine;
use tagwatch_core::issue::{Interval, Issue, IssueGroup, ResultId, Tally};
use tagwatch_core::text::UntrustedText;

use changes::ChangeLog;
pub(crate) use changes::{Change, ChangeKind, ChangedWorkload, Event, Finding};
pub use departure::{DepartedWorkload, Departures};
pub use fix::ContainerFix;
pub(crate) use fix::{ContainerChange, name_to_pin};
pub use input::WorkloadInput;
pub(crate) use input::evidence_line;
pub use rule::RuleState;
pub use workload::{ContainerFacts, Workload};

/// Everything that a [`Snapshot`] is made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The cluster's name, where one is configured.
    pub cluster: Option<UntrustedText>,
    /// Name of the policy object; `None` where a profile alone is in force.
    pub policy: Option<UntrustedText>,
    /// Name of the profile that the policy starts from.
    pub profile: &'static str,
    /// When every workload had last been checked; `None` before the first time.
    pub evaluated: Option<Timestamp>,
    /// When this process had checked every workload for the first time; `None` before.
    pub first_evaluated: Option<Timestamp>,
    /// Every rule, in the order of the registry.
    pub rules: Vec<RuleState>,
    /// Every workload that has been checked.
    pub workloads: Vec<Arc<Workload>>,
    /// Workloads that are no longer checked.
    pub departures: Departures,
    /// The engine that judged them: its policy names the label of teams and holds exemptions.
    pub engine: Option<Arc<Engine>>,
    /// The policy is new, and not every workload has been checked by it: which of its exemptions are used is unknown.
    pub is_policy_unchecked: bool,
}

/// [`Facts`] in the order in which they are shown, with what is counted in them.
#[derive(Debug)]
pub struct Snapshot {
    facts: Facts,
    /// Every issue, most severe first.
    order: Vec<IssuePosition>,
    by_id: HashMap<ResultId, IssuePosition>,
    resolved: HashMap<ResultId, IssuePosition>,
    by_name: HashMap<WorkloadName, usize>,
    namespaces: BTreeMap<UntrustedText, Tally>,
    changes: ChangeLog,
}

/// Index of a workload, and of an issue within it.
type IssuePosition = (usize, usize);

/// Namespace, kind as metrics label it, name.
pub(crate) type WorkloadName = (UntrustedText, UntrustedText, UntrustedText);

/// An issue with the workload that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkloadIssue<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) issue: &'a Issue,
}

impl Snapshot {
    /// Puts everything in order and counts it: once for each snapshot, not for each request.
    pub fn new(mut facts: Facts) -> Self {
        facts.workloads.sort_by(|one, other| one.order().cmp(&other.order()));
        let workloads = &facts.workloads;
        let mut namespaces: BTreeMap<UntrustedText, Tally> = BTreeMap::new();
        for workload in workloads {
            let tally = namespaces.entry(workload.namespace.clone()).or_default();
            tally.add(workload.status, workload.containers.len(), 0, &IssueGroup::all(&workload.issues));
        }
        let mut order: Vec<IssuePosition> = places(workloads, |workload| workload.issues.len()).collect();
        // Stable: issues of one rank stay in the order of their workloads.
        order.sort_by_key(|&(workload, issue)| rank(&workloads[workload].issues[issue]));
        let by_id = order.iter().map(|&place| (workloads[place.0].issues[place.1].id, place)).collect();
        let resolved = places(workloads, |workload| workload.closed.len())
            .map(|place| (workloads[place.0].closed[place.1].id, place))
            .collect();
        let by_name = workloads.iter().enumerate().map(|(at, workload)| (workload.full_name(), at)).collect();
        let changes = ChangeLog::new(&facts);
        Self { facts, order, by_id, resolved, by_name, namespaces, changes }
    }

    /// What it was made of.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn issues(&self) -> impl Iterator<Item = WorkloadIssue<'_>> {
        self.order.iter().map(|&place| self.found(place))
    }

    pub(crate) fn issue(&self, id: &str) -> Option<WorkloadIssue<'_>> {
        self.by_id.get(&ResultId::parse(id)?).map(|&place| self.found(place))
    }

    /// The issue that had this key until its outcome changed, or pods came to run several images. Its own keys show that,
    /// also where it was exempt or history has dropped it; history shows it where an older version kept it as over.
    pub(crate) fn successor(&self, id: &str) -> Option<WorkloadIssue<'_>> {
        let key = ResultId::parse(id)?;
        let has_key = |&&(workload, issue): &&IssuePosition| {
            self.facts.workloads[workload].other_ids.get(issue).is_some_and(|ids| ids.contains(&key))
        };
        let by_key = self.order.iter().find(has_key).map(|&place| self.found(place));
        by_key.or_else(|| {
            let (workload, closed) = self.resolved(id)?;
            let issue = workload.issue_after(closed)?;
            Some(WorkloadIssue { workload, issue })
        })
    }

    /// The workload that had an issue which is over, and the interval.
    pub(crate) fn resolved(&self, id: &str) -> Option<(&Workload, &Interval)> {
        let &(workload, closed) = self.resolved.get(&ResultId::parse(id)?)?;
        let workload = &self.facts.workloads[workload];
        Some((workload, &workload.closed[closed]))
    }

    pub(crate) fn workload(&self, name: &WorkloadName) -> Option<&Workload> {
        self.by_name.get(name).map(|&at| &*self.facts.workloads[at])
    }

    /// Every change that is known, latest first.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.changes.all(&self.facts)
    }

    /// The first time of which anything is known of any namespace: when tagwatch first looked at the cluster.
    pub(crate) fn known_since(&self) -> Option<Timestamp> {
        self.changes.known_since
    }

    /// A workload of a namespace, for what all of them have in common.
    pub(crate) fn workload_in(&self, namespace: &UntrustedText) -> Option<&Workload> {
        let workloads = &self.facts.workloads;
        let at = workloads.partition_point(|workload| workload.namespace < *namespace);
        workloads.get(at).map(AsRef::as_ref).filter(|workload| workload.namespace == *namespace)
    }

    pub(crate) fn namespaces(&self) -> &BTreeMap<UntrustedText, Tally> {
        &self.namespaces
    }

    fn found(&self, (workload, issue): IssuePosition) -> WorkloadIssue<'_> {
        let workload = &self.facts.workloads[workload];
        WorkloadIssue { workload, issue: &workload.issues[issue] }
    }
}

fn places(workloads: &[Arc<Workload>], count: fn(&Workload) -> usize) -> impl Iterator<Item = IssuePosition> {
    workloads.iter().enumerate().flat_map(move |(at, workload)| (0..count(workload)).map(move |of| (at, of)))
}

/// What wants a hand first: the result's worth before its age.
fn rank(issue: &Issue) -> impl Ord + use<> {
    (issue.is_exempt(), issue.severity, issue.outcome, issue.first_seen)
}
