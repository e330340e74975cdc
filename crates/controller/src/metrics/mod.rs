//! Prometheus metrics: counters of the controller itself, and gauges of findings that are read from the live
//! index at scrape time, so that no series outlives its object.

mod controller;
mod findings;

use prometheus::{Encoder, Registry, TextEncoder};

pub(crate) use controller::ControllerMetrics;
pub(crate) use findings::FindingsCollector;

/// Everything that `/metrics` shows.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::new() }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn encode(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
