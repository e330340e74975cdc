//! Gauges of what is found, made from the live verdicts at scrape time.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Opts, core::Describer};
use tagwatch_core::text::UntrustedText;

use crate::index::WorkloadKey;
use crate::live::LiveVerdicts;

/// Collects `tagwatch_violations`, `tagwatch_workload_violations` with its start time, `tagwatch_workloads`
/// and `tagwatch_images`. Cloning shares the verdicts.
#[derive(Clone)]
pub(crate) struct FindingsCollector {
    live: Arc<Mutex<LiveVerdicts>>,
    families: Vec<Family>,
    descriptions: Vec<Desc>,
}

/// One metric family: name, help, and its labels in order.
#[derive(Debug, Clone, Copy)]
struct Family {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
}

const VIOLATIONS: Family = Family {
    name: "tagwatch_violations",
    help: "Current findings by result (fail, error, warn).",
    labels: &["namespace", "policy", "rule", "severity", "result"],
};
const WORKLOAD_LABELS: &[&str] = &["namespace", "kind", "workload", "rule", "severity", "result"];
const WORKLOAD_VIOLATIONS: Family = Family {
    name: "tagwatch_workload_violations",
    help: "Current findings of a workload: containers in which the rule fires.",
    labels: WORKLOAD_LABELS,
};
const START_TIME: Family = Family {
    name: "tagwatch_workload_violation_start_time_seconds",
    help: "Unix time at which the finding was first seen, the earliest of the workload's containers.",
    labels: WORKLOAD_LABELS,
};
const WORKLOADS: Family = Family {
    name: "tagwatch_workloads",
    help: "Judged workloads by status (violating, error, compliant).",
    labels: &["namespace", "kind", "status"],
};
const IMAGES: Family = Family {
    name: "tagwatch_images",
    help: "Judged containers by tag class and effective pull policy.",
    labels: &["namespace", "tag_class", "pull_policy"],
};

/// Values by label values.
type Samples = BTreeMap<Vec<String>, f64>;

impl FindingsCollector {
    pub(crate) fn new(live: Arc<Mutex<LiveVerdicts>>) -> prometheus::Result<Self> {
        let families = vec![VIOLATIONS, WORKLOAD_VIOLATIONS, START_TIME, WORKLOADS, IMAGES];
        let descriptions = families
            .iter()
            .map(|family| {
                let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
                Opts::new(family.name, family.help).variable_labels(labels).describe()
            })
            .collect::<prometheus::Result<_>>()?;
        Ok(Self { live, families, descriptions })
    }

    fn samples(&self) -> [Samples; 5] {
        let live = self.live.lock();
        let [mut violations, mut workload, mut start, mut workloads, mut images] =
            [const { Samples::new() }; 5];
        for (key, judged) in live.iter() {
            let namespace = label(key.namespace());
            let kind = kind_label(key);
            let name = label(key.name());
            *workloads
                .entry(vec![namespace.clone(), kind.clone(), judged.status.as_str().to_owned()])
                .or_default() += 1.0;
            for ((tag_class, pull_policy), count) in &judged.images {
                *images
                    .entry(vec![namespace.clone(), (*tag_class).to_owned(), (*pull_policy).to_owned()])
                    .or_default() += as_float(*count);
            }
            for (violation, extent) in &judged.violations {
                let [policy, rule, severity, result] =
                    [violation.policy, violation.rule, violation.severity, violation.result]
                        .map(str::to_owned);
                let of_namespace =
                    vec![namespace.clone(), policy, rule.clone(), severity.clone(), result.clone()];
                *violations.entry(of_namespace).or_default() += as_float(extent.containers);
                let of_workload = vec![namespace.clone(), kind.clone(), name.clone(), rule, severity, result];
                // Two objects can share these labels for a moment: one deleted, one created under its name.
                let since = as_float(u64::try_from(extent.since).unwrap_or(0));
                let earliest = start.entry(of_workload.clone()).or_insert(since);
                *earliest = earliest.min(since);
                *workload.entry(of_workload).or_default() += as_float(extent.containers);
            }
        }
        [violations, workload, start, workloads, images]
    }
}

impl Collector for FindingsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families.iter().zip(self.samples()).map(|(family, samples)| family.fill(samples)).collect()
    }
}

impl Family {
    fn fill(&self, samples: Samples) -> MetricFamily {
        let metrics = samples.into_iter().map(|(values, value)| {
            let labels = self.labels.iter().zip(values).map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value(value);
                pair
            });
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            let mut metric = Metric::from_label(labels.collect());
            metric.set_gauge(gauge);
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(metrics.collect());
        family
    }
}

/// `Kind`, or `Kind.group` outside the groups of the built-in workloads.
fn kind_label(key: &WorkloadKey) -> String {
    match key.group() {
        "" | "apps" | "batch" => label(key.kind()),
        group => label(&format!("{}.{group}", key.kind())),
    }
}

fn label(text: &str) -> String {
    UntrustedText::from(text).label()
}

/// Counts and Unix seconds stay far below 2^53, up to which a float is exact.
#[allow(clippy::cast_precision_loss)]
fn as_float(count: u64) -> f64 {
    count as f64
}
