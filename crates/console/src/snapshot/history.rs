//! What was, as reports keep it (`docs/design/reports.md`, "Life").

use std::cell::OnceCell;

use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Issue};

use super::Workload;

/// A time from its begin to its end; without an end it is still open.
pub(crate) type Span = (Timestamp, Option<Timestamp>);

fn span(closed: &Interval) -> Span {
    (closed.from, Some(closed.until))
}

/// An interval that is over, to be compared with the issues of now.
pub(super) struct Past<'a> {
    workload: &'a Workload,
    closed: &'a Interval,
    /// Whether its image still runs in its place. Looked up once: a workload can have a thousand containers of one name.
    runs: OnceCell<bool>,
}

impl<'a> Past<'a> {
    pub(super) fn new(workload: &'a Workload, closed: &'a Interval) -> Self {
        Self { workload, closed, runs: OnceCell::new() }
    }

    /// Whether it is the past of an issue: of the same rule and the same place. Where pods run several images
    /// under one name, that of another one is not.
    pub(super) fn is_of(&self, issue: &Issue) -> bool {
        let Self { workload, closed, runs } = self;
        let is_of_the_place = closed.container == issue.container
            && closed.container_type.is_none_or(|kind| kind == issue.container_type);
        let runs_it = || {
            workload.containers.iter().any(|container| {
                container.name == closed.container
                    && closed.container_type.is_none_or(|kind| kind == container.container_type)
                    && container.image == closed.image
            })
        };
        let is_of_another = || closed.image != issue.image && *runs.get_or_init(runs_it);
        is_of_the_place && closed.rule.raw() == issue.rule.id && !is_of_another()
    }
}

impl Workload {
    /// Whether an interval is the past of an issue.
    pub(crate) fn is_past_of(&self, closed: &Interval, issue: &Issue) -> bool {
        Past::new(self, closed).is_of(issue)
    }

    /// The issue of now that an interval is the past of.
    pub(crate) fn issue_after(&self, closed: &Interval) -> Option<&Issue> {
        let past = Past::new(self, closed);
        self.issues.iter().find(|issue| past.is_of(issue))
    }

    /// The times of an issue, latest first: those of its rule and its place. What is exempt is no finding.
    pub(crate) fn times_of(&self, issue: &Issue) -> Vec<Span> {
        let past = self.closed.iter().filter(|closed| self.is_past_of(closed, issue)).map(span);
        let open = (!issue.is_exempt()).then_some((issue.first_seen, None));
        united(past.chain(open).collect())
    }

    /// The times of the rule and the place of a closed interval, latest first.
    pub(crate) fn times_like(&self, closed: &Interval) -> Vec<Span> {
        united(self.closed.iter().filter(|other| other.is_like(closed)).map(span).collect())
    }

    /// What is over for good, latest first, each with its whole time: an interval that met another one, as when a failure
    /// became a warning, is part of that, and one that an issue of now goes on with is not over.
    pub(crate) fn resolved(&self) -> Vec<(&Interval, Span)> {
        let goes_on = |closed: &Interval, (_, until): &Span| {
            let past = Past::new(self, closed);
            let with = |issue: &&Issue| past.is_of(issue);
            self.issues.iter().filter(with).any(|issue| until.is_none_or(|until| issue.first_seen <= until))
        };
        let mut resolved: Vec<(&Interval, Span)> = Vec::new();
        for (at, closed) in self.closed.iter().enumerate() {
            if self.closed[..at].iter().any(|before| before.is_like(closed)) {
                continue;
            }
            let alike: Vec<_> = self.closed.iter().filter(|other| other.is_like(closed)).collect();
            for span in self.times_like(closed) {
                let last = alike.iter().copied().rfind(|closed| Some(closed.until) == span.1);
                resolved.extend(last.filter(|last| !goes_on(last, &span)).map(|last| (last, span)));
            }
        }
        resolved.sort_by_key(|(_, (_, until))| std::cmp::Reverse(*until));
        resolved
    }
}

/// Times that overlap or meet as one, latest first.
pub(super) fn united(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut all: Vec<Span> = Vec::with_capacity(spans.len());
    for (from, until) in spans {
        match all.last_mut() {
            Some((_, end)) if end.is_none_or(|end| from <= end) => {
                *end = end.zip(until).map(|(one, other)| one.max(other));
            }
            _ => all.push((from, until)),
        }
    }
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_overlap_or_meet_are_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let span = |from, until: Option<i64>| (at(from), until.map(at));
        for (spans, expected) in [
            (vec![], vec![]),
            (vec![span(1, Some(5)), span(2, Some(3))], vec![span(1, Some(5))]),
            (vec![span(5, None), span(1, Some(5))], vec![span(1, None)]),
            (vec![span(7, Some(9)), span(1, Some(5))], vec![span(7, Some(9)), span(1, Some(5))]),
            (vec![span(3, None), span(7, Some(9)), span(1, Some(2))], vec![span(3, None), span(1, Some(2))]),
        ] {
            assert_eq!(united(spans), expected);
        }
    }
}
