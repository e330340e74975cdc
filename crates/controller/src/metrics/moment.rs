//! A gauge of when something was, which says nothing before it was.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Result};

/// Unix seconds of a moment. There is no series before [`set`](Self::set): it would tell of 1970. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Moment(Gauge);

impl Moment {
    pub(super) fn new(name: &str, help: &str) -> Result<Self> {
        Gauge::new(name, help).map(Self)
    }

    pub(crate) fn set(&self, seconds: f64) {
        self.0.set(seconds);
    }

    /// When it was, if it was.
    pub(crate) fn get(&self) -> Option<f64> {
        Some(self.0.get()).filter(|seconds| *seconds > 0.0)
    }
}

impl Collector for Moment {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc()
    }

    /// The family is there in any case, for it names the type.
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
    use crate::metrics::Metrics;

    #[test]
    fn there_is_no_series_before_it_is_set() {
        let mut metrics = Metrics::default();
        let moment = metrics.add(Moment::new("tagwatch_moment", "When it was.").unwrap()).unwrap();
        assert_eq!((moment.get(), metrics.encode().unwrap()), (None, String::new()));
        moment.set(1_700.5);
        assert_eq!(moment.get(), Some(1_700.5));
        assert!(metrics.encode().unwrap().ends_with("\ntagwatch_moment 1700.5\n"));
    }
}
