//! What is missing in the cluster, or not as it should be.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::fair::in_turn;
use tagwatch_k8s::report::ReportFailure;

use super::PolicyStatusWriter;
use super::status::Problem;
use crate::publish::strays::{NamedReports, StrayReports};
use crate::state::{FailingWatch, ReportIndex};

/// Watches, namespaces or kinds that a message names; the others are counted.
const NAMED: usize = 20;

impl PolicyStatusWriter {
    /// Every problem but the policy's own mistakes.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.status.namespaces_forbidden() {
            problems.push(Problem {
                reason: "NamespacesForbidden",
                message: "there is no right to list and watch namespaces: their labels and annotations do not count, \
                          nor do annotations that the policy allows by namespaceSelector"
                    .to_owned(),
            });
        }
        if self.metrics.report_api_available.get() == 0 {
            problems.push(Problem {
                reason: "ReportApiAbsent",
                message: "policyreports.wgpolicyk8s.io/v1alpha2 is not served: no report can be written"
                    .to_owned(),
            });
        }
        let strays = StrayReports::find(&self.reports, &self.states);
        let (unassigned, of_others) = (strays.unassigned_text(), strays.of_others_text());
        problems.extend(not_written(self.unwritten.lock().reported(), of_others.is_some()));
        let forbidden = self.custom.forbidden();
        if !forbidden.is_empty() {
            let kinds: Vec<String> = forbidden.iter().take(NAMED).cloned().collect();
            problems.push(Problem {
                reason: "CustomKindsForbidden",
                message: format!(
                    "there is no right to list and watch {}: of them only pods are judged",
                    listed(&kinds, forbidden.len())
                ),
            });
        }
        problems.extend(failing(&self.watches.failing(), &self.watches.lost()));
        problems.extend(contested(&self.reports.lock()));
        let named = [("StrayReports", unassigned), ("ReportsOfAnotherInstance", of_others)];
        problems.extend(
            named.into_iter().filter_map(|(reason, message)| Some(Problem { reason, message: message? })),
        );
        problems
    }

    /// Kinds whose templates are not judged, as `Kind.group`: they are not watched, their template paths lead to no
    /// template, or the policy declares a kind that the API server does not serve.
    pub(super) fn not_covered(&self) -> Vec<String> {
        let mut kinds = self.index.lock().uncovered_kinds();
        kinds.extend(self.custom.unserved());
        kinds.into_iter().collect()
    }
}

/// Watches that fail, and namespaces that are left out. Those of all namespaces come first, and then each namespace has its
/// turn: so many are named that the other problems have room in the message.
fn failing(watches: &BTreeSet<FailingWatch>, lost: &[Box<str>]) -> Option<Problem> {
    if watches.is_empty() {
        return None;
    }
    let mut by_scope: BTreeMap<Option<&str>, Vec<&FailingWatch>> = BTreeMap::new();
    for watch in watches {
        by_scope.entry(watch.scope.as_deref()).or_default().push(watch);
    }
    let of_all = by_scope.remove(&None).unwrap_or_default();
    let named = of_all.into_iter().chain(in_turn(by_scope.into_values())).take(NAMED);
    let named: Vec<String> = named.map(|watch| format!("{} ({})", watch.name(), watch.reason)).collect();
    let lost = match lost {
        [] => String::new(),
        lost => format!(
            "the namespaces {} are left out until tagwatch may watch them: their workloads are not judged, and their \
             reports stay as they are; ",
            listed(&lost[..lost.len().min(NAMED)], lost.len())
        ),
    };
    let message = format!("{lost}what happens to these is not seen: {}", listed(&named, watches.len()));
    Some(Problem { reason: "WatchesFailing", message })
}

/// The first of them, and how many more there are.
fn listed(named: &[impl AsRef<str>], all: usize) -> String {
    let list = named.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match all - named.len() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// Another client changes, removes or makes reports that are ours by their labels.
fn contested(reports: &ReportIndex) -> Option<Problem> {
    let (changed, returned) = (reports.contested().len(), reports.returned());
    let changed = (changed > 0).then(|| {
        format!(
            "another client keeps changing or removing {changed} of our reports: each is restored once in ten seconds"
        )
    });
    let returned = (!returned.is_empty()).then(|| {
        format!(
            "another client made {} of our reports anew that nothing wants here, and that were removed: probably another \
             installation has the same name (--instance); each is removed once in an hour: {}",
            returned.len(),
            NamedReports::of(returned)
        )
    });
    let messages: Vec<String> = changed.into_iter().chain(returned).collect();
    (!messages.is_empty()).then(|| Problem { reason: "ReportsContested", message: messages.join("; ") })
}

/// Why reports are not stored. Without numbers and namespaces, which would change the condition with each workload.
/// Reports of other instances have a problem of their own, which names them.
fn not_written(failures: &BTreeSet<ReportFailure>, are_others_named: bool) -> Option<Problem> {
    let failures =
        failures.iter().filter(|&&failure| failure != ReportFailure::NameTaken || !are_others_named);
    let words: Vec<&str> = failures.map(|failure| failure.words()).collect();
    (!words.is_empty()).then(|| Problem {
        reason: "ReportsNotWritten",
        message: format!("reports cannot be written: {}", words.join("; ")),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::state::{Need, WatchRegistry};

    #[test]
    fn what_another_problem_names_is_not_said_twice() {
        let failures = [ReportFailure::Forbidden, ReportFailure::NameTaken].into();
        let said = |are_others_named| not_written(&failures, are_others_named).map(|problem| problem.message);
        let forbidden = "reports cannot be written: tagwatch has no right to read or write them";
        assert_eq!(said(true).as_deref(), Some(forbidden));
        let both = format!(
            "{forbidden}; another instance of tagwatch, or another program, has reports of these names"
        );
        assert_eq!(said(false), Some(both));
        assert_eq!(not_written(&[ReportFailure::NameTaken].into(), true), None);
        assert_eq!(not_written(&BTreeSet::new(), false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watches_of_one_namespace_leave_those_of_others_in_sight() {
        let registry = WatchRegistry::new(Arc::default());
        let of = |scope: Option<&'static str>, count: usize| (0..count).map(move |number| (scope, number));
        let refused: Vec<_> = of(Some("blue"), 30).chain(of(Some("red"), 1)).chain(of(None, 1)).collect();
        let watches = refused.iter().map(|(scope, number)| {
            let watch = registry.begin(&format!("kind{number:02}").into(), *scope, Need::Required);
            registry.mark_forbidden(&watch, "forbidden");
            watch
        });
        let _watches: Vec<_> = watches.collect();
        tokio::time::advance(Duration::from_mins(1)).await;
        registry.review();
        let lost: Vec<Box<str>> = (0..22).map(|number| format!("lost-{number:02}").into()).collect();
        let message = failing(&registry.failing(), &lost).unwrap().message;
        let seen =
            "kind00 (forbidden), kind00 in blue (forbidden), kind00 in red (forbidden), kind01 in blue";
        assert!(message.contains(&format!("what happens to these is not seen: {seen}")), "{message}");
        assert!(message.ends_with(" and 12 more"), "{message}");
        assert!(message.contains("lost-19 and 2 more are left out"), "{message}");
        assert_eq!(failing(&BTreeSet::new(), &[]), None);
    }
}
