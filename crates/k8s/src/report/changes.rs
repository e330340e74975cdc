//! What opened and what was resolved between two evaluations, for whoever tells people of it.

use k8s_openapi::jiff::Timestamp;

use super::build::is_cut;
use super::first_seen::{self, FirstSeen};
use super::{PolicyReport, ReportResult, ResultId};

/// Violations that are new, and those that are over.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueChanges<'a> {
    /// Results that were no violation before, or not there.
    pub opened: Vec<(ResultId, &'a ReportResult)>,
    /// What is there no more.
    pub resolved: Vec<Resolved<'a>>,
}

/// A violation that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// Key that its result had.
    pub id: ResultId,
    /// The rule.
    pub rule: &'a str,
    /// The container.
    pub container: &'a str,
    /// When it was first seen.
    pub since: Timestamp,
    /// The rule is violated as before, and an exemption says that it may be.
    pub is_exempt: bool,
}

impl<'a> IssueChanges<'a> {
    /// Compares a report with what was seen before it. A warning that has become a failure, or the other way round, has
    /// opened and was not resolved: it is one violation under two keys. Of a report in which results were left out
    /// nothing can be said to be over.
    pub fn between(before: &'a FirstSeen, report: &'a PolicyReport) -> Self {
        let results: Vec<(ResultId, &ReportResult)> = report
            .results
            .iter()
            .flatten()
            .filter_map(|result| Some((first_seen::id_of(result)?, result)))
            .collect();
        let is_new = |id: ResultId| !before.open().any(|(known, ..)| known == id);
        let opened = results.iter().copied();
        let opened = opened.filter(|(id, result)| first_seen::is_violation(result) && is_new(*id)).collect();
        let mut resolved = Vec::new();
        for (id, since, open) in before.open().filter(|_| !is_cut(report)) {
            let of_the_same = |result: &&ReportResult| {
                let container = first_seen::property(result, "container");
                result.rule.as_deref() == Some(&*open.rule) && container == Some(&*open.container)
            };
            let of_the_same: Vec<_> = results.iter().map(|(_, result)| *result).filter(of_the_same).collect();
            if of_the_same.iter().any(|result| first_seen::is_violation(result)) {
                continue;
            }
            let Ok(since) = Timestamp::from_second(since) else { continue };
            let is_exempt = of_the_same.iter().any(|result| result.result.as_deref() == Some("skip"));
            resolved.push(Resolved { id, rule: &open.rule, container: &open.container, since, is_exempt });
        }
        Self { opened, resolved }
    }
}
