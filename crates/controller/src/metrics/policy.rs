//! Gauges of what is judged by: rules and exemptions.

use std::sync::Arc;

use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{ToSpan, civil::Date};
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tagwatch_core::policy::Policy;

use super::family::{Family, Samples, as_float};
use crate::judging::Judging;
use crate::live::LiveVerdicts;
use crate::policy::Tally;

/// Collects `tagwatch_rule_info`, `tagwatch_exemptions` and `tagwatch_exemption_expiry_timestamp_seconds`. Cloning
/// shares what they are made of.
#[derive(Clone)]
pub(crate) struct PolicyCollector {
    live: Arc<Mutex<LiveVerdicts>>,
    judging: Arc<Judging>,
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
    help: "Unix time at which an exemption of the policy counts no more, by its index in spec.exemptions.",
    labels: &["source", "index"],
};
const FAMILIES: [Family; 3] = [RULE_INFO, EXEMPTIONS, EXPIRY];

impl PolicyCollector {
    pub(crate) fn new(live: Arc<Mutex<LiveVerdicts>>, judging: Arc<Judging>) -> prometheus::Result<Self> {
        let descriptions = FAMILIES.iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { live, judging, descriptions })
    }
}

impl Collector for PolicyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let engine = self.judging.engine();
        let policy = engine.policy();
        let tally = Tally::of(&self.live.lock(), policy, engine.today());
        let samples = [rules(policy), exemptions(&tally), expiries(policy)];
        FAMILIES.iter().zip(samples).map(|(family, samples)| family.fill(&[], samples)).collect()
    }
}

fn rules(policy: &Policy) -> Samples {
    let rules = policy.rules().iter().map(|(rule, setting)| {
        let meta = rule.meta();
        let severity = setting.severity.unwrap_or(meta.severity).as_str();
        let state = if setting.enabled { "on" } else { "off" };
        ([meta.id, meta.policy.as_str(), severity, state].map(str::to_owned).to_vec(), 1.0)
    });
    rules.collect()
}

fn exemptions(tally: &Tally) -> Samples {
    let counts = &tally.exemptions;
    let states = [
        ("active", counts.active),
        ("expired", counts.expired),
        ("unused", counts.unused),
        ("not_honoured", counts.not_honoured),
    ];
    states.map(|(state, count)| (vec![state.to_owned()], as_float(u64::try_from(count).unwrap_or(0)))).into()
}

fn expiries(policy: &Policy) -> Samples {
    let expiry = |(index, exemption): (usize, &tagwatch_core::policy::Exemption)| {
        Some((vec!["policy".to_owned(), index.to_string()], end_of(exemption.expires?)?))
    };
    policy.exemptions().iter().enumerate().filter_map(expiry).collect()
}

/// An exemption counts on its last day too.
fn end_of(last: Date) -> Option<f64> {
    let end = last.checked_add(1.day()).ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(end.timestamp().as_second()).ok().map(as_float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_ends_with_its_last_day() {
        // `date -ud 2027-02-01 +%s`
        assert_eq!(end_of("2027-01-31".parse().unwrap()), Some(1_801_440_000.0));
    }
}
