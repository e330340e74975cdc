//! Gauges of what is found, made from the live verdicts at scrape time.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::policy::metric_label;
use tagwatch_core::text::UntrustedText;

use super::family::{Family, Samples, as_float};
use crate::judging::Judging;
use crate::live::LiveVerdicts;

/// Collects `tagwatch_violations`, `tagwatch_workloads` and `tagwatch_images`, which count by namespace. Cloning shares
/// the verdicts.
#[derive(Clone)]
pub(crate) struct FindingsCollector {
    live: Arc<Mutex<LiveVerdicts>>,
    judging: Arc<Judging>,
    descriptions: Vec<Desc>,
}

const VIOLATIONS: Family = Family {
    name: "tagwatch_violations",
    help: "Current findings by result (fail, error, warn).",
    labels: &["namespace", "policy", "rule", "severity", "result"],
};
const WORKLOADS: Family = Family {
    name: "tagwatch_workloads",
    help: "Judged workloads by status (violating, error, exempt, compliant).",
    labels: &["namespace", "kind", "status"],
};
const IMAGES: Family = Family {
    name: "tagwatch_images",
    help: "Judged containers by tag class and effective pull policy.",
    labels: &["namespace", "tag_class", "pull_policy"],
};

const FAMILIES: [Family; 3] = [VIOLATIONS, WORKLOADS, IMAGES];

impl FindingsCollector {
    pub(crate) fn new(live: Arc<Mutex<LiveVerdicts>>, judging: Arc<Judging>) -> prometheus::Result<Self> {
        let descriptions = FAMILIES.iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { live, judging, descriptions })
    }

    /// Every series carries the policy's metric labels behind its own.
    fn samples(&self, metric_labels: &[String]) -> [Samples; 3] {
        let live = self.live.lock();
        let [mut violations, mut workloads, mut images] = [const { Samples::new() }; 3];
        for (key, judged) in live.iter() {
            let namespace = label(key.namespace());
            let kind = key.kind_and_group();
            let further = || {
                metric_labels.iter().map(|name| judged.namespace_label(name).map(label).unwrap_or_default())
            };
            let with = |own: Vec<String>| own.into_iter().chain(further()).collect::<Vec<_>>();
            *workloads
                .entry(with(vec![namespace.clone(), kind, judged.status.as_str().to_owned()]))
                .or_default() += 1.0;
            for ((tag_class, pull_policy), count) in &judged.images {
                *images
                    .entry(with(vec![namespace.clone(), (*tag_class).to_owned(), (*pull_policy).to_owned()]))
                    .or_default() += as_float(*count);
            }
            for (violation, extent) in
                judged.violations.iter().filter(|(violation, _)| violation.result != "skip")
            {
                let [policy, rule, severity, result] =
                    [violation.policy, violation.rule, violation.severity, violation.result]
                        .map(str::to_owned);
                let of_namespace = with(vec![namespace.clone(), policy, rule, severity, result]);
                *violations.entry(of_namespace).or_default() += as_float(extent.containers);
            }
        }
        [violations, workloads, images]
    }
}

impl Collector for FindingsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let engine = self.judging.engine();
        let metric_labels = engine.policy().metric_labels();
        let names: Vec<String> = metric_labels.iter().map(|label| metric_label(label)).collect();
        let samples = self.samples(metric_labels);
        FAMILIES.iter().zip(samples).map(|(family, samples)| family.fill(&names, samples)).collect()
    }
}

fn label(text: &str) -> String {
    UntrustedText::from(text).label()
}
