//! The states of the watches as metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntGaugeVec, Opts};

use super::{Unit, WatchRegistry};

/// Puts the states of the watches together at each scrape.
#[derive(Clone)]
pub(crate) struct WatchCollector {
    registry: WatchRegistry,
    descriptions: Vec<Desc>,
}

impl WatchCollector {
    pub(crate) fn new(registry: WatchRegistry) -> prometheus::Result<Self> {
        let (up, age, namespaces) = families()?;
        let descriptions = up.desc().into_iter().chain(age.desc()).chain(namespaces.desc());
        Ok(Self { registry, descriptions: descriptions.cloned().collect() })
    }
}

fn families() -> prometheus::Result<(IntGaugeVec, GaugeVec, IntGaugeVec)> {
    let up = Opts::new(
        "tagwatch_watch_up",
        "1 while the watch of a resource follows the cluster; 0 while it has failed for more than 30 seconds.",
    );
    let age = Opts::new(
        "tagwatch_watch_last_event_age_seconds",
        "How long ago the watch of a resource last showed something. Nothing happens to some resources for hours.",
    );
    let namespaces = Opts::new(
        "tagwatch_namespace_up",
        "1 while a namespace is watched, where several are chosen; 0 before its first lists and while it is refused.",
    );
    Ok((
        IntGaugeVec::new(up, &["resource"])?,
        GaugeVec::new(age, &["resource"])?,
        IntGaugeVec::new(namespaces, &["namespace"])?,
    ))
}

impl Collector for WatchCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok((up, age, namespaces)) = families() else { return Vec::new() };
        let mut resources: BTreeMap<Arc<str>, (bool, Duration)> = BTreeMap::new();
        for watch in self.registry.running() {
            let since_event = {
                let state = watch.state.lock();
                if !state.is_running {
                    continue;
                }
                state.last_event.elapsed()
            };
            let (is_up, oldest) =
                resources.entry(Arc::clone(&watch.resource)).or_insert((true, Duration::ZERO));
            *is_up &= watch.failing().is_none();
            *oldest = since_event.max(*oldest);
        }
        for (resource, (is_up, oldest)) in resources {
            up.with_label_values(&[&resource]).set(i64::from(is_up));
            age.with_label_values(&[&resource]).set(oldest.as_secs_f64());
        }
        for (name, unit) in self.registry.watches.lock().units.states() {
            namespaces.with_label_values(&[name]).set(i64::from(unit == Unit::Followed));
        }
        up.collect().into_iter().chain(age.collect()).chain(namespaces.collect()).collect()
    }
}
