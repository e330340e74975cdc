//! What is wrong with tagwatch itself, for the banner of every page.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::ReportFailure;

use crate::text::{counted, span};

/// How long after the last evaluation of everything results count as stale, in seconds. Everything is evaluated every ten
/// minutes; the alert `TagwatchEvaluationStale` waits for as long.
const STALE: i64 = 45 * 60;

/// Names that a line lists; the rest is counted.
const MAX_NAMES: usize = 5;

/// The state of tagwatch at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Which policy applies where the one in the cluster is invalid; `None` where it is valid, or there is none.
    pub invalid_policy: Option<InvalidPolicy>,
    /// The API server does not serve policy reports.
    pub is_report_api_absent: bool,
    /// Workloads whose report is not stored as it should be, in the order of the failures.
    pub unwritten: Vec<UnwrittenInNamespace>,
    /// Reports that another client keeps changing or removing.
    pub contested_reports: usize,
    /// There is no right to list and watch namespaces.
    pub are_namespaces_forbidden: bool,
    /// Custom kinds that there is no right to list and watch, as `Kind.group`.
    pub forbidden_kinds: Vec<String>,
    /// Watches that fail.
    pub failing_watches: Vec<FailingWatch>,
    /// Another replica writes reports.
    pub is_standby: bool,
}

/// Workloads of one namespace whose report is not stored as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrittenInNamespace {
    /// Why.
    pub failure: ReportFailure,
    /// Their namespace.
    pub namespace: UntrustedText,
    /// How many there are.
    pub workloads: usize,
}

/// What applies in place of an invalid policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPolicy {
    /// The last valid spec, of this generation.
    LastGood(i64),
    /// The recommended profile: no spec was ever valid.
    Recommended,
}

/// A watch that does not follow the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingWatch {
    /// The plural name of its resource.
    pub resource: String,
    /// The namespace that it is for; `None` for all.
    pub namespace: Option<UntrustedText>,
    /// The category of the last failure.
    pub reason: &'static str,
}

/// One sentence on what is wrong, and one on what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthLine {
    pub(crate) what: String,
    pub(crate) fix: String,
}

/// What the lines depend on beside the health.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HealthContext<'a> {
    /// Name of the policy object.
    pub(crate) policy: Option<&'a UntrustedText>,
    /// When everything was last evaluated.
    pub(crate) evaluated: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl Health {
    /// The lines of the banner. Namespaces that `sees` does not admit are not named. All text is safe for a terminal.
    pub(crate) fn lines(
        &self,
        context: HealthContext<'_>,
        sees: impl Fn(&UntrustedText) -> bool,
    ) -> Vec<HealthLine> {
        let incomplete = match context.evaluated {
            Some(evaluated) => stale(evaluated, context.now),
            None => Some(not_yet_evaluated()),
        };
        let policy = self.invalid_policy.map(|instead| invalid_policy(instead, context.policy));
        let unwritten = self.unwritten(&sees);
        let others = [
            self.is_report_api_absent.then(|| HealthLine {
                what: "The API server does not serve policyreports of wgpolicyk8s.io/v1alpha2, so no report can be written."
                    .to_owned(),
                fix: "If kubectl api-resources --api-group=wgpolicyk8s.io lists nothing, install the definition: \
                      crds.install in the chart, or kubectl apply -k config/crd. Else it is that of another engine, which has \
                      to serve this version, too."
                    .to_owned(),
            }),
            (self.contested_reports > 0).then(|| HealthLine {
                what: format!(
                    "Another client keeps changing or removing {}: tagwatch restores each once in ten seconds.",
                    counted(self.contested_reports, "report")
                ),
                fix: "Find the client by the managedFields of the reports, or in the audit log.".to_owned(),
            }),
            self.are_namespaces_forbidden.then(|| HealthLine {
                what: "tagwatch may not read namespaces, so their labels and annotations do not apply."
                    .to_owned(),
                fix: "Grant list and watch on namespaces, as the ClusterRole of the chart does.".to_owned(),
            }),
            (!self.forbidden_kinds.is_empty()).then(|| HealthLine {
                what: format!(
                    "tagwatch may not read {}, so only their pods are checked.",
                    listed(self.forbidden_kinds.iter().map(String::as_str))
                ),
                fix: "Grant list and watch on them.".to_owned(),
            }),
            self.failing_watches(&sees),
            incomplete,
            self.is_standby.then(|| HealthLine {
                what:
                    "This replica is a standby: another one writes reports, and this page can lag behind it."
                        .to_owned(),
                fix: "Nothing to do: both show the same within seconds.".to_owned(),
            }),
        ];
        policy.into_iter().chain(unwritten).chain(others.into_iter().flatten()).collect()
    }

    /// One line for each failure, about the namespaces that the caller may see: what becomes of others concerns others.
    fn unwritten(&self, sees: impl Fn(&UntrustedText) -> bool) -> Vec<HealthLine> {
        let mut failures: BTreeMap<ReportFailure, (usize, Vec<&str>)> = BTreeMap::new();
        for UnwrittenInNamespace { failure, namespace, workloads } in &self.unwritten {
            // Where the API is gone, a refusal says nothing of rights: the line on the API says what is the matter.
            let is_of_absence = self.is_report_api_absent && *failure == ReportFailure::Forbidden;
            if sees(namespace) && !is_of_absence {
                let (sum, namespaces) = failures.entry(*failure).or_default();
                *sum += workloads;
                namespaces.push(namespace.raw());
            }
        }
        let line = |(failure, (workloads, namespaces)): (ReportFailure, (usize, Vec<&str>))| HealthLine {
            what: format!(
                "The reports of {} in {} cannot be written: {}.",
                counted(workloads, "workload"),
                listed(namespaces.into_iter()),
                failure.words()
            ),
            fix: fix_of(failure).to_owned(),
        };
        failures.into_iter().map(line).collect()
    }

    fn failing_watches(&self, sees: impl Fn(&UntrustedText) -> bool) -> Option<HealthLine> {
        let name = |watch: &FailingWatch| match watch.namespace.as_ref().filter(|namespace| sees(namespace)) {
            Some(namespace) => format!("{} in {} ({})", watch.resource, namespace.terminal(), watch.reason),
            None => format!("{} ({})", watch.resource, watch.reason),
        };
        let mut names: Vec<String> = self.failing_watches.iter().map(name).collect();
        names.sort();
        names.dedup();
        (!names.is_empty()).then(|| HealthLine {
            what: format!("tagwatch does not see changes of {}.", listed(names.iter().map(String::as_str))),
            fix: "Look at the log of tagwatch, and at the rights of its service account.".to_owned(),
        })
    }
}

fn invalid_policy(instead: InvalidPolicy, policy: Option<&UntrustedText>) -> HealthLine {
    let name = policy.map_or_else(|| "NAME".to_owned(), UntrustedText::terminal);
    let what = match instead {
        InvalidPolicy::LastGood(generation) => {
            format!("The policy {name} is invalid: its last valid spec applies (generation {generation}).")
        }
        InvalidPolicy::Recommended => {
            format!("The policy {name} is invalid, and never was valid: the recommended profile applies.")
        }
    };
    HealthLine { what, fix: format!("kubectl describe tagpolicy {name} says what to correct.") }
}

/// What to do where reports cannot be written.
fn fix_of(failure: ReportFailure) -> &'static str {
    match failure {
        ReportFailure::Forbidden => {
            "Grant get, create, update and delete on policyreports.wgpolicyk8s.io, as the ClusterRole of the chart does."
        }
        ReportFailure::QuotaExceeded => {
            "Raise count/policyreports.wgpolicyk8s.io in the ResourceQuota of the namespace."
        }
        ReportFailure::AdmissionDenied => {
            "Let it admit the reports of tagwatch. The log of tagwatch names the webhook or policy."
        }
        ReportFailure::Invalid => {
            "Install the definition of this version: crds.install in the chart, or kubectl apply -k config/crd. The log of \
             tagwatch says what is refused."
        }
        ReportFailure::StorageFull => {
            "Compact and defragment etcd, or raise its space quota; then disarm its alarm NOSPACE."
        }
        ReportFailure::Unavailable => "Look at the API server and at etcd. tagwatch tries again by itself.",
        ReportFailure::NameTaken => {
            "Let one installation check each namespace, or delete those reports. The log of tagwatch names them."
        }
    }
}

fn not_yet_evaluated() -> HealthLine {
    HealthLine {
        what: "tagwatch has not checked everything yet, so pages are incomplete.".to_owned(),
        fix: "This takes some seconds after a start. If it stays, /readyz says what is missing.".to_owned(),
    }
}

fn stale(evaluated: Timestamp, now: Timestamp) -> Option<HealthLine> {
    let age = now.duration_since(evaluated);
    (age >= SignedDuration::from_secs(STALE)).then(|| HealthLine {
        what: format!(
            "Results are stale: everything was last checked {} ago, and should be every ten minutes.",
            span(age.as_secs().unsigned_abs())
        ),
        fix: "Look at the log of tagwatch, its CPU limit, and tagwatch_queue_depth.".to_owned(),
    })
}

/// The first names, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<&str> = names.take(MAX_NAMES).collect();
    let shown = UntrustedText::from(shown.join(", ")).terminal();
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn lines(health: &Health, age: i64) -> Vec<String> {
        let now = Timestamp::UNIX_EPOCH + 1000.hours();
        let policy = UntrustedText::from("default");
        let context = HealthContext { policy: Some(&policy), evaluated: Some(now - age.seconds()), now };
        let sees = |namespace: &UntrustedText| namespace.raw() == "shop";
        health.lines(context, sees).into_iter().map(|line| line.what).collect()
    }

    #[test]
    fn nothing_is_said_while_nothing_is_wrong() {
        assert_eq!(lines(&Health::default(), STALE - 1), [""; 0]);
        let [stale] = &lines(&Health::default(), STALE)[..] else { panic!("one line") };
        assert!(stale.contains("45 min ago"), "{stale}");
    }

    #[test]
    fn a_watch_in_a_namespace_that_the_caller_may_not_see_does_not_name_it() {
        let watch = |namespace: &str| FailingWatch {
            resource: "pods".to_owned(),
            namespace: Some(namespace.into()),
            reason: "forbidden",
        };
        let health = Health {
            failing_watches: vec![watch("shop"), watch("secret"), watch("hidden")],
            ..Health::default()
        };
        assert_eq!(
            lines(&health, 0),
            ["tagwatch does not see changes of pods (forbidden), pods in shop (forbidden)."]
        );
    }

    #[test]
    fn reports_that_cannot_be_written_are_those_of_the_namespaces_that_the_caller_may_see() {
        let unwritten = |failure, namespace: &str, workloads| UnwrittenInNamespace {
            failure,
            namespace: namespace.into(),
            workloads,
        };
        let health = Health {
            unwritten: vec![
                unwritten(ReportFailure::Forbidden, "secret", 3),
                unwritten(ReportFailure::Forbidden, "shop", 1200),
                unwritten(ReportFailure::QuotaExceeded, "hidden", 1),
            ],
            ..Health::default()
        };
        assert_eq!(
            lines(&health, 0),
            [
                "The reports of 1200 workloads in shop cannot be written: tagwatch has no right to read or write them."
            ]
        );
        let gone = Health { is_report_api_absent: true, ..health };
        let said = lines(&gone, 0);
        let [line] = &said[..] else { panic!("one line: {said:?}") };
        assert!(line.contains("does not serve policyreports"), "no right is the matter: {line}");
    }

    #[test]
    fn before_the_first_check_of_everything_pages_say_that_they_are_incomplete() {
        let context = HealthContext { policy: None, evaluated: None, now: Timestamp::UNIX_EPOCH };
        let lines = Health::default().lines(context, |_| true);
        let [line] = &lines[..] else { panic!("one line: {lines:?}") };
        assert!(line.what.starts_with("tagwatch has not checked everything yet"), "{line:?}");
    }

    #[test]
    fn many_names_are_counted() {
        let forbidden_kinds = (0..7).map(|number| format!("Kind{number}.example.com")).collect();
        let said = lines(&Health { forbidden_kinds, ..Health::default() }, 0);
        assert!(said[0].contains("Kind4.example.com and 2 more"), "{said:?}");
    }
}
