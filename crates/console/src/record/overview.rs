//! The overview, the namespaces and the rules as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::issue::{Status, Tally};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use crate::snapshot::RuleState;
use crate::view::View;

/// Counts over all namespaces that the user may see, and when they were last updated.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverviewRecord {
    pub(crate) cluster: Option<String>,
    /// Name of the policy object; null where a profile alone is in force.
    pub(crate) policy: Option<String>,
    pub(crate) profile: &'static str,
    /// When every workload had last been checked, in RFC 3339; null before the first time.
    pub(crate) evaluated: Option<String>,
    /// What is wrong with tagwatch itself, and what to do.
    pub(crate) problems: Vec<String>,
    #[serde(flatten)]
    pub(crate) counts: CountsRecord,
    /// Rules that are on.
    pub(crate) rules_enabled: usize,
    /// Those of them with a violation (a fail or an error).
    pub(crate) rules_violated: usize,
}

/// Counts of some workloads.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountsRecord {
    /// Workloads without a violation (a fail or an error), in percent, rounded down; null when nothing was judged.
    pub(crate) score: Option<usize>,
    /// Workloads that were checked.
    pub(crate) workloads: usize,
    /// The same by status.
    pub(crate) statuses: BTreeMap<&'static str, usize>,
    pub(crate) containers: usize,
    /// Violations and warnings: results that are neither a pass nor exempt.
    pub(crate) findings: usize,
    /// Fails and errors.
    pub(crate) violations: usize,
    /// Findings by severity.
    pub(crate) severities: BTreeMap<&'static str, usize>,
    /// Findings by result, exempt ones too.
    pub(crate) results: BTreeMap<&'static str, usize>,
}

/// The counts of one namespace.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamespaceRecord {
    pub(crate) namespace: String,
    #[serde(flatten)]
    pub(crate) counts: CountsRecord,
}

/// Every namespace that holds something.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NamespaceList {
    pub(crate) namespaces: Vec<NamespaceRecord>,
}

/// A rule, how the policy sets it, and what it finds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleRecord {
    pub(crate) rule: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) category: &'static str,
    pub(crate) summary: &'static str,
    /// The highest severity of its findings where no override matches.
    pub(crate) severity: &'static str,
    pub(crate) result: &'static str,
    /// Whether it is on where no override matches.
    pub(crate) enabled: bool,
    /// Violations and warnings: results that are neither a pass nor exempt.
    pub(crate) findings: usize,
    /// Fails and errors.
    pub(crate) violations: usize,
    /// Workloads that have at least one finding.
    pub(crate) workloads: usize,
    /// Workloads that were checked.
    pub(crate) of_workloads: usize,
    pub(crate) exempt: usize,
}

/// All rules, in the order of the documentation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RuleList {
    pub(crate) rules: Vec<RuleRecord>,
}

impl OverviewRecord {
    pub(crate) fn new(view: &View, problems: Vec<String>) -> Self {
        let (facts, tally) = (view.facts(), view.tally());
        let text = |text: &Option<UntrustedText>| text.as_ref().map(|text| text.json().to_owned());
        let on = || facts.rules.iter().filter(|rule| rule.is_on(&tally));
        Self {
            cluster: text(&facts.cluster),
            policy: text(&facts.policy),
            profile: facts.profile,
            evaluated: facts.evaluated.map(|time| time.to_string()),
            problems,
            counts: CountsRecord::new(&tally),
            rules_enabled: on().count(),
            rules_violated: on().filter(|rule| tally.is_violated(rule.rule.id)).count(),
        }
    }
}

impl CountsRecord {
    pub(crate) fn new(tally: &Tally) -> Self {
        let not_passed = Outcome::ALL.into_iter().filter(|&outcome| outcome != Outcome::Pass);
        Self {
            score: tally.score(),
            workloads: tally.workloads(),
            statuses: Status::ALL
                .into_iter()
                .map(|status| (status.as_str(), tally.of_status(status)))
                .collect(),
            containers: tally.containers,
            findings: tally.findings(),
            violations: tally.violations(),
            severities: Severity::ALL
                .into_iter()
                .map(|severity| (severity.as_str(), tally.of_severity(severity)))
                .collect(),
            results: not_passed.map(|outcome| (outcome.as_str(), tally.of_outcome(outcome))).collect(),
        }
    }
}

impl NamespaceList {
    pub(crate) fn new(view: &View) -> Self {
        let record = |(namespace, tally): (&UntrustedText, &Tally)| NamespaceRecord {
            namespace: namespace.json().to_owned(),
            counts: CountsRecord::new(tally),
        };
        Self { namespaces: view.namespaces().map(record).collect() }
    }
}

impl RuleList {
    pub(crate) fn new(view: &View) -> Self {
        let tally = view.tally();
        Self { rules: view.facts().rules.iter().map(|state| RuleRecord::new(state, &tally)).collect() }
    }
}

impl RuleRecord {
    pub(crate) fn new(state: &RuleState, tally: &Tally) -> Self {
        let RuleState { rule, enabled, severity, outcome } = *state;
        let counts = tally.of_rule(rule.id);
        Self {
            rule: rule.id,
            policy: rule.group.as_str(),
            category: rule.category,
            summary: rule.summary,
            severity: severity.as_str(),
            result: outcome.as_str(),
            enabled,
            findings: counts.findings,
            violations: counts.violations,
            workloads: counts.workloads,
            of_workloads: tally.workloads(),
            exempt: counts.exempt,
        }
    }
}
