//! The history of one issue.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::draw::Timeline;
use crate::pages::rows::{interval_address, issue_address};
use crate::snapshot::WorkloadIssue;
use crate::text::{DisplayInterval, DisplayTime, HtmlText, ImageText, seconds, span};

/// Most events on a page.
const MAX_EVENTS: usize = 40;

pub(super) struct History {
    /// The open interval first, then closed ones, latest first.
    pub(super) intervals: Vec<DisplayInterval>,
    pub(super) total: String,
    /// Whether older intervals may have been removed from the report.
    pub(super) is_full: bool,
    pub(super) exempt: Option<DisplayTime>,
    pub(super) line: Timeline,
    /// Events during the intervals, latest first.
    pub(super) events: Vec<Event>,
    pub(super) more_events: usize,
}

pub(super) struct Event {
    pub(super) at: DisplayTime,
    pub(super) container: HtmlText,
    pub(super) kind: EventKind,
}

pub(super) enum EventKind {
    ImageChange { from: ImageText, to: ImageText },
    IssueOpened { rule: HtmlText, href: String },
}

impl History {
    pub(super) fn new(of_workload: WorkloadIssue<'_>, now: Timestamp) -> Self {
        let WorkloadIssue { workload, issue } = of_workload;
        let times = workload.times_of(issue);
        let exempt = issue.is_exempt().then_some(issue.first_seen);
        let mut events = events(of_workload);
        events.retain(|(at, ..)| times.iter().any(|(from, until)| from <= at && *at <= until.unwrap_or(now)));
        events.sort_by_key(|(at, ..)| Reverse(*at));
        let marks: Vec<_> = events.iter().map(|(at, _, kind)| (*at, kind.class())).collect();
        let total = times.iter().map(|&(from, until)| seconds(from, until.unwrap_or(now))).sum();
        Self {
            total: span(total),
            is_full: workload.is_history_full,
            exempt: exempt.map(|since| DisplayTime::new(since, now)),
            line: Timeline::new(&times, exempt, &marks, now),
            intervals: times.iter().map(|&(from, until)| DisplayInterval::new(from, until, now)).collect(),
            more_events: events.len().saturating_sub(MAX_EVENTS),
            events: events
                .into_iter()
                .take(MAX_EVENTS)
                .map(|(at, container, kind)| Event { at: DisplayTime::new(at, now), container, kind })
                .collect(),
        }
    }
}

impl EventKind {
    /// Class of the style sheet.
    fn class(&self) -> &'static str {
        match self {
            Self::ImageChange { .. } => "image",
            Self::IssueOpened { .. } => "opened",
        }
    }
}

/// Image changes of the container, and the start of the workload's other issues, open and closed.
fn events(WorkloadIssue { workload, issue }: WorkloadIssue<'_>) -> Vec<(Timestamp, HtmlText, EventKind)> {
    let images =
        workload.image_changes.iter().filter(|change| change.container == issue.container).map(|change| {
            let (from, to) = (ImageText::new(&change.from), ImageText::new(&change.to));
            (change.at, HtmlText::short(&change.container), EventKind::ImageChange { from, to })
        });
    let open = workload.open().filter(|other| other.id != issue.id).map(|other| {
        let (rule, href) = (HtmlText::line(other.rule.id), issue_address(other.id));
        (other.first_seen, HtmlText::short(&other.container), EventKind::IssueOpened { rule, href })
    });
    let closed = workload.closed.iter().filter(|closed| !workload.is_past_of(closed, issue)).map(|closed| {
        let (rule, href) = (HtmlText::short(&closed.rule), interval_address(workload, closed));
        (closed.from, HtmlText::short(&closed.container), EventKind::IssueOpened { rule, href })
    });
    images.chain(open).chain(closed).collect()
}
