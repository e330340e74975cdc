//! What each metric is, for the documentation.

use std::sync::Arc;

use k8s_openapi::jiff::civil::Date;
use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::proto::MetricType;
use tagwatch_client::RequestCounter;
use tagwatch_core::policy::{Policy, Profile};

use super::{ControllerMetrics, FindingsCollector, Metrics, MixedCollector, PolicyCollector, WorkloadSeries};
use crate::engine::EngineHandle;
use crate::workload_states::WorkloadStates;

/// One metric family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDescription {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels, in order.
    pub labels: Vec<String>,
    /// What it tells.
    pub help: String,
}

impl MetricDescription {
    /// The families of a collector. One without a series still names its type.
    pub(super) fn of(collector: &dyn Collector) -> Vec<Self> {
        let types: Vec<_> = collector
            .collect()
            .iter()
            .map(|family| (family.name().to_owned(), kind(family.get_field_type())))
            .collect();
        let describe = |desc: &&prometheus::core::Desc| Self {
            name: desc.fq_name.clone(),
            kind: types.iter().find(|(name, _)| *name == desc.fq_name).map_or("untyped", |(_, kind)| kind),
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        };
        collector.desc().iter().map(describe).collect()
    }
}

fn kind(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::UNTYPED => "untyped",
    }
}

/// Every metric that the controller can show, in the order of the documentation: findings first.
///
/// # Errors
/// Two metrics of one name: a bug.
pub fn metrics_reference() -> prometheus::Result<Vec<MetricDescription>> {
    let mut metrics = Metrics::default();
    let states = Arc::new(Mutex::new(WorkloadStates::default()));
    let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), Date::default()));
    metrics.add(FindingsCollector::new(Arc::clone(&states), Arc::clone(&engine))?)?;
    metrics.add_workloads(WorkloadSeries::new(Arc::clone(&states), Arc::clone(&engine), 0));
    metrics.add(PolicyCollector::new(Arc::clone(&states), engine)?)?;
    metrics.add(MixedCollector::new(states)?)?;
    metrics.add(RequestCounter::new()?.collector())?;
    ControllerMetrics::register(&mut metrics)?;
    Ok(metrics.described)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_follows_the_naming_rules_of_prometheus() {
        let reference = metrics_reference().unwrap();
        assert!(reference.len() >= 16);
        for MetricDescription { name, kind, labels, help } in reference {
            assert!(name.starts_with("tagwatch_"), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{name} is {kind}");
            assert!(help.ends_with('.'), "{name}: {help}");
            assert!(labels.iter().all(|label| label != "le" && label != "instance"), "{name}");
        }
    }
}
