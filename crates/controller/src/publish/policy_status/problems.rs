//! What is missing in the cluster, or not as it should be.

use std::collections::BTreeSet;

use tagwatch_k8s::report::ReportFailure;

use super::PolicyStatusWriter;
use super::status::Problem;
use crate::publish::strays::StrayReports;

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
            let kinds: Vec<String> = forbidden.into_iter().collect();
            problems.push(Problem {
                reason: "CustomKindsForbidden",
                message: format!(
                    "there is no right to list and watch {}: of them only pods are judged",
                    kinds.join(", ")
                ),
            });
        }
        let failing = self.watches.failing();
        if !failing.is_empty() {
            let watches: Vec<String> =
                failing.iter().map(|watch| format!("{} ({})", watch.name(), watch.reason)).collect();
            let lost = self.watches.lost();
            let lost = match lost.as_slice() {
                [] => String::new(),
                names => format!(
                    "the namespaces {} are left out until tagwatch may watch them: their workloads are not judged, and their \
                     reports stay as they are; ",
                    names.join(", ")
                ),
            };
            problems.push(Problem {
                reason: "WatchesFailing",
                message: format!("{lost}what happens to these is not seen: {}", watches.join(", ")),
            });
        }
        let contested = self.reports.lock().contested().len();
        if contested > 0 {
            problems.push(Problem {
                reason: "ReportsContested",
                message: format!(
                    "another client keeps changing or removing {contested} of our reports: each is restored once \
                     in ten seconds"
                ),
            });
        }
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
    use super::*;

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
}
