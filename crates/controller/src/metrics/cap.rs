//! Which findings keep series of their own when there are too many.

use tagwatch_core::finding::{Outcome, Severity};

use super::workloads::{Finding, Other};

/// What is shown.
pub(super) struct Kept<'a> {
    /// With series of their own, in the order of the series.
    pub(super) findings: Vec<Finding<'a>>,
    /// The rest, summed up.
    pub(super) other: Other<'a>,
}

/// Keeps the worst findings, so many that they and the sums of the rest are at most `room`. Violations come before
/// errors and warnings, then severity counts, then age, then the order of the series: nothing of it changes from
/// scrape to scrape, and so neither does what is kept.
///
/// The sums alone, one for each namespace and rule, may be more than there is room for; they are shown all the same,
/// for otherwise something would be hidden.
pub(super) fn keep_the_worst(findings: Vec<Finding<'_>>, room: usize) -> Kept<'_> {
    if findings.len() <= room {
        return Kept { findings, other: Other::new() };
    }
    let mut ranked: Vec<(usize, Finding<'_>)> = findings.into_iter().enumerate().collect();
    ranked.sort_unstable_by_key(|(place, finding)| (rank(finding), *place));
    let mut other = Other::new();
    while ranked.len() + other.len() > room
        && let Some((_, finding)) = ranked.pop()
    {
        let add = |sum: &mut Finding<'_>| {
            sum.extent.containers += finding.extent.containers;
            sum.extent.since = sum.extent.since.min(finding.extent.since);
        };
        other.entry((finding.key.namespace(), finding.violation)).and_modify(add).or_insert(finding);
    }
    ranked.sort_unstable_by_key(|(place, _)| *place);
    Kept { findings: ranked.into_iter().map(|(_, finding)| finding).collect(), other }
}

/// The smaller, the worse.
fn rank(finding: &Finding<'_>) -> (usize, usize, i64) {
    let Finding { violation, extent, .. } = finding;
    let result = Outcome::ALL.into_iter().position(|one| one.as_str() == violation.result);
    let severity = Severity::ALL.into_iter().position(|one| one.as_str() == violation.severity);
    (result.unwrap_or(usize::MAX), severity.unwrap_or(usize::MAX), extent.since)
}
