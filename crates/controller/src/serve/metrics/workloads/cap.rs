//! Which findings keep series of their own when there are too many.

use std::collections::{BTreeMap, HashSet};

use tagwatch_core::issue::IssueClass;
use tagwatch_core::outcome::{Outcome, Severity};

use super::WorkloadIssues;

/// The workloads' findings within the cap on series.
pub(super) struct Kept<'a> {
    /// With series of their own, in the order of the series.
    pub(super) findings: Vec<WorkloadIssues<'a>>,
    /// The rest, summed up.
    pub(super) other: Other<'a>,
}

/// What is summed up, by namespace and rule: one of the findings each, with the extent of all. Without a namespace
/// where that would be too many sums.
pub(super) type Other<'a> = BTreeMap<Group<'a>, WorkloadIssues<'a>>;
type Group<'a> = (Option<&'a str>, IssueClass);
/// What is summed up with what.
type Grain = for<'f, 'a> fn(&'f WorkloadIssues<'a>) -> Group<'a>;
/// A finding with its place in the order of the series.
type Placed<'a> = (usize, WorkloadIssues<'a>);

/// Keeps the worst findings, so many that they and the sums of the rest are at most `room`. Fails come before errors,
/// errors before warnings, then severity counts, then age, then the order of the series: nothing of it changes from
/// scrape to scrape, and so neither does what is kept.
///
/// The rest is summed up by namespace and rule, unless these sums would take more than half of the room: then by rule
/// alone, for a sum says less than a finding. Even those may be more than there is room for where it is for a
/// handful; they are shown all the same, for otherwise something would be hidden.
pub(super) fn keep_the_worst(findings: Vec<WorkloadIssues<'_>>, room: usize) -> Kept<'_> {
    if findings.len() <= room {
        return Kept { findings, other: Other::new() };
    }
    let mut named: Vec<Placed<'_>> = findings.into_iter().enumerate().collect();
    named.sort_unstable_by_key(|(place, finding)| (rank(finding), *place));
    let (by_namespace, by_rule): (Grain, Grain) = (
        |finding| (Some(finding.key.namespace()), finding.group.class),
        |finding| (None, finding.group.class),
    );
    let (grain, fitting) = match how_many_fit(&named, room, by_namespace) {
        Some(fitting) if fitting * 2 >= room => (by_namespace, Some(fitting)),
        _ => (by_rule, how_many_fit(&named, room, by_rule)),
    };
    let rest = named.split_off(fitting.unwrap_or(0));
    let mut groups: BTreeMap<Group<'_>, Vec<Placed<'_>>> = BTreeMap::new();
    for placed in rest {
        groups.entry(grain(&placed.1)).or_default().push(placed);
    }
    let mut other = Other::new();
    for (group, findings) in groups {
        match *findings {
            // Its name takes no more room than a sum of it alone.
            [alone] if fitting.is_some() => named.push(alone),
            _ => other.extend(sum(&findings).map(|sum| (group, sum))),
        }
    }
    named.sort_unstable_by_key(|(place, _)| *place);
    Kept { findings: named.into_iter().map(|(_, finding)| finding).collect(), other }
}

/// How many of the worst have room beside the sums of the rest; nothing where the sums alone have none.
fn how_many_fit(ranked: &[Placed<'_>], room: usize, grain: Grain) -> Option<usize> {
    let mut groups = HashSet::new();
    (0..ranked.len()).rev().find(|worst| {
        groups.insert(grain(&ranked[*worst].1));
        worst + groups.len() <= room
    })
}

fn sum<'a>(findings: &[Placed<'a>]) -> Option<WorkloadIssues<'a>> {
    findings.iter().map(|(_, finding)| *finding).reduce(|mut sum, finding| {
        sum.group.add(&finding.group);
        sum
    })
}

/// The smaller, the worse.
fn rank(finding: &WorkloadIssues<'_>) -> (Outcome, Severity, i64) {
    let IssueClass { outcome, severity, .. } = finding.group.class;
    (outcome, severity, finding.group.since)
}
