//! A gauge of a time, without a series until the time is known.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Result};

/// Unix seconds. There is no series before [`set`](Self::set): it would mean 1970. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct TimeGauge(Gauge);

impl TimeGauge {
    pub(super) fn new(name: &str, help: &str) -> Result<Self> {
        Gauge::new(name, help).map(Self)
    }

    pub(crate) fn set(&self, seconds: f64) {
        self.0.set(seconds);
    }

    /// The time, if it was set.
    pub(crate) fn get(&self) -> Option<f64> {
        Some(self.0.get()).filter(|seconds| *seconds > 0.0)
    }
}

impl Collector for TimeGauge {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc()
    }

    /// The family is there in any case: it names the type.
    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.0.collect();
        if self.get().is_none() {
            for family in &mut families {
                family.set_metric(Vec::new());
            }
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::metrics::Metrics;

    #[test]
    fn there_is_no_series_before_it_is_set() {
        let mut metrics = Metrics::default();
        let gauge = metrics.add(TimeGauge::new("tagwatch_time", "When it was.").unwrap()).unwrap();
        assert_eq!((gauge.get(), metrics.encode().unwrap()), (None, String::new()));
        gauge.set(1_700.5);
        assert_eq!(gauge.get(), Some(1_700.5));
        assert!(metrics.encode().unwrap().ends_with("\ntagwatch_time 1700.5\n"));
    }
}
