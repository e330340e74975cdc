//! The times in which the places of a workload had findings, each once.

use jiff::Timestamp;
use tagwatch_core::issue::{Ending, Issue};

use super::Workload;
use super::history::{Past, Span, united};

/// A time in which a place had a finding of a rule. One in which the result changed, as from a failure to a warning, is one
/// time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) from: Timestamp,
    pub(super) state: State,
}

/// Whether a finding goes on, and where its rule and its place are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It goes on, as the issue with this index.
    Open { issue: usize },
    /// It is over since the end of the closed interval with this index.
    Over { until: Timestamp, ending: Ending, closed: usize },
}

impl Workload {
    /// Every time of a finding that is known. Takes time in proportion to the issues: a user decides how many there are.
    pub(super) fn occurrences(&self) -> Vec<Occurrence> {
        let issue_after = |closed| {
            let past = Past::new(self, closed);
            self.issues.iter().position(|issue| past.is_of(issue))
        };
        let after: Vec<Option<usize>> = self.closed.iter().map(issue_after).collect();
        let with = |issue: Option<usize>| -> Vec<usize> {
            (0..after.len()).filter(|&closed| after[closed] == issue).collect()
        };
        let mut all: Vec<Occurrence> = Vec::new();
        for (at, issue) in self.issues.iter().enumerate() {
            all.extend(self.of_issue(at, issue, &with(Some(at))));
        }
        let mut left = with(None);
        while let Some(&first) = left.first() {
            let (alike, others): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|&other| self.closed[other].is_like(&self.closed[first]));
            let over = self.united(&alike, None).into_iter();
            all.extend(over.filter_map(|span| self.over(&alike, span)));
            left = others;
        }
        all
    }

    /// The times of one issue; `past` are its closed intervals.
    fn of_issue(&self, at: usize, issue: &Issue, past: &[usize]) -> Vec<Occurrence> {
        let spans = self.united(past, issue.is_open().then_some(issue.first_seen)).into_iter();
        let occurrence = |span: Span| match span {
            (from, None) => Some(Occurrence { from, state: State::Open { issue: at } }),
            _ => self.over(past, span),
        };
        spans.filter_map(occurrence).collect()
    }

    fn united(&self, closed: &[usize], open: Option<Timestamp>) -> Vec<Span> {
        let spans = closed.iter().map(|&at| (self.closed[at].from, Some(self.closed[at].until)));
        united(spans.chain(open.map(|from| (from, None))).collect())
    }

    /// A time that the last of these intervals ended.
    fn over(&self, closed: &[usize], (from, until): Span) -> Option<Occurrence> {
        let until = until?;
        let closed = closed.iter().copied().rfind(|&at| self.closed[at].until == until)?;
        let ending = self.closed[closed].ending;
        Some(Occurrence { from, state: State::Over { until, ending, closed } })
    }
}
