//! What is missing in the cluster, or not as it should be.

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
            problems.push(Problem {
                reason: "WatchesFailing",
                message: format!("what happens to these is not seen: {}", watches.join(", ")),
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
        let strays = StrayReports::find(&self.reports, &self.states);
        let named = [
            ("StrayReports", strays.unassigned_text()),
            ("ReportsOfAnotherInstance", strays.of_others_text()),
        ];
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
