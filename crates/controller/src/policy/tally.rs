//! Sums over all judged workloads: what the status of the policy and the metrics say of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::civil::Date;
use tagwatch_core::exemption::AnnotationLevel;
use tagwatch_core::policy::{ExemptionProblem, Policy};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::tag_policy::{ExemptionCounts, ExemptionRemark, ResultCounts, RuleCounts, WorkloadCounts};

use crate::live::{Judged, LiveVerdicts, Status};
use tagwatch_index::WorkloadKey;

/// Exemptions that exempt nothing and are named one by one; all of them are counted.
const MAX_REMARKS: usize = 20;

/// Sums over all judged workloads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) workloads: WorkloadCounts,
    pub(crate) results: ResultCounts,
    pub(crate) rules: Vec<RuleCounts>,
    pub(crate) exemptions: ExemptionCounts,
}

impl Tally {
    /// Sums up what is judged now, by this policy, on this day.
    pub(crate) fn of(live: &LiveVerdicts, policy: &Policy, today: Option<Date>) -> Self {
        let mut tally = Self::default();
        let mut rules: BTreeMap<(&str, &str), RuleCounts> = BTreeMap::new();
        let mut exemptions = Exemptions::default();
        for (key, judged) in live.iter() {
            tally.count_workload(judged.status);
            tally.results.pass += i64::from(judged.passes);
            for (violation, extent) in &judged.violations {
                let of_rule =
                    rules.entry((violation.rule, violation.severity)).or_insert_with(|| RuleCounts {
                        rule: violation.rule.to_owned(),
                        severity: violation.severity.to_owned(),
                        ..RuleCounts::default()
                    });
                let containers = i64::try_from(extent.containers).unwrap_or(i64::MAX);
                count(&mut tally.results, of_rule, violation.result, containers);
            }
            exemptions.add(key, judged);
        }
        tally.rules = rules.into_values().collect();
        tally.exemptions = exemptions.count(policy, today);
        tally
    }

    fn count_workload(&mut self, status: Status) {
        self.workloads.total += 1;
        let counter = match status {
            Status::Violating => &mut self.workloads.violating,
            Status::Error => &mut self.workloads.error,
            Status::Exempt => &mut self.workloads.exempt,
            Status::Compliant => &mut self.workloads.compliant,
        };
        *counter += 1;
    }
}

/// Counts results of one kind in all and by rule.
fn count(all: &mut ResultCounts, of_rule: &mut RuleCounts, result: &str, containers: i64) {
    let counters = match result {
        "fail" => [&mut all.fail, &mut of_rule.fail],
        "error" => [&mut all.error, &mut of_rule.error],
        "warn" => [&mut all.warn, &mut of_rule.warn],
        "skip" => [&mut all.skip, &mut of_rule.skip],
        _ => return,
    };
    for counter in counters {
        *counter += containers;
    }
}

/// What came of the exemptions in all workloads.
#[derive(Debug, Default)]
struct Exemptions {
    used: BTreeSet<usize>,
    /// Annotations that exempt something, by place.
    active: BTreeSet<String>,
    remarks: BTreeSet<ExemptionRemark>,
    /// Workloads of each namespace, and how many of them have no use for an entry of the namespace's annotation.
    workloads: BTreeMap<String, usize>,
    unused_in: BTreeMap<ExemptionRemark, (String, usize)>,
}

impl Exemptions {
    fn add(&mut self, key: &WorkloadKey, judged: &Judged) {
        *self.workloads.entry(key.namespace().to_owned()).or_default() += 1;
        let Some(exempting) = &judged.exempting else { return };
        self.used.extend(exempting.used.iter().copied());
        self.active.extend(exempting.annotations.iter().map(|level| place(*level, key)));
        for remark in &exempting.remarks {
            let told = ExemptionRemark {
                place: place(remark.level, key),
                state: state(remark.problem).to_owned(),
                message: remark.message.clone(),
            };
            if (remark.level, remark.problem) == (AnnotationLevel::Namespace, ExemptionProblem::Unused) {
                let (_, workloads) =
                    self.unused_in.entry(told).or_insert_with(|| (key.namespace().to_owned(), 0));
                *workloads += 1;
            } else {
                self.remarks.insert(told);
            }
        }
    }

    fn count(mut self, policy: &Policy, today: Option<Date>) -> ExemptionCounts {
        // What a namespace's annotation says is of no use when no workload in it has a use for it.
        for (remark, (namespace, workloads)) in std::mem::take(&mut self.unused_in) {
            if self.workloads.get(&namespace) == Some(&workloads) {
                self.remarks.insert(remark);
            }
        }
        let mut active = self.active.len();
        for (index, exemption) in policy.exemptions().iter().enumerate() {
            let is_over = today.is_some_and(|today| !exemption.is_active(today));
            let (state, message) = match exemption.expires {
                Some(last) if is_over => (ExemptionProblem::Expired, format!("its last day was {last}")),
                _ if self.used.contains(&index) => {
                    active += 1;
                    continue;
                }
                _ => (ExemptionProblem::Unused, "it exempts nothing".to_owned()),
            };
            let reason = exemption.reason.terminal();
            self.remarks.insert(ExemptionRemark {
                place: format!("spec.exemptions[{index}]"),
                state: self::state(state).to_owned(),
                message: format!("\"{reason}\": {message}"),
            });
        }
        let count = |problem| {
            let of_state = self.remarks.iter().filter(|remark| remark.state == state(problem));
            i64::try_from(of_state.count()).unwrap_or(i64::MAX)
        };
        ExemptionCounts {
            active: i64::try_from(active).unwrap_or(i64::MAX),
            expired: count(ExemptionProblem::Expired),
            unused: count(ExemptionProblem::Unused),
            not_honoured: count(ExemptionProblem::NotHonoured),
            remarks: self.remarks.into_iter().take(MAX_REMARKS).collect(),
        }
    }
}

fn state(problem: ExemptionProblem) -> &'static str {
    match problem {
        ExemptionProblem::Expired => "expired",
        ExemptionProblem::Unused => "unused",
        // The second is never said of what lives in a cluster.
        ExemptionProblem::NotHonoured | ExemptionProblem::Undecided => "notHonoured",
    }
}

/// Where an annotation stands, safe for a terminal.
fn place(level: AnnotationLevel, key: &WorkloadKey) -> String {
    let [namespace, kind, name] =
        [key.namespace(), key.kind(), key.name()].map(|text| UntrustedText::from(text).terminal());
    match level {
        AnnotationLevel::Workload => format!("{kind} {namespace}/{name}"),
        AnnotationLevel::Template => format!("pod template of {kind} {namespace}/{name}"),
        AnnotationLevel::Namespace => format!("Namespace {namespace}"),
    }
}
