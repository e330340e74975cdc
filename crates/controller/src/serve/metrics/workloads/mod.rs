//! The series that name a workload: by far the most of them, so they are written straight from the states
//! of workloads, and bounded.

mod cap;

use std::fmt::Write as _;
use std::sync::Arc;

use parking_lot::Mutex;
use tagwatch_core::issue::{IssueClass, IssueGroup};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::metric_label;
use tagwatch_index::WorkloadKey;

use super::text::{header, quoted};
use crate::state::metrics::MetricDescription;
use crate::state::{EngineHandle, StatesSnapshot, WorkloadState, WorkloadStates};
use cap::{Kept, keep_the_worst};

/// Labels of every series of a violation. A warning has the same but the last: its result is always the same.
const LABELS: [&str; 6] = ["namespace", "kind", "workload", "rule", "severity", "result"];
const LABELS_OF_WARNINGS: &[&str] = LABELS.split_at(LABELS.len() - 1).0;
const SINCE: &str = "Unix time at which it was first seen, the earliest of the workload's containers.";
/// The metrics of one class of findings: name and help of their number, and of their start.
struct FindingMetrics {
    count: (&'static str, &'static str),
    start: (&'static str, &'static str),
    labels: &'static [&'static str],
    holds: fn(Outcome) -> bool,
}
const METRICS: [FindingMetrics; 2] = [
    FindingMetrics {
        count: (
            "tagwatch_workload_violations",
            "Current violations of a workload: containers in which the rule fails, or could check nothing.",
        ),
        start: ("tagwatch_workload_violation_start_time_seconds", SINCE),
        labels: &LABELS,
        holds: Outcome::is_violation,
    },
    FindingMetrics {
        count: (
            "tagwatch_workload_warnings",
            "Current warnings of a workload: containers in which the rule warns.",
        ),
        start: ("tagwatch_workload_warning_start_time_seconds", SINCE),
        labels: LABELS_OF_WARNINGS,
        holds: |outcome| outcome == Outcome::Warn,
    },
];
/// Gauges of the series themselves.
const USAGE: [(&str, &str); 3] = [
    ("tagwatch_metrics_series", "Series that name a workload, or _other."),
    ("tagwatch_metrics_series_cap", "How many series may name a workload (--workload-series-cap)."),
    ("tagwatch_metrics_series_over_cap", "Series over the cap, which are counted under workload=\"_other\"."),
];
/// Workload and kind of what is over the cap, and namespace of a sum over all: no object can be called so.
const OTHER: &str = "_other";
/// Series of one finding: how many containers, and since when.
const SERIES_PER_FINDING: usize = 2;

/// Writes `tagwatch_workload_violations` and `tagwatch_workload_warnings` with their start times. Clones share the states.
#[derive(Clone)]
pub(crate) struct WorkloadSeries {
    states: Arc<Mutex<WorkloadStates>>,
    engine: Arc<EngineHandle>,
    cap: usize,
}

/// One finding of one workload, borrowed from the states.
#[derive(Debug, Clone, Copy)]
struct WorkloadIssues<'a> {
    key: &'a WorkloadKey,
    state: &'a WorkloadState,
    group: IssueGroup,
}

impl<'a> WorkloadIssues<'a> {
    /// What the labels of its series are made of, in their order.
    fn series(&self) -> (&'a str, &'a str, &'a str, &'a str, IssueClass) {
        let key = self.key;
        (key.namespace(), key.kind(), key.group(), key.name(), self.group.class)
    }
}

impl WorkloadSeries {
    pub(crate) fn new(states: Arc<Mutex<WorkloadStates>>, engine: Arc<EngineHandle>, cap: usize) -> Self {
        Self { states, engine, cap }
    }

    /// What the documentation says of them.
    pub(super) fn describe() -> Vec<MetricDescription> {
        let gauge = |(name, help): (&str, &str), labels: &[&str]| MetricDescription {
            name: name.to_owned(),
            kind: "gauge",
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            help: help.to_owned(),
        };
        let of_workloads = METRICS
            .iter()
            .flat_map(|metrics| [metrics.count, metrics.start].map(|one| gauge(one, metrics.labels)));
        of_workloads.chain(USAGE.map(|metric| gauge(metric, &[]))).collect()
    }

    /// Appends them in the Prometheus text format. Every series carries the policy's metric labels behind its own.
    pub(super) fn write(&self, text: &mut String) {
        let engine = self.engine.current();
        let states = self.states.lock().snapshot();
        let findings = findings(&states);
        let all = findings.len();
        let Kept { findings, other } = keep_the_worst(findings, self.cap / SERIES_PER_FINDING);
        let over = all - findings.len();
        let mut series = Series::new(engine.policy().metric_labels(), findings.len() + other.len());
        for finding in &findings {
            series.workload(finding);
        }
        for ((namespace, _), sum) in &other {
            series.other(*namespace, sum);
        }
        series.write(text);
        let used = series.ends.len() * SERIES_PER_FINDING;
        for ((name, help), value) in USAGE.into_iter().zip([used, self.cap, over * SERIES_PER_FINDING]) {
            header(text, name, help);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} {value}");
        }
    }
}

/// Every finding, in the order of its series.
fn findings(states: &StatesSnapshot) -> Vec<WorkloadIssues<'_>> {
    let mut findings: Vec<WorkloadIssues<'_>> = Vec::new();
    for (key, state) in states.iter() {
        let open = state.issues.iter().filter(|group| group.class.outcome.is_open());
        findings.extend(open.map(|group| WorkloadIssues { key, state, group: *group }));
    }
    findings.sort_unstable_by(|a, b| a.series().cmp(&b.series()));
    // Two objects share a series for a moment: one that was deleted, and one that was created under its name.
    findings.dedup_by(|later, earlier| {
        let same = later.series() == earlier.series();
        if same {
            earlier.group.add(&later.group);
        }
        same
    });
    findings
}

/// Label sets, each written once for both metrics, with their values.
struct Series<'a> {
    /// The further labels: of the namespace, and of the series.
    further: Vec<(&'a str, String)>,
    labels: String,
    /// Where a label set ends, and its values.
    ends: Vec<(usize, IssueGroup)>,
    /// The labels of the workload that was written last: its next findings follow.
    workload: (String, Option<WorkloadKey>),
}

impl<'a> Series<'a> {
    fn new(further: &'a [String], findings: usize) -> Self {
        Self {
            further: further.iter().map(|label| (label.as_str(), metric_label(label))).collect(),
            labels: String::with_capacity(findings * 128),
            ends: Vec::with_capacity(findings),
            workload: (String::new(), None),
        }
    }

    fn workload(&mut self, finding: &WorkloadIssues<'_>) {
        let (labels, last) = &mut self.workload;
        if last.as_ref() != Some(finding.key) {
            labels.clear();
            let [namespace, kind, workload, ..] = LABELS;
            quoted(labels, namespace, finding.key.namespace());
            quoted(labels, kind, &finding.key.kind_and_group());
            quoted(labels, workload, finding.key.name());
            *last = Some(finding.key.clone());
        }
        self.labels.push_str(labels);
        self.finish(finding, Some(finding.state));
    }

    /// A sum of one namespace, or over all.
    fn other(&mut self, of_namespace: Option<&str>, sum: &WorkloadIssues<'_>) {
        let [namespace, kind, workload, ..] = LABELS;
        for (label, value) in [(namespace, of_namespace.unwrap_or(OTHER)), (kind, OTHER), (workload, OTHER)] {
            quoted(&mut self.labels, label, value);
        }
        self.finish(sum, of_namespace.map(|_| sum.state));
    }

    /// The labels behind the workload's: what was found, and what the namespace is labelled with, where it is of one.
    fn finish(&mut self, finding: &WorkloadIssues<'_>, labelled: Option<&WorkloadState>) {
        let IssueClass { rule, severity, outcome } = finding.group.class;
        let [.., rule_label, severity_label, result_label] = LABELS;
        quoted(&mut self.labels, rule_label, rule.id);
        quoted(&mut self.labels, severity_label, severity.as_str());
        if outcome.is_violation() {
            quoted(&mut self.labels, result_label, outcome.as_str());
        }
        for (of_namespace, label) in &self.further {
            let value = labelled.and_then(|state| state.namespace_label(of_namespace)).unwrap_or_default();
            quoted(&mut self.labels, label, value);
        }
        self.ends.push((self.labels.len(), finding.group));
    }

    fn write(&self, text: &mut String) {
        let names = METRICS.map(|metrics| metrics.count.0.len().max(metrics.start.0.len())).into_iter().max();
        text.reserve(2 * (self.labels.len() + (names.unwrap_or_default() + 16) * self.ends.len()));
        for FindingMetrics { count, start, holds, .. } in METRICS {
            self.write_metric(text, count, holds, |group| i64::from(group.containers));
            self.write_metric(text, start, holds, |group| group.since.max(0));
        }
    }

    fn write_metric(
        &self,
        text: &mut String,
        (name, help): (&str, &str),
        holds: fn(Outcome) -> bool,
        value: fn(&IssueGroup) -> i64,
    ) {
        header(text, name, help);
        let mut begin = 0;
        for (end, group) in &self.ends {
            // The labels end in a comma, which the format allows and other exporters leave out.
            let labels = self.labels[begin..*end].trim_end_matches(',');
            if holds(group.class.outcome) {
                let _ = writeln!(text, "{name}{{{labels}}} {}", value(group));
            }
            begin = *end;
        }
    }
}

#[cfg(test)]
mod tests;
