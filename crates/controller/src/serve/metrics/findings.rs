//! Gauges of what is found, made from the states of workloads at scrape time.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::issue::IssueClass;
use tagwatch_core::policy::metric_label;
use tagwatch_core::text::UntrustedText;

use super::family::{Family, Samples};
use crate::state::{EngineHandle, WorkloadStates};

/// Collects `tagwatch_violations`, `tagwatch_workloads`, `tagwatch_images` and `tagwatch_moving_images`, which count by
/// namespace. Clones share the states.
#[derive(Clone)]
pub(crate) struct FindingsCollector {
    states: Arc<Mutex<WorkloadStates>>,
    engine: Arc<EngineHandle>,
    descriptions: Vec<Desc>,
}

const VIOLATIONS: Family = Family {
    name: "tagwatch_violations",
    help: "Current findings by result (fail, error, warn).",
    labels: &["namespace", "policy", "rule", "severity", "result"],
};
const WORKLOADS: Family = Family {
    name: "tagwatch_workloads",
    help: "Judged workloads by status (violating, error, exempt, compliant).",
    labels: &["namespace", "kind", "status"],
};
const IMAGES: Family = Family {
    name: "tagwatch_images",
    help: "Judged containers by tag class and effective pull policy.",
    labels: &["namespace", "tag_class", "pull_policy"],
};

const MOVING_IMAGES: Family = Family {
    name: "tagwatch_moving_images",
    help: "Containers whose tag is known to move and is not exempt, without ephemeral containers.",
    labels: &["namespace"],
};

const FAMILIES: [Family; 4] = [VIOLATIONS, WORKLOADS, IMAGES, MOVING_IMAGES];
/// Most kinds that Kubernetes does not bring and that have series of their own: a user may write any kind into the owner of a
/// pod.
const MAX_KINDS: usize = 100;
/// What the others are summed up under: no kind can be called so.
const OTHER: &str = "_other";

impl FindingsCollector {
    pub(crate) fn new(
        states: Arc<Mutex<WorkloadStates>>,
        engine: Arc<EngineHandle>,
    ) -> prometheus::Result<Self> {
        let descriptions = FAMILIES.iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { states, engine, descriptions })
    }

    /// Every series carries the policy's metric labels behind its own.
    fn samples(&self, metric_labels: &[String]) -> [Samples; 4] {
        let states = self.states.lock().snapshot();
        let [mut violations, mut workloads, mut images, mut moving] = [const { Samples::new() }; 4];
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        for (key, state) in states.iter() {
            let namespace = label(key.namespace());
            let mut kind = key.kind_and_group();
            if key.watched_kind().is_none() && !kinds.contains(&kind) {
                if kinds.len() < MAX_KINDS {
                    kinds.insert(kind.clone());
                } else {
                    OTHER.clone_into(&mut kind);
                }
            }
            let further = || {
                metric_labels.iter().map(|name| state.namespace_label(name).map(label).unwrap_or_default())
            };
            let with = |own: Vec<String>| own.into_iter().chain(further()).collect::<Vec<_>>();
            *workloads
                .entry(with(vec![namespace.clone(), kind, state.status.as_str().to_owned()]))
                .or_default() += 1.0;
            for (tag_class, pull_policy, count) in &state.images {
                let [class, policy] = [tag_class.as_str(), pull_policy.as_str()].map(str::to_owned);
                *images.entry(with(vec![namespace.clone(), class, policy])).or_default() += f64::from(*count);
            }
            // Also without any, so that the first one of a namespace is an increase.
            *moving.entry(with(vec![namespace.clone()])).or_default() += f64::from(state.moving_images);
            for group in state.issues.iter().filter(|group| group.class.outcome.is_open()) {
                let IssueClass { rule, severity, outcome } = group.class;
                let [policy, rule, severity, result] =
                    [rule.group.as_str(), rule.id, severity.as_str(), outcome.as_str()].map(str::to_owned);
                let of_namespace = with(vec![namespace.clone(), policy, rule, severity, result]);
                *violations.entry(of_namespace).or_default() += f64::from(group.containers);
            }
        }
        [violations, workloads, images, moving]
    }
}

impl Collector for FindingsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let engine = self.engine.current();
        let metric_labels = engine.policy().metric_labels();
        let names: Vec<String> = metric_labels.iter().map(|label| metric_label(label)).collect();
        let samples = self.samples(metric_labels);
        FAMILIES.iter().zip(samples).map(|(family, samples)| family.fill(&names, samples)).collect()
    }
}

fn label(text: &str) -> String {
    UntrustedText::from(text).label()
}

#[cfg(test)]
mod tests {
    use tagwatch_core::policy::{Policy, Profile};
    use tagwatch_index::WorkloadKey;

    use super::*;
    use crate::state::WorkloadState;

    #[test]
    fn kinds_that_a_user_makes_up_are_no_series_without_end() {
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        for number in 0..2 * MAX_KINDS {
            let kind = format!("Kind{number}");
            let key = WorkloadKey::new("example.com/v1", kind, "shop", "web", format!("{number:04}"));
            states.lock().insert(&key, WorkloadState::failed());
        }
        let built_in = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "9999");
        states.lock().insert(&built_in, WorkloadState::failed());
        let day = "2027-01-31".parse().unwrap();
        let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), day));
        let collector = FindingsCollector::new(states, engine).unwrap();
        let [_, workloads, ..] = collector.samples(&[]);
        assert_eq!(workloads.len(), MAX_KINDS + 2);
        let of = |kind: &str| workloads.iter().find(|(labels, _)| labels[1] == kind).map(|(_, count)| *count);
        assert_eq!(
            (of(OTHER), of("Deployment")),
            (Some(f64::from(u8::try_from(MAX_KINDS).unwrap())), Some(1.0))
        );
    }
}
