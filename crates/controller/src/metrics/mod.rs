//! Prometheus metrics: counters of the controller itself, and gauges of findings that are read from the live
//! index at scrape time, so that no series outlives its object.

mod controller;
mod family;
mod findings;
mod policy;
mod reference;

use prometheus::core::Collector;
use prometheus::{Encoder, Registry, TextEncoder};

pub(crate) use controller::ControllerMetrics;
pub(crate) use findings::FindingsCollector;
pub(crate) use policy::PolicyCollector;
pub use reference::{MetricDescription, metrics_reference};

/// Everything that `/metrics` shows, with what the documentation says of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    registry: Registry,
    described: Vec<MetricDescription>,
}

impl Metrics {
    /// Registers a collector.
    pub(crate) fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> prometheus::Result<C> {
        self.described.extend(MetricDescription::of(&collector));
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn encode(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
