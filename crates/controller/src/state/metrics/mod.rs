//! The registry of metrics, and the counters of the controller's own work.

mod connections;
mod controller;
mod description;
mod drift;
mod process;
mod time_gauge;

use prometheus::core::Collector;
use prometheus::{Registry, TextEncoder};

pub(crate) use connections::ConnectionMetrics;
pub(crate) use controller::ControllerMetrics;
pub use description::MetricDescription;
pub(crate) use drift::DriftMetrics;
use process::ProcessCollector;
pub(crate) use time_gauge::TimeGauge;

/// Registered metrics, with what the documentation says of them.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    registry: Registry,
    described: Vec<MetricDescription>,
}

impl Metrics {
    /// Registers a collector and describes its families.
    pub(crate) fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> prometheus::Result<C> {
        self.described.extend(MetricDescription::of(&collector));
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    /// Describes metrics that are written without the registry.
    pub(crate) fn describe(&mut self, metrics: impl IntoIterator<Item = MetricDescription>) {
        self.described.extend(metrics);
    }

    /// What the documentation says, in the order of registration.
    pub(crate) fn described(&self) -> &[MetricDescription] {
        &self.described
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn encode(&self) -> prometheus::Result<String> {
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
