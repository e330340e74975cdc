//! What opened and what was resolved between two evaluations, for events.

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::issue::{Issue, ResultId};

use super::bounds::{self, MAX_SHORT};
use super::{FirstSeen, ReportedIssues};

/// Violations that are new, and those that are over.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueChanges<'a> {
    /// Results that were no violation before, or not there, in the order of the report.
    pub opened: Vec<&'a Issue>,
    /// Violations that are there no more.
    pub resolved: Vec<Resolved<'a>>,
}

/// A violation that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Resolved<'a> {
    pub id: ResultId,
    pub rule: &'a str,
    /// Name of the container, safe for a terminal.
    pub container: &'a str,
    /// When it was first seen.
    pub since: Timestamp,
    /// The rule is still violated, and an exemption applies.
    pub is_exempt: bool,
}

impl<'a> IssueChanges<'a> {
    /// Compares what a report says with what was seen before it. A warning that has become a failure, or the other way
    /// round, has opened and was not resolved: it is one violation under two keys. A report in which results were left
    /// out does not show what is over.
    pub fn between(before: &'a FirstSeen, after: &ReportedIssues<'a>) -> Self {
        let results = after.in_report();
        let is_new = |issue: &&Issue| issue.is_open() && !before.has_open(issue);
        let opened = results.iter().copied().filter(is_new).collect();
        let mut resolved = Vec::new();
        for (id, since, open) in before.open().filter(|_| !after.is_cut()) {
            let (rule, container) = (open.rule.json(), open.container.json());
            let is_same = |issue: &&&Issue| {
                issue.rule.id == rule && bounds::shown(&issue.container, MAX_SHORT) == container
            };
            let same: Vec<&&Issue> = results.iter().filter(is_same).collect();
            if same.iter().any(|issue| issue.is_open()) {
                continue;
            }
            let Ok(since) = Timestamp::from_second(since) else { continue };
            let is_exempt = same.iter().any(|issue| issue.is_exempt());
            resolved.push(Resolved { id, rule, container, since, is_exempt });
        }
        Self { opened, resolved }
    }
}
