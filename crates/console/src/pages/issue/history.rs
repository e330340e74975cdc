//! Since when, how often, and what else happened meanwhile.

use jiff::Timestamp;

use crate::draw::{Mark, Timeline};
use crate::pages::rows::{interval_address, issue_address};
use crate::snapshot::Found;
use crate::text::{Moment, Shown, seconds, span};

/// Most events that a page lists.
const MAX_EVENTS: usize = 40;

/// The history of an issue.
pub(super) struct History {
    /// The open interval first, then closed ones, latest first.
    pub(super) intervals: Vec<Interval>,
    /// Of the intervals together.
    pub(super) total: String,
    /// There may have been more intervals than anybody remembers.
    pub(super) is_full: bool,
    /// Since when it is exempt.
    pub(super) exempt: Option<Moment>,
    pub(super) line: Timeline,
    /// What happened in the intervals, latest first.
    pub(super) events: Vec<Event>,
    pub(super) more_events: usize,
}

/// A time in violation.
pub(super) struct Interval {
    pub(super) from: Moment,
    pub(super) until: Option<Moment>,
    pub(super) lasted: String,
}

/// What happened.
pub(super) struct Event {
    pub(super) at: Moment,
    pub(super) container: Shown,
    pub(super) what: What,
}

/// What it was.
pub(super) enum What {
    Image { from: Shown, to: Shown },
    Opened { rule: Shown, href: String },
}

impl History {
    pub(super) fn new(found: Found<'_>, now: Timestamp) -> Self {
        let Found { workload, issue } = found;
        let times = workload.violated(issue);
        let mut events = events(found);
        events.retain(|(at, ..)| times.iter().any(|(from, until)| from <= at && *at <= until.unwrap_or(now)));
        events.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        let moments: Vec<_> = events.iter().map(|(at, _, what)| (*at, what.class())).collect();
        let total = times.iter().map(|&(from, until)| seconds(from, until.unwrap_or(now))).sum();
        Self {
            total: span(total),
            is_full: workload.is_history_full,
            exempt: issue.is_exempt().then(|| Moment::new(issue.first_seen, now)),
            line: Timeline::new(&times, issue.is_exempt().then_some(issue.first_seen), &moments, now),
            intervals: times
                .iter()
                .map(|&(from, until)| Interval {
                    from: Moment::new(from, now),
                    until: until.map(|until| Moment::new(until, now)),
                    lasted: span(seconds(from, until.unwrap_or(now))),
                })
                .collect(),
            more_events: events.len().saturating_sub(MAX_EVENTS),
            events: events
                .into_iter()
                .take(MAX_EVENTS)
                .map(|(at, container, what)| Event { at: Moment::new(at, now), container, what })
                .collect(),
        }
    }

    pub(super) fn marks(&self) -> &[Mark] {
        &self.line.marks
    }
}

impl What {
    fn class(&self) -> &'static str {
        match self {
            Self::Image { .. } => "image",
            Self::Opened { .. } => "opened",
        }
    }
}

/// Image changes of the container, and every other finding of the workload that was opened.
fn events(Found { workload, issue }: Found<'_>) -> Vec<(Timestamp, Shown, What)> {
    let images =
        workload.image_changes.iter().filter(|change| change.container == issue.container).map(|change| {
            let what = What::Image { from: Shown::short(&change.from), to: Shown::short(&change.to) };
            (change.at, Shown::short(&change.container), what)
        });
    let opened =
        workload.issues.iter().filter(|other| other.id != issue.id && !other.is_exempt()).map(|other| {
            let href = issue_address(other);
            let what = What::Opened { rule: Shown::line(other.rule.id), href };
            (other.first_seen, Shown::short(&other.container), what)
        });
    let over = workload.closed.iter().filter(|closed| !workload.is_past_of(closed, issue)).map(|closed| {
        let href = interval_address(workload, closed);
        let what = What::Opened { rule: Shown::short(&closed.rule), href };
        (closed.from, Shown::short(&closed.container), what)
    });
    images.chain(opened).chain(over).collect()
}
