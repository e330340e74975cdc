//! What opened and what was resolved between two evaluations, for events.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::issue::{Issue, ResultId};

use super::bounds::{self, MAX_SHORT};
use super::first_seen::Subject;
use super::{FirstSeen, ReportedIssues};

/// Findings that are new, and those that are over.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueChanges<'a> {
    /// Results that were no finding before, or not there, in the order of the report.
    pub opened: Vec<&'a Issue>,
    /// Findings that are there no more.
    pub resolved: Vec<Resolved<'a>>,
}

/// A finding that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Resolved<'a> {
    pub id: ResultId,
    pub rule: &'a str,
    /// Name of the container, safe for a terminal.
    pub container: &'a str,
    /// When it was first seen.
    pub since: Timestamp,
    /// The rule still finds it, and an exemption applies.
    pub is_exempt: bool,
}

/// What a report says of a rule in the containers of one name.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    is_open: bool,
    is_exempt: bool,
}

impl<'a> IssueChanges<'a> {
    /// Compares what a report says with what was seen before it. A warning that has become a failure, or the other way
    /// round, has opened and was not resolved: it is one finding under two keys. A report in which results were left
    /// out does not show what is over.
    pub fn between(before: &'a FirstSeen, after: &ReportedIssues<'a>) -> Self {
        let results = after.in_report();
        // Also under another key, which a finding has once pods run several images under the name of its container.
        let known = LazyCell::new(|| before.subjects());
        let is_new = |issue: &&Issue| {
            issue.is_open() && !before.has_open(issue.id) && !known.contains(&Subject::of(issue))
        };
        let opened = results.iter().copied().filter(is_new).collect();
        if after.is_cut() {
            return Self { opened, resolved: Vec::new() };
        }
        let mut found: BTreeMap<(&str, String), Found> = BTreeMap::new();
        for issue in results {
            let container = bounds::shown(&issue.container, MAX_SHORT);
            let found = found.entry((issue.rule.id, container)).or_default();
            found.is_open |= issue.is_open();
            found.is_exempt |= issue.is_exempt();
        }
        let mut resolved = Vec::new();
        for (id, since, open) in before.open() {
            let (rule, container) = (open.rule.json(), open.container.json());
            let Found { is_open, is_exempt } =
                found.get(&(rule, container.to_owned())).copied().unwrap_or_default();
            if is_open {
                continue;
            }
            let Ok(since) = Timestamp::from_second(since) else { continue };
            resolved.push(Resolved { id, rule, container, since, is_exempt });
        }
        Self { opened, resolved }
    }
}
