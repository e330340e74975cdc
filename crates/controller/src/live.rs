//! The verdicts as they stand, by workload: what `/metrics` counts, and when each result was first seen.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::finding::Verdict;
use tagwatch_k8s::report::{FirstSeen, PolicyReport};

use crate::index::WorkloadKey;
use crate::report::ReportKey;

/// Whether a workload is fine, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// At least one fail.
    Violating,
    /// No fail, and something that could not be judged.
    Error,
    /// Neither; a warning alone is compliant.
    Compliant,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Violating => "violating",
            Self::Error => "error",
            Self::Compliant => "compliant",
        }
    }
}

/// Rule, its policy, severity and result: the labels of a violation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) policy: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) result: &'static str,
}

/// How many containers share a violation, and since when the first of them does, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) containers: u64,
    pub(crate) since: i64,
}

/// What is known of one judged workload.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) report: ReportKey,
    pub(crate) status: Status,
    /// In order. Of these there is one list for every workload, and most are short: a map would take several
    /// times the memory.
    pub(crate) violations: Box<[(Violation, Extent)]>,
    /// Containers by tag class and effective pull policy, in order.
    pub(crate) images: Box<[((&'static str, &'static str), u64)]>,
    pub(crate) first_seen: FirstSeen,
}

impl Judged {
    /// Sums up the verdicts on a workload; times come from the report that was built of them.
    pub(crate) fn new(key: ReportKey, verdicts: &[Verdict], report: &PolicyReport, now: Timestamp) -> Self {
        let mut images: BTreeMap<_, u64> = BTreeMap::new();
        for verdict in verdicts {
            let labels = (verdict.classification.class.as_str(), verdict.effective_pull_policy.as_str());
            *images.entry(labels).or_default() += 1;
        }
        let violations = violations(verdicts, report, now);
        let status = violations.keys().map(|violation| status_of(violation.result)).min();
        Self {
            report: key,
            status: status.unwrap_or(Status::Compliant),
            violations: violations.into_iter().collect(),
            images: images.into_iter().collect(),
            first_seen: FirstSeen::of(report),
        }
    }

    /// A workload on which the judging code failed: counted as an error, with whatever report it had.
    pub(crate) fn failed(key: ReportKey, first_seen: FirstSeen) -> Self {
        Self {
            report: key,
            status: Status::Error,
            violations: Box::default(),
            images: Box::default(),
            first_seen,
        }
    }
}

fn status_of(result: &str) -> Status {
    match result {
        "fail" => Status::Violating,
        "error" => Status::Error,
        _ => Status::Compliant,
    }
}

/// Fails, errors and warnings: counts from the verdicts, which are complete, start times from the report. A
/// violation that found no room in the report is as old as this evaluation.
fn violations(verdicts: &[Verdict], report: &PolicyReport, now: Timestamp) -> BTreeMap<Violation, Extent> {
    let mut violations: BTreeMap<Violation, Extent> = BTreeMap::new();
    for finding in verdicts.iter().flat_map(|verdict| &verdict.findings) {
        let result = finding.outcome.as_str();
        if matches!(result, "pass" | "skip") {
            continue;
        }
        let violation = Violation {
            policy: finding.rule.policy.as_str(),
            rule: finding.rule.id,
            severity: finding.severity.as_str(),
            result,
        };
        violations.entry(violation).or_insert(Extent { containers: 0, since: now.as_second() }).containers +=
            1;
    }
    for result in report.results.iter().flatten() {
        let Some(timestamp) = result.timestamp else { continue };
        for (violation, extent) in &mut violations {
            if result.rule.as_deref() == Some(violation.rule)
                && result.severity.as_deref() == Some(violation.severity)
                && result.result.as_deref() == Some(violation.result)
            {
                extent.since = extent.since.min(timestamp.seconds);
            }
        }
    }
    violations
}

/// Every judged workload.
#[derive(Debug, Default)]
pub(crate) struct LiveVerdicts {
    workloads: HashMap<WorkloadKey, Judged>,
    reports: HashMap<ReportKey, WorkloadKey>,
}

impl LiveVerdicts {
    pub(crate) fn insert(&mut self, key: WorkloadKey, judged: Judged) {
        self.reports.insert(judged.report.clone(), key.clone());
        self.workloads.insert(key, judged);
    }

    pub(crate) fn remove(&mut self, key: &WorkloadKey) {
        if let Some(judged) = self.workloads.remove(key) {
            self.reports.remove(&judged.report);
        }
    }

    pub(crate) fn get(&self, key: &WorkloadKey) -> Option<&Judged> {
        self.workloads.get(key)
    }

    /// Whose report it is, if the report is wanted.
    pub(crate) fn workload_of(&self, report: &ReportKey) -> Option<&WorkloadKey> {
        self.reports.get(report)
    }

    /// Every workload with what is known of it, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&WorkloadKey, &Judged)> {
        let mut all: Vec<_> = self.workloads.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter()
    }
}
