//! `/metrics`: the counters of the controller's own work, and gauges of findings that are made from the states of
//! workloads at scrape time, so that no series outlives its object.

mod family;
mod findings;
mod mixed;
mod policy;
mod reference;
mod text;
mod workloads;

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;

use crate::state::metrics::Metrics;
use crate::state::{EngineHandle, WorkloadStates};
use findings::FindingsCollector;
use mixed::MixedCollector;
use policy::PolicyCollector;
pub use reference::metrics_reference;
use workloads::WorkloadSeries;

/// Everything that `/metrics` shows.
#[derive(Clone)]
pub(crate) struct MetricsPage {
    metrics: Metrics,
    /// Written without the registry: there can be very many.
    workloads: WorkloadSeries,
    leader: IntGauge,
}

impl MetricsPage {
    /// Adds what is made from the states of workloads; at most `series_cap` series name a workload.
    pub(crate) fn new(
        mut metrics: Metrics,
        states: &Arc<Mutex<WorkloadStates>>,
        engine: &Arc<EngineHandle>,
        series_cap: usize,
    ) -> prometheus::Result<Self> {
        metrics.add_of_objects(FindingsCollector::new(Arc::clone(states), Arc::clone(engine))?)?;
        metrics.describe(WorkloadSeries::describe());
        let workloads = WorkloadSeries::new(Arc::clone(states), Arc::clone(engine), series_cap);
        metrics.add_of_objects(PolicyCollector::new(Arc::clone(states), Arc::clone(engine))?)?;
        metrics.add_of_objects(MixedCollector::new(Arc::clone(states))?)?;
        let leader = metrics.add(IntGauge::new(
            "tagwatch_leader",
            "1 on the replica that writes reports and shows gauges of objects, 0 on a standby.",
        )?)?;
        Ok(Self { metrics, workloads, leader })
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn encode(&self) -> prometheus::Result<String> {
        let leads = self.metrics.leadership().may_write();
        self.leader.set(leads.into());
        let mut text = self.metrics.encode()?;
        if leads {
            self.workloads.write(&mut text);
        }
        Ok(text)
    }
}
