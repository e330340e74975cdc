//! Gauges of what really runs.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts};
use tagwatch_core::drift::DriftConfidence;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::rules::ids;
use tagwatch_core::text::UntrustedText;

use super::Metrics;
use super::family::{Family, Samples};
use crate::live::{LiveVerdicts, Violation};

/// What is known of references and nodes. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct DriftMetrics {
    moved: IntGaugeVec,
    /// 1 while nodes are watched.
    pub(crate) nodes_available: IntGauge,
    /// Questions to registries, by outcome.
    pub(crate) registry_requests: IntCounterVec,
}

impl DriftMetrics {
    pub(super) fn register(metrics: &mut Metrics) -> prometheus::Result<Self> {
        let moved = Opts::new(
            "tagwatch_moved_tags",
            "References that ran as more than one image in the last 30 days, by confidence (likely, proven).",
        );
        let drift = Self {
            moved: metrics.add(IntGaugeVec::new(moved, &["confidence"])?)?,
            nodes_available: metrics.add(IntGauge::new(
                "tagwatch_nodes_available",
                "1 while nodes are watched, so that a moved tag can be proven, else 0.",
            )?)?,
            registry_requests: metrics.add(IntCounterVec::new(
                Opts::new(
                    "tagwatch_registry_requests_total",
                    "Questions to registries, by outcome (ok, unknown).",
                ),
                &["outcome"],
            )?)?,
        };
        drift.set_moved(0, 0);
        Ok(drift)
    }

    /// How many references moved.
    pub(crate) fn set_moved(&self, proven: usize, likely: usize) {
        for (confidence, count) in [(DriftConfidence::Proven, proven), (DriftConfidence::Likely, likely)] {
            let gauge = self.moved.with_label_values(&[confidence.as_str()]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

const MIXED: Family = Family {
    name: "tagwatch_mixed_workloads",
    help: "Workloads whose pods run different images of one reference, beyond the grace time and not exempt.",
    labels: &["namespace"],
};

/// Collects `tagwatch_mixed_workloads`. Cloning shares the verdicts.
#[derive(Clone)]
pub(crate) struct MixedCollector {
    live: Arc<Mutex<LiveVerdicts>>,
    description: Desc,
}

impl MixedCollector {
    pub(crate) fn new(live: Arc<Mutex<LiveVerdicts>>) -> prometheus::Result<Self> {
        Ok(Self { live, description: MIXED.describe()? })
    }
}

impl Collector for MixedCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples::new();
        for (key, judged) in self.live.lock().iter() {
            // What is exempt is no mixed workload to anybody who watches this.
            let is_mixed = |violation: &Violation| {
                violation.rule == ids::MIXED_DIGESTS && violation.result != Outcome::Skip.as_str()
            };
            if judged.violations.iter().any(|(violation, _)| is_mixed(violation)) {
                *samples.entry(vec![UntrustedText::from(key.namespace()).label()]).or_default() += 1.0;
            }
        }
        vec![MIXED.fill(&[], samples)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Extent, Judged, Past};
    use tagwatch_index::WorkloadKey;

    #[test]
    fn what_is_exempt_is_not_counted() {
        let live = Arc::new(Mutex::new(LiveVerdicts::default()));
        for (name, result) in [("web", "fail"), ("api", "warn"), ("known", "skip")] {
            let violation =
                Violation { policy: "image-drift", rule: "mixed-digests", severity: "critical", result };
            let mut judged = Judged::failed(("shop".to_owned(), name.to_owned()), Past::default());
            judged.violations = [(violation, Extent { containers: 1, since: 0 })].into();
            let key = WorkloadKey::new("apps/v1", "Deployment", "shop", name, format!("uid-of-{name}"));
            live.lock().insert(key, judged);
        }
        let families = MixedCollector::new(live).unwrap().collect();
        let values: Vec<f64> =
            families[0].get_metric().iter().map(|metric| metric.get_gauge().get_value()).collect();
        assert_eq!(values, [2.0]);
    }
}
