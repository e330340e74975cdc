//! Gauges of what is judged by: rules and exemptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{ToSpan, civil::Date};
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::issue::{ExemptionReview, PolicyExemptionState};
use tagwatch_core::policy::{Exemption, Policy, metric_label};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::tag_policy::ExemptionCounts;

use super::family::{Family, Samples, as_float};
use crate::state::{EngineHandle, StatesSnapshot, WorkloadState, WorkloadStates, exemption_counts};

/// Collects `tagwatch_rule_info`, `tagwatch_exemptions` and `tagwatch_exemption_expiry_timestamp_seconds`. Cloning
/// shares what they are made of.
#[derive(Clone)]
pub(crate) struct PolicyCollector {
    states: Arc<Mutex<WorkloadStates>>,
    engine: Arc<EngineHandle>,
    descriptions: Vec<Desc>,
}

const RULE_INFO: Family = Family {
    name: "tagwatch_rule_info",
    help: "1 for each rule with its severity and its state (on, off), overrides apart.",
    labels: &["rule", "policy", "severity", "state"],
};
const EXEMPTIONS: Family = Family {
    name: "tagwatch_exemptions",
    help: "Exemptions of the policy and of annotations by state (active, expired, unused, not_honoured).",
    labels: &["state"],
};
const EXPIRY: Family = Family {
    name: "tagwatch_exemption_expiry_timestamp_seconds",
    help: "Unix time at which an exemption that exempts something no longer applies: of each of the policy by its index in \
           spec.exemptions, and of the first to end of a namespace's annotations.",
    labels: &["source", "index", "namespace"],
};
const FAMILIES: [Family; 3] = [RULE_INFO, EXEMPTIONS, EXPIRY];

impl PolicyCollector {
    pub(crate) fn new(
        states: Arc<Mutex<WorkloadStates>>,
        engine: Arc<EngineHandle>,
    ) -> prometheus::Result<Self> {
        let descriptions = FAMILIES.iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { states, engine, descriptions })
    }
}

impl Collector for PolicyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (engine, is_evaluated) = self.engine.current_and_evaluated();
        let policy = engine.policy();
        let states = self.states.lock().snapshot();
        let today = engine.today();
        let mut counts = Samples::default();
        let metric_labels = policy.metric_labels();
        let mut ends = annotation_ends(&states, metric_labels);
        // Before, exemptions of a new policy would all be unused.
        if is_evaluated {
            counts = exemptions(&exemption_counts(&states, policy, today));
            ends.extend(policy_ends(&states, policy, today));
        }
        let of_namespaces: Vec<String> = metric_labels.iter().map(|label| metric_label(label)).collect();
        let samples = [(rules(policy), &[][..]), (counts, &[]), (ends, &of_namespaces)];
        let families = FAMILIES.iter().zip(samples);
        families.map(|(family, (samples, further))| family.fill(further, samples)).collect()
    }
}

fn rules(policy: &Policy) -> Samples {
    let rules = policy.rules().iter().map(|(meta, setting)| {
        let severity = setting.severity.unwrap_or(meta.severity).as_str();
        let state = if setting.enabled { "on" } else { "off" };
        ([meta.id, meta.group.as_str(), severity, state].map(str::to_owned).to_vec(), 1.0)
    });
    rules.collect()
}

fn exemptions(counts: &ExemptionCounts) -> Samples {
    let states = [
        ("active", counts.active),
        ("expired", counts.expired),
        ("unused", counts.unused),
        ("not_honoured", counts.not_honoured),
    ];
    states.map(|(state, count)| (vec![state.to_owned()], as_float(u64::try_from(count).unwrap_or(0)))).into()
}

/// The end of one that exempts nothing, or is over, changes nothing.
fn policy_ends(
    states: &StatesSnapshot,
    policy: &Policy,
    today: Option<Date>,
) -> impl Iterator<Item = (Vec<String>, f64)> {
    let mut review: ExemptionReview<()> = ExemptionReview::default();
    let outcomes = states.iter().filter_map(|(_, state)| state.exemptions.as_deref());
    outcomes.for_each(|outcome| review.add_used(outcome.used.iter().copied()));
    let active: Vec<_> = review.policy_states(policy, today).collect();
    let end = |(index, (exemption, state)): (usize, (&Exemption, PolicyExemptionState))| {
        matches!(state, PolicyExemptionState::Active).then_some(())?;
        let labels = ["policy".to_owned(), index.to_string(), String::new()];
        Some((labels.into(), end_of(exemption.expires?)?))
    };
    policy.exemptions().iter().zip(active).enumerate().filter_map(end)
}

/// One series for each namespace, not for each annotation: there may be one on every workload. It carries the policy's metric
/// labels of the namespace, by which its alert reaches a team; an exemption of the policy belongs to none.
fn annotation_ends(states: &StatesSnapshot, metric_labels: &[String]) -> Samples {
    let mut first: BTreeMap<&str, (Date, &WorkloadState)> = BTreeMap::new();
    for (key, state) in states.iter() {
        if let Some(until) = state.exemptions.as_ref().and_then(|outcome| outcome.until) {
            let (earliest, _) = first.entry(key.namespace()).or_insert((until, state));
            *earliest = until.min(*earliest);
        }
    }
    let label = |text: &str| UntrustedText::from(text).label();
    let sample = |(namespace, (until, state)): (&str, (Date, &WorkloadState))| {
        let own = ["annotation".to_owned(), String::new(), label(namespace)];
        let further =
            metric_labels.iter().map(|name| state.namespace_label(name).map(label).unwrap_or_default());
        Some((own.into_iter().chain(further).collect(), end_of(until)?))
    };
    first.into_iter().filter_map(sample).collect()
}

/// An exemption counts on its last day too.
fn end_of(last: Date) -> Option<f64> {
    let end = last.checked_add(1.day()).ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(end.timestamp().as_second()).ok().map(as_float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tagwatch_core::issue::ExemptionOutcome;
    use tagwatch_core::workload::Namespace;
    use tagwatch_index::WorkloadKey;

    use super::*;

    #[test]
    fn an_exemption_ends_with_its_last_day() {
        // `date -ud 2027-02-01 +%s`
        assert_eq!(end_of("2027-01-31".parse().unwrap()), Some(1_801_440_000.0));
    }

    #[test]
    fn an_exemption_of_the_policy_that_exempts_nothing_has_no_end() {
        let exemption = |name, expires| json!({ "match": { "names": [name] }, "rules": ["*"], "reason": "a reason", "expires": expires });
        let exemptions = [
            exemption("unused", "2027-01-31"),
            exemption("used", "2027-01-31"),
            exemption("over", "2026-01-31"),
        ];
        let policy =
            Policy::compile(&serde_json::from_value(json!({ "exemptions": exemptions })).unwrap()).unwrap();
        let mut states = WorkloadStates::default();
        let outcome = ExemptionOutcome { used: [1, 2].into(), ..ExemptionOutcome::default() };
        let state = WorkloadState { exemptions: Some(Box::new(outcome)), ..WorkloadState::failed() };
        states.insert(&WorkloadKey::new("apps/v1", "Deployment", "shop", "used", "uid"), state);
        let today = Some("2026-12-01".parse().unwrap());
        let ends: Samples = policy_ends(&states.snapshot(), &policy, today).collect();
        assert_eq!(ends, Samples::from([(["policy", "1", ""].map(str::to_owned).to_vec(), 1_801_440_000.0)]));
    }

    /// However many annotations there are. Each carries the metric labels of its namespace.
    #[test]
    fn the_first_annotation_of_a_namespace_to_end_has_a_series() {
        let mut states = WorkloadStates::default();
        for (name, namespace, until) in [
            ("a", "shop", Some("2027-03-31")),
            ("b", "shop", Some("2027-01-31")),
            ("c", "shop", None),
            ("d", "mail", Some("2027-01-31")),
            ("e", "travel", None),
        ] {
            let until = until.map(|until| until.parse().unwrap());
            let exemptions = Some(Box::new(ExemptionOutcome { until, ..ExemptionOutcome::default() }));
            let labels = (namespace == "shop").then(|| ("team".to_owned(), "carts".to_owned()));
            let labelled = Namespace { labels: labels.into_iter().collect(), ..Namespace::default() };
            let namespace_of = Some(Arc::new(labelled));
            let state = WorkloadState { exemptions, namespace: namespace_of, ..WorkloadState::failed() };
            states.insert(&WorkloadKey::new("apps/v1", "Deployment", namespace, name, name), state);
        }
        let of =
            |namespace: &str, team: &str| ["annotation", "", namespace, team].map(str::to_owned).to_vec();
        let ends = [(of("mail", ""), 1_801_440_000.0), (of("shop", "carts"), 1_801_440_000.0)];
        assert_eq!(annotation_ends(&states.snapshot(), &["team".to_owned()]), Samples::from(ends));
    }
}
