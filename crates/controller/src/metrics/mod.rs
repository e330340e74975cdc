//! Prometheus metrics: counters of the controller itself, and gauges of findings that are made from the states
//! of workloads at scrape time, so that no series outlives its object.

mod cap;
mod controller;
mod drift;
mod family;
mod findings;
mod moment;
mod policy;
mod reference;
mod text;
mod workloads;

use prometheus::core::Collector;
use prometheus::{Registry, TextEncoder};

pub(crate) use controller::ControllerMetrics;
pub(crate) use drift::{DriftMetrics, MixedCollector};
pub(crate) use findings::FindingsCollector;
pub(crate) use moment::Moment;
pub(crate) use policy::PolicyCollector;
pub use reference::{MetricDescription, metrics_reference};
pub(crate) use workloads::WorkloadSeries;

/// Everything that `/metrics` shows, with what the documentation says of it.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    registry: Registry,
    workloads: Option<WorkloadSeries>,
    described: Vec<MetricDescription>,
}

impl Metrics {
    /// Registers a collector.
    pub(crate) fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> prometheus::Result<C> {
        self.described.extend(MetricDescription::of(&collector));
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    /// Adds the series of workloads, which are written without the registry.
    pub(crate) fn add_workloads(&mut self, workloads: WorkloadSeries) {
        self.described.extend(WorkloadSeries::describe());
        self.workloads = Some(workloads);
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn encode(&self) -> prometheus::Result<String> {
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        if let Some(workloads) = &self.workloads {
            workloads.write(&mut text);
        }
        Ok(text)
    }
}
