//! The collector of `tagwatch_mixed_workloads`.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::issue::IssueClass;
use tagwatch_core::rules::ids;
use tagwatch_core::text::UntrustedText;

use super::family::{Family, Samples};
use crate::state::WorkloadStates;

const MIXED: Family = Family {
    name: "tagwatch_mixed_workloads",
    help: "Workloads whose pods run different images of one reference, beyond the grace time and not exempt.",
    labels: &["namespace"],
};

/// Collects the metric. Clones share the states.
#[derive(Clone)]
pub(crate) struct MixedCollector {
    states: Arc<Mutex<WorkloadStates>>,
    description: Desc,
}

impl MixedCollector {
    pub(crate) fn new(states: Arc<Mutex<WorkloadStates>>) -> prometheus::Result<Self> {
        Ok(Self { states, description: MIXED.describe()? })
    }
}

impl Collector for MixedCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples::new();
        let states = self.states.lock().snapshot();
        for (key, state) in states.iter() {
            // An exempt workload is none to look after.
            let is_mixed =
                |class: &IssueClass| class.rule.id == ids::MIXED_DIGESTS && class.outcome.is_open();
            if state.issues.iter().any(|group| is_mixed(&group.class)) {
                *samples.entry(vec![UntrustedText::from(key.namespace()).label()]).or_default() += 1.0;
            }
        }
        vec![MIXED.fill(&[], samples)]
    }
}

#[cfg(test)]
mod tests {
    use tagwatch_core::issue::IssueGroup;
    use tagwatch_core::outcome::{Outcome, Severity};
    use tagwatch_core::rules;
    use tagwatch_index::WorkloadKey;

    use super::*;
    use crate::state::WorkloadState;

    #[test]
    fn what_is_exempt_is_not_counted() {
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let mut rules = rules::all();
        let rule = rules.find(|meta| meta.id == ids::MIXED_DIGESTS).unwrap();
        for (name, outcome) in [("web", Outcome::Fail), ("api", Outcome::Warn), ("known", Outcome::Skip)] {
            let class = IssueClass { rule, severity: Severity::Critical, outcome };
            let issues = [IssueGroup { class, containers: 1, since: 0 }].into();
            let state = WorkloadState { issues, ..WorkloadState::failed() };
            let key = WorkloadKey::new("apps/v1", "Deployment", "shop", name, format!("uid-of-{name}"));
            states.lock().insert(&key, state);
        }
        let families = MixedCollector::new(states).unwrap().collect();
        let values: Vec<f64> =
            families[0].get_metric().iter().map(|metric| metric.get_gauge().get_value()).collect();
        assert_eq!(values, [2.0]);
    }
}
