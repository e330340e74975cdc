//! Gauges of what is found, made from the states of workloads at scrape time.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::issue::IssueClass;
use tagwatch_core::policy::metric_label;
use tagwatch_core::text::UntrustedText;

use super::family::{Family, Samples};
use crate::state::{EngineHandle, WorkloadStates};

/// Collects `tagwatch_violations`, `tagwatch_workloads` and `tagwatch_images`, which count by namespace. Clones share
/// the states.
#[derive(Clone)]
pub(crate) struct FindingsCollector {
    states: Arc<Mutex<WorkloadStates>>,
    engine: Arc<EngineHandle>,
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
    pub(crate) fn new(
        states: Arc<Mutex<WorkloadStates>>,
        engine: Arc<EngineHandle>,
    ) -> prometheus::Result<Self> {
        let descriptions = FAMILIES.iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { states, engine, descriptions })
    }

    /// Every series carries the policy's metric labels behind its own.
    fn samples(&self, metric_labels: &[String]) -> [Samples; 3] {
        let states = self.states.lock().snapshot();
        let [mut violations, mut workloads, mut images] = [const { Samples::new() }; 3];
        for (key, state) in states.iter() {
            let namespace = label(key.namespace());
            let kind = key.kind_and_group();
            let further = || {
                metric_labels.iter().map(|name| state.namespace_label(name).map(label).unwrap_or_default())
            };
            let with = |own: Vec<String>| own.into_iter().chain(further()).collect::<Vec<_>>();
            *workloads
                .entry(with(vec![namespace.clone(), kind, state.status.as_str().to_owned()]))
                .or_default() += 1.0;
            for (tag_class, pull_policy, count) in &state.images {
                let [class, policy] = [tag_class.as_str(), pull_policy.as_str()].map(str::to_owned);
                *images.entry(with(vec![namespace.clone(), class, policy])).or_default() += f64::from(*count);
            }
            for group in state.issues.iter().filter(|group| group.class.outcome.is_open()) {
                let IssueClass { rule, severity, outcome } = group.class;
                let [policy, rule, severity, result] =
                    [rule.group.as_str(), rule.id, severity.as_str(), outcome.as_str()].map(str::to_owned);
                let of_namespace = with(vec![namespace.clone(), policy, rule, severity, result]);
                *violations.entry(of_namespace).or_default() += f64::from(group.containers);
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
        let engine = self.engine.current();
        let metric_labels = engine.policy().metric_labels();
        let names: Vec<String> = metric_labels.iter().map(|label| metric_label(label)).collect();
        let samples = self.samples(metric_labels);
        FAMILIES.iter().zip(samples).map(|(family, samples)| family.fill(&names, samples)).collect()
    }
}

fn label(text: &str) -> String {
    UntrustedText::from(text).label()
}
