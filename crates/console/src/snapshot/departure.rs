//! Workloads that are no longer checked. Their reports are gone, so they are known for as long as the process runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::issue::{Ending, ImageChange, Interval, Issue};
use tagwatch_core::text::UntrustedText;

use super::Workload;
use super::occurrence::State;

/// What is known of workloads that are no longer checked.
#[derive(Debug, Clone, Default)]
pub struct Departures {
    /// The start of the process: those that left earlier are not known.
    pub since: Option<Timestamp>,
    /// Those that are remembered, in no order.
    pub workloads: Vec<Arc<DepartedWorkload>>,
    /// When the last one of a namespace left that is forgotten, for lack of room.
    pub forgotten: BTreeMap<UntrustedText, Timestamp>,
}

/// What is left of a workload that is no longer checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DepartedWorkload {
    pub namespace: UntrustedText,
    /// As in [`Workload::kind`].
    pub kind: UntrustedText,
    pub name: UntrustedText,
    /// When it left.
    pub at: Timestamp,
    /// Every time of a finding, each once; those that were open end when it left.
    pub closed: Box<[Interval]>,
    pub image_changes: Box<[ImageChange]>,
    /// When the first of its results was first seen: of those in `closed`, and of those at its end, passes too.
    pub known_since: Option<Timestamp>,
    /// As in [`Workload::created`].
    pub created: Option<Timestamp>,
    /// As in [`Workload::team`], when it left.
    pub team: Option<UntrustedText>,
}

impl DepartedWorkload {
    /// What is left of a workload that leaves now.
    pub fn new(workload: &Workload, now: Timestamp) -> Self {
        let interval = |issue: &Issue| Interval {
            id: issue.id,
            rule: issue.rule.id.into(),
            container: issue.container.clone(),
            container_type: Some(issue.container_type),
            image: issue.image.clone(),
            severity: Some(issue.severity),
            pull_policy: Some(issue.pull_policy.clone().unwrap_or_else(|| Interval::UNSET.into())),
            message: issue.message.clone(),
            from: issue.first_seen,
            until: now,
            ending: Ending::Gone,
        };
        let closed = workload.occurrences().into_iter().map(|occurrence| {
            let (until, record) = match occurrence.state {
                State::Open { issue } => (now.max(occurrence.from), interval(&workload.issues[issue])),
                State::Over { until, closed, .. } => (until, workload.closed[closed].clone()),
            };
            Interval { from: occurrence.from, until, ..record }
        });
        let closed: Box<[Interval]> = closed.collect();
        Self {
            namespace: workload.namespace.clone(),
            kind: workload.kind.clone(),
            name: workload.name.clone(),
            at: now,
            known_since: closed.iter().map(|interval| interval.from).chain(workload.known_since).min(),
            closed,
            image_changes: workload.image_changes.clone().into(),
            created: workload.created,
            team: workload.team.clone(),
        }
    }

    /// About how many bytes it takes in memory. Texts may be shared with other workloads; they count in full.
    pub fn weight(&self) -> usize {
        let texts = |texts: &[&UntrustedText]| -> usize { texts.iter().map(|text| text.raw().len()).sum() };
        let Self { namespace, kind, name, closed, image_changes, at: _, known_since: _, created: _, team } =
            self;
        let closed =
            closed.iter().map(|Interval { rule, container, image, pull_policy, message, .. }| {
                let policy = pull_policy.as_ref().map_or(0, |policy| texts(&[policy]));
                size_of::<Interval>() + policy + texts(&[rule, container, image, message])
            });
        let changes = image_changes.iter().map(|ImageChange { container, from, to, .. }| {
            size_of::<ImageChange>() + texts(&[container, from, to])
        });
        let team = team.as_ref().map_or(0, |team| texts(&[team]));
        size_of::<Self>()
            + texts(&[namespace, kind, name])
            + team
            + closed.sum::<usize>()
            + changes.sum::<usize>()
    }
}
