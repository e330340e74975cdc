//! What was, as reports keep it (`docs/design/reports.md`, "Life").

use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Issue};

use super::Workload;

/// A time from its begin to its end; without an end it is still open.
pub(crate) type Span = (Timestamp, Option<Timestamp>);

fn span(closed: &Interval) -> Span {
    (closed.from, Some(closed.until))
}

impl Workload {
    /// Whether an interval is the past of an issue: the same rule was violated by the same place. Where pods run several
    /// images under one name, that of another one is not.
    pub(crate) fn is_past_of(&self, closed: &Interval, issue: &Issue) -> bool {
        let is_of_the_place = closed.container == issue.container
            && closed.container_type.is_none_or(|kind| kind == issue.container_type);
        let is_of_another = || {
            closed.image != issue.image
                && self.containers.iter().any(|container| {
                    container.name == issue.container
                        && container.container_type == issue.container_type
                        && container.image == closed.image
                })
        };
        is_of_the_place && closed.rule.raw() == issue.rule.id && !is_of_another()
    }

    /// The issue of now that an interval is the past of.
    pub(crate) fn issue_after(&self, closed: &Interval) -> Option<&Issue> {
        self.issues.iter().find(|issue| self.is_past_of(closed, issue))
    }

    /// The times in which the rule of an issue was violated by its place, latest first. What is exempt violates nothing.
    pub(crate) fn violated(&self, issue: &Issue) -> Vec<Span> {
        let past = self.closed.iter().filter(|closed| self.is_past_of(closed, issue)).map(span);
        let open = (!issue.is_exempt()).then_some((issue.first_seen, None));
        united(past.chain(open).collect())
    }

    /// What is over for good, latest first, each with its whole time: an interval that met another one, as when a failure
    /// became a warning, is part of that, and one that an issue of now goes on with is not over.
    pub(crate) fn resolved(&self) -> Vec<(&Interval, Span)> {
        let goes_on = |closed: &Interval, (_, until): &Span| {
            let with = |issue: &&Issue| self.is_past_of(closed, issue);
            self.issues.iter().filter(with).any(|issue| until.is_none_or(|until| issue.first_seen <= until))
        };
        let mut resolved: Vec<(&Interval, Span)> = Vec::new();
        for (at, closed) in self.closed.iter().enumerate() {
            if self.closed[..at].iter().any(|before| before.is_like(closed)) {
                continue;
            }
            let alike: Vec<_> = self.closed.iter().filter(|other| other.is_like(closed)).collect();
            for span in united(alike.iter().map(|closed| span(closed)).collect()) {
                let last = alike.iter().copied().rfind(|closed| Some(closed.until) == span.1);
                resolved.extend(last.filter(|last| !goes_on(last, &span)).map(|last| (last, span)));
            }
        }
        resolved.sort_by_key(|(_, (_, until))| std::cmp::Reverse(*until));
        resolved
    }
}

/// Times that overlap or meet as one, latest first.
fn united(mut spans: Vec<Span>) -> Vec<Span> {
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
