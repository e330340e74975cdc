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

/// Collects `tagwatch_violations`, `tagwatch_warnings`, `tagwatch_workloads`, `tagwatch_images` and
/// `tagwatch_moving_images`, which count by namespace. Clones share the states.
#[derive(Clone)]
pub(crate) struct FindingsCollector {
    states: Arc<Mutex<WorkloadStates>>,
    engine: Arc<EngineHandle>,
    descriptions: Vec<Desc>,
}

const VIOLATIONS: Family = Family {
    name: "tagwatch_violations",
    help: "Current violations: findings that fail, and errors, of which nothing could be checked.",
    labels: &["namespace", "policy", "rule", "severity", "result"],
};
const WARNINGS: Family = Family {
    name: "tagwatch_warnings",
    help: "Current warnings: findings that advise only and do not lower the score.",
    labels: &["namespace", "policy", "rule", "severity"],
};
const WORKLOADS: Family = Family {
    name: "tagwatch_workloads",
    help: "Checked workloads by status (violating, error, exempt, compliant).",
    labels: &["namespace", "kind", "status"],
};
const IMAGES: Family = Family {
    name: "tagwatch_images",
    help: "Checked containers by tag class and effective pull policy.",
    labels: &["namespace", "tag_class", "pull_policy"],
};

const MOVING_IMAGES: Family = Family {
    name: "tagwatch_moving_images",
    help: "Containers whose tag is known to move and is not exempt, without ephemeral containers, by the rule that \
           reports it: empty where that rule is off, and for a namespace with none.",
    labels: &["namespace", "rule"],
};

const FAMILIES: [Family; 5] = [VIOLATIONS, WARNINGS, WORKLOADS, IMAGES, MOVING_IMAGES];
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
    fn samples(&self, metric_labels: &[String]) -> [Samples; 5] {
        let states = self.states.lock().snapshot();
        let [mut violations, mut warnings, mut workloads, mut images, mut moving] =
            [const { Samples::new() }; 5];
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
            // Also without any: then it is known that there is none.
            for (rule, count) in [("", 0)].iter().chain(state.moving_images.iter()) {
                *moving.entry(with(vec![namespace.clone(), (*rule).to_owned()])).or_default() +=
                    f64::from(*count);
            }
            for group in state.issues.iter().filter(|group| group.class.outcome.is_open()) {
                let IssueClass { rule, severity, outcome } = group.class;
                let [policy, rule, severity] =
                    [rule.group.as_str(), rule.id, severity.as_str()].map(str::to_owned);
                let mut own = vec![namespace.clone(), policy, rule, severity];
                let family = if outcome.is_violation() {
                    own.push(outcome.as_str().to_owned());
                    &mut violations
                } else {
                    &mut warnings
                };
                *family.entry(with(own)).or_default() += f64::from(group.containers);
            }
        }
        [violations, warnings, workloads, images, moving]
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
    use k8s_openapi::jiff::civil::Date;
    use tagwatch_core::issue::IssueGroup;
    use tagwatch_core::outcome::{Outcome, Severity};
    use tagwatch_core::policy::{Policy, Profile};
    use tagwatch_core::rules;
    use tagwatch_index::WorkloadKey;

    use super::*;
    use crate::state::WorkloadState;

    #[test]
    fn a_violation_is_a_fail_or_an_error_and_a_warning_is_a_warning() {
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let rule = rules::all().next().unwrap();
        let outcomes = [Outcome::Fail, Outcome::Error, Outcome::Warn, Outcome::Skip, Outcome::Pass];
        let issues = outcomes.map(|outcome| {
            let class = IssueClass { rule, severity: Severity::High, outcome };
            IssueGroup { class, containers: 2, since: 0 }
        });
        let key = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "1");
        states.lock().insert(&key, WorkloadState { issues: issues.into(), ..WorkloadState::failed() });
        let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), Date::default()));
        let [violations, warnings, ..] = FindingsCollector::new(states, engine).unwrap().samples(&[]);
        let own = ["shop", rule.group.as_str(), rule.id, "high"].map(str::to_owned);
        let with = |result: &str| [own.as_slice(), &[result.to_owned()]].concat();
        assert_eq!(violations, Samples::from([(with("fail"), 2.0), (with("error"), 2.0)]));
        assert_eq!(warnings, Samples::from([(own.to_vec(), 2.0)]));
    }

    #[test]
    fn moving_images_count_by_rule_and_a_namespace_without_any_is_known() {
        let states = Arc::new(Mutex::new(WorkloadStates::default()));
        let workloads: [(&str, &[(&'static str, u32)]); 3] =
            [("a", &[("latest-tag", 2)]), ("b", &[("", 1), ("latest-tag", 1)]), ("c", &[])];
        for (name, moving_images) in workloads {
            let namespace = if name == "c" { "mail" } else { "shop" };
            let key = WorkloadKey::new("apps/v1", "Deployment", namespace, name, name);
            let state = WorkloadState { moving_images: moving_images.into(), ..WorkloadState::failed() };
            states.lock().insert(&key, state);
        }
        let engine = Arc::new(EngineHandle::new(Policy::of(Profile::Recommended), Date::default()));
        let [.., moving] = FindingsCollector::new(states, engine).unwrap().samples(&[]);
        let of = |namespace: &str, rule: &str, count| (vec![namespace.to_owned(), rule.to_owned()], count);
        let expected = [of("mail", "", 0.0), of("shop", "", 1.0), of("shop", "latest-tag", 3.0)];
        assert_eq!(moving, Samples::from(expected));
    }

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
        let [_, _, workloads, ..] = collector.samples(&[]);
        assert_eq!(workloads.len(), MAX_KINDS + 2);
        let of = |kind: &str| workloads.iter().find(|(labels, _)| labels[1] == kind).map(|(_, count)| *count);
        assert_eq!(
            (of(OTHER), of("Deployment")),
            (Some(f64::from(u8::try_from(MAX_KINDS).unwrap())), Some(1.0))
        );
    }
}
