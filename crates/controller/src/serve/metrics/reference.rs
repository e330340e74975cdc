//! The reference of all metrics.

use std::sync::Arc;

use k8s_openapi::jiff::civil::Date;
use parking_lot::Mutex;
use tagwatch_client::RequestCounter;
use tagwatch_core::policy::{Policy, Profile};

use super::MetricsPage;
use crate::state::metrics::{ControllerMetrics, MetricDescription, Metrics};
use crate::state::{EngineHandle, WatchCollector, WatchRegistry, WorkloadStates};

/// Every metric that the controller can show, in the order of the documentation: findings first.
///
/// # Errors
/// Two metrics of one name: a bug.
pub fn metrics_reference() -> prometheus::Result<Vec<MetricDescription>> {
    let states = Arc::new(Mutex::new(WorkloadStates::default()));
    let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), Date::default()));
    let mut page = MetricsPage::new(Metrics::default(), &states, &engine, 0)?;
    page.metrics.add(RequestCounter::new()?.collector())?;
    ControllerMetrics::register(&mut page.metrics)?;
    page.metrics.add(WatchCollector::new(WatchRegistry::new(Arc::default()))?)?;
    Ok(page.metrics.described().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_follows_the_naming_rules_of_prometheus() {
        let reference = metrics_reference().unwrap();
        assert!(reference.len() >= 16);
        for MetricDescription { name, kind, labels, help } in reference {
            // Those of the process have the names that they have in every program.
            assert!(name.starts_with("tagwatch_") || name.starts_with("process_"), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{name} is {kind}");
            assert!(help.ends_with('.'), "{name}: {help}");
            assert!(labels.iter().all(|label| label != "le" && label != "instance"), "{name}");
        }
    }
}
