//! What changed and when, over all workloads: put in order once for each snapshot.

use std::cmp::Reverse;

use jiff::Timestamp;
use tagwatch_core::issue::{Ending, ImageChange, Interval, Issue};
use tagwatch_core::named;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::occurrence::State;
use super::{DepartedWorkload, Facts, Workload};

/// Every change that is known, latest first. A workload has as many as its issues and its report's history allow.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    entries: Vec<Entry>,
    /// The first time of which anything is known; `None` where nothing is.
    pub(super) known_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Timestamp,
    item: Item,
}

/// What changed: a workload by its index, and what in it by that of its list.
#[derive(Debug, Clone, Copy)]
enum Item {
    OpenedIssue { workload: usize, issue: usize },
    OpenedClosed { place: Place, closed: usize },
    Resolved { place: Place, closed: usize, ending: Ending },
    Image { place: Place, change: usize },
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Checked(usize),
    Departed(usize),
}

/// A change, with the workload that it happened to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) at: Timestamp,
    pub(crate) workload: ChangedWorkload<'a>,
    pub(crate) event: Event<'a>,
}

/// A workload that is checked, or was.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChangedWorkload<'a> {
    Checked(&'a Workload),
    Departed(&'a DepartedWorkload),
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A rule had a finding from then on.
    Opened(Finding<'a>),
    /// It no longer was.
    Resolved(&'a Interval, Ending),
    /// A container named another image from then on.
    Image(&'a ImageChange),
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChangeKind {
    Opened,
    Resolved,
    Image,
}

named!(ChangeKind {
    Opened => "opened",
    Resolved => "resolved",
    Image => "image",
});

impl ChangeKind {
    pub(crate) fn of(change: &Change<'_>) -> Self {
        match change.event {
            Event::Opened(_) => Self::Opened,
            Event::Resolved(..) => Self::Resolved,
            Event::Image(_) => Self::Image,
        }
    }
}

/// What was found: an issue of now, or one that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finding<'a> {
    Open(&'a Issue),
    Over(&'a Interval),
}

impl<'a> Change<'a> {
    pub(crate) fn opening_of(workload: &'a Workload, issue: &'a Issue) -> Self {
        let (workload, event) = (ChangedWorkload::Checked(workload), Event::Opened(Finding::Open(issue)));
        Self { at: issue.first_seen, workload, event }
    }

    pub(crate) fn namespace(&self) -> &'a UntrustedText {
        let [namespace, ..] = self.workload.names();
        namespace
    }
}

impl<'a> Event<'a> {
    /// What was found, where the event is about that.
    pub(crate) fn finding(self) -> Option<Finding<'a>> {
        match self {
            Self::Opened(finding) => Some(finding),
            Self::Resolved(interval, _) => Some(Finding::Over(interval)),
            Self::Image(_) => None,
        }
    }
}

impl<'a> Finding<'a> {
    pub(crate) fn rule(self) -> &'a str {
        match self {
            Self::Open(issue) => issue.rule.id,
            Self::Over(interval) => interval.rule.raw(),
        }
    }

    /// `None` where the report does not say.
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Open(issue) => Some(issue.severity),
            Self::Over(interval) => interval.severity,
        }
    }

    /// What can be searched, beside the rule.
    pub(crate) fn texts(self) -> [&'a UntrustedText; 3] {
        match self {
            Self::Open(issue) => [&issue.container, &issue.image, &issue.message],
            Self::Over(interval) => [&interval.container, &interval.image, &interval.message],
        }
    }
}

impl<'a> ChangedWorkload<'a> {
    fn of(place: Place, facts: &'a Facts) -> Self {
        match place {
            Place::Checked(at) => Self::Checked(&facts.workloads[at]),
            Place::Departed(at) => Self::Departed(&facts.departures.workloads[at]),
        }
    }

    /// Its namespace, kind and name.
    pub(crate) fn names(self) -> [&'a UntrustedText; 3] {
        match self {
            Self::Checked(Workload { namespace, kind, name, .. })
            | Self::Departed(DepartedWorkload { namespace, kind, name, .. }) => [namespace, kind, name],
        }
    }

    pub(crate) fn team(self) -> Option<&'a UntrustedText> {
        match self {
            Self::Checked(workload) => workload.team.as_ref(),
            Self::Departed(workload) => workload.team.as_ref(),
        }
    }

    /// When its object was created, where that is known.
    pub(crate) fn created(self) -> Option<Timestamp> {
        match self {
            Self::Checked(workload) => workload.created,
            Self::Departed(workload) => workload.created,
        }
    }

    /// Whether it had been checked before a time: a result of it is older, or another image of it was known before then.
    pub(crate) fn was_checked_before(self, time: Timestamp) -> bool {
        let (known_since, closed, images) = match self {
            Self::Checked(Workload { known_since, closed, image_changes, .. }) => {
                (known_since, &**closed, &**image_changes)
            }
            // Its time covers what is closed, which can be thousands: this is asked of each of them.
            Self::Departed(DepartedWorkload { known_since, image_changes, .. }) => {
                (known_since, &[][..], &**image_changes)
            }
        };
        known_since.is_some_and(|since| since < time)
            || closed.iter().any(|interval| interval.from < time)
            || images.iter().any(|change| change.at <= time)
    }

    fn closed(self, at: usize) -> &'a Interval {
        match self {
            Self::Checked(workload) => &workload.closed[at],
            Self::Departed(workload) => &workload.closed[at],
        }
    }

    fn image_change(self, at: usize) -> &'a ImageChange {
        match self {
            Self::Checked(workload) => &workload.image_changes[at],
            Self::Departed(workload) => &workload.image_changes[at],
        }
    }
}

impl ChangeLog {
    pub(super) fn new(facts: &Facts) -> Self {
        let mut entries = Vec::new();
        for (at, workload) in facts.workloads.iter().enumerate() {
            entries.extend(of_workload(at, workload));
        }
        for (at, workload) in facts.departures.workloads.iter().enumerate() {
            entries.extend(of_departed(at, workload));
        }
        // Stable: what happened at one time stays in the order of the workloads.
        entries.sort_by_key(|entry| Reverse(entry.at));
        let first = entries.last().map(|entry| entry.at);
        let checked = facts.workloads.iter().filter_map(|workload| workload.known_since);
        Self { known_since: checked.chain(first).chain(facts.departures.since).min(), entries }
    }

    /// Every change, latest first.
    pub(super) fn all<'a>(&'a self, facts: &'a Facts) -> impl Iterator<Item = Change<'a>> {
        self.entries.iter().map(|entry| entry.change(facts))
    }
}

impl Entry {
    fn change(self, facts: &Facts) -> Change<'_> {
        let place = match self.item {
            Item::OpenedIssue { workload, .. } => Place::Checked(workload),
            Item::OpenedClosed { place, .. } | Item::Resolved { place, .. } | Item::Image { place, .. } => {
                place
            }
        };
        let workload = ChangedWorkload::of(place, facts);
        let event = match self.item {
            Item::OpenedIssue { workload, issue } => {
                Event::Opened(Finding::Open(&facts.workloads[workload].issues[issue]))
            }
            Item::OpenedClosed { closed, .. } => Event::Opened(Finding::Over(workload.closed(closed))),
            Item::Resolved { closed, ending, .. } => Event::Resolved(workload.closed(closed), ending),
            Item::Image { change, .. } => Event::Image(workload.image_change(change)),
        };
        Change { at: self.at, workload, event }
    }
}

fn of_workload(at: usize, workload: &Workload) -> Vec<Entry> {
    let place = Place::Checked(at);
    let mut entries = of_images(place, &workload.image_changes);
    for occurrence in workload.occurrences() {
        let opened = match occurrence.state {
            State::Open { issue } => Item::OpenedIssue { workload: at, issue },
            State::Over { until, ending, closed } => {
                entries.push(Entry { at: until, item: Item::Resolved { place, closed, ending } });
                Item::OpenedClosed { place, closed }
            }
        };
        entries.push(Entry { at: occurrence.from, item: opened });
    }
    entries
}

fn of_departed(at: usize, workload: &DepartedWorkload) -> Vec<Entry> {
    let place = Place::Departed(at);
    let mut entries = of_images(place, &workload.image_changes);
    for (closed, interval) in workload.closed.iter().enumerate() {
        let ending = interval.ending;
        entries.push(Entry { at: interval.until, item: Item::Resolved { place, closed, ending } });
        entries.push(Entry { at: interval.from, item: Item::OpenedClosed { place, closed } });
    }
    entries
}

fn of_images(place: Place, changes: &[ImageChange]) -> Vec<Entry> {
    let entry = |(at, change): (usize, &ImageChange)| Entry {
        at: change.at,
        item: Item::Image { place, change: at },
    };
    changes.iter().enumerate().map(entry).collect()
}
