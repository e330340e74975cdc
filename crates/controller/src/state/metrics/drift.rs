//! Counters and gauges of what really runs.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts};
use tagwatch_core::drift::DriftConfidence;

use super::Metrics;

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
            moved: metrics.add_of_objects(IntGaugeVec::new(moved, &["confidence"])?)?,
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
