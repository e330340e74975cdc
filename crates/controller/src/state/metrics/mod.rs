//! The registry of metrics, and the counters of the controller's own work.

mod connections;
mod controller;
mod description;
mod drift;
mod process;
mod time_gauge;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};

use super::Leadership;
pub(crate) use connections::ConnectionMetrics;
pub(crate) use controller::ControllerMetrics;
pub use description::MetricDescription;
pub(crate) use drift::DriftMetrics;
use process::ProcessCollector;
pub(crate) use time_gauge::TimeGauge;

/// Registered metrics, with what the documentation says of them.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    leadership: Leadership,
    registry: Registry,
    described: Vec<MetricDescription>,
}

/// A collector that is silent on a standby.
struct OfLeader<C> {
    collector: C,
    leadership: Leadership,
}

impl<C: Collector> Collector for OfLeader<C> {
    fn desc(&self) -> Vec<&Desc> {
        self.collector.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if self.leadership.may_write() { self.collector.collect() } else { Vec::new() }
    }
}

impl Metrics {
    /// No metrics, of a replica that leads at times.
    pub(crate) fn new(leadership: Leadership) -> Self {
        Self { leadership, ..Self::default() }
    }

    /// Registers a collector and describes its families.
    pub(crate) fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> prometheus::Result<C> {
        self.described.extend(MetricDescription::of(&collector));
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    /// The same for gauges of objects in the cluster. The leader alone shows them: sums over replicas are right.
    pub(crate) fn add_of_objects<C: Collector + Clone + 'static>(
        &mut self,
        collector: C,
    ) -> prometheus::Result<C> {
        self.described.extend(MetricDescription::of(&collector));
        let of_leader = OfLeader { collector: collector.clone(), leadership: self.leadership.clone() };
        self.registry.register(Box::new(of_leader))?;
        Ok(collector)
    }

    /// Whether this replica shows gauges of objects.
    pub(crate) fn leadership(&self) -> &Leadership {
        &self.leadership
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
