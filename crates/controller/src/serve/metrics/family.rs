//! Metric families made at scrape time.

use std::collections::BTreeMap;

use prometheus::core::{Desc, Describer};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Opts, Result};

/// Values by label values.
pub(super) type Samples = BTreeMap<Vec<String>, f64>;

/// One family of gauges: name, help, and its labels in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
}

impl Family {
    /// What a registry wants to know of it.
    pub(super) fn describe(&self) -> Result<Desc> {
        let labels = self.labels.iter().map(|label| (*label).to_owned()).collect();
        Opts::new(self.name, self.help).variable_labels(labels).describe()
    }

    /// The family with its samples, whose values stand for its own labels and then for `further` ones.
    pub(super) fn fill(&self, further: &[String], samples: Samples) -> MetricFamily {
        let names = || self.labels.iter().copied().chain(further.iter().map(String::as_str));
        let metrics = samples.into_iter().map(|(values, value)| {
            let labels = names().zip(values).map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name(name.to_owned());
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

/// Counts and Unix seconds stay far below 2^53, up to which a float is exact.
#[allow(clippy::cast_precision_loss)]
pub(super) fn as_float(count: u64) -> f64 {
    count as f64
}
