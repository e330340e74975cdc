//! Changes of rules, in layers: the profile, the policy's rules, the overrides.

use std::time::Duration;

use super::matcher::Matcher;
use super::spec::{PullPolicySpec, ResultSpec, RuleSpec, SeveritySpec, ValueSpec};
use crate::drift::parse_grace;
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::rules::{PullPolicyValue, RuleSet};

/// What a policy changes of one rule. `None` leaves a setting as it was.
#[derive(Debug, Clone)]
pub(super) struct RuleChange {
    pub(super) id: &'static str,
    pub(super) enabled: Option<bool>,
    outcome: Option<Outcome>,
    severity: Option<Severity>,
    pub(super) tags: Option<Vec<String>>,
    value: Option<PullPolicyValue>,
    include_pinned: Option<bool>,
    allowed: Option<Vec<PullPolicy>>,
    grace: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) matcher: Matcher,
    pub(super) changes: Vec<RuleChange>,
}

impl RuleChange {
    /// `default_enabled` applies where the policy does not say whether the rule is on.
    pub(super) fn new(id: &'static str, default_enabled: Option<bool>, spec: &RuleSpec) -> Self {
        // Words and patterns belong to the classifier, which all workloads share.
        let RuleSpec {
            enabled,
            result,
            severity,
            tags,
            words: _,
            patterns: _,
            value,
            include_pinned,
            allowed,
            grace,
        } = spec;
        Self {
            id,
            enabled: enabled.or(default_enabled),
            outcome: result.map(outcome),
            severity: severity.map(severity_of),
            tags: tags.clone(),
            value: value.map(value_of),
            include_pinned: *include_pinned,
            allowed: allowed.as_ref().map(|allowed| allowed.iter().copied().map(pull_policy).collect()),
            // A text that does not parse is reported as a problem of the policy.
            grace: grace.as_deref().and_then(|text| parse_grace(text).ok()),
        }
    }

    pub(super) fn apply(&self, rules: &mut RuleSet) {
        let Some(setting) = rules.get_mut(self.id) else { return };
        setting.enabled = self.enabled.unwrap_or(setting.enabled);
        setting.outcome = self.outcome.or(setting.outcome);
        setting.severity = self.severity.or(setting.severity);
        let parameters = &mut setting.parameters;
        parameters.value = self.value.unwrap_or(parameters.value);
        parameters.include_pinned = self.include_pinned.unwrap_or(parameters.include_pinned);
        parameters.grace = self.grace.or(parameters.grace);
        if let Some(tags) = &self.tags {
            parameters.tags.clone_from(tags);
        }
        if let Some(allowed) = &self.allowed {
            parameters.allowed.clone_from(allowed);
        }
    }
}

fn outcome(spec: ResultSpec) -> Outcome {
    match spec {
        ResultSpec::Fail => Outcome::Fail,
        ResultSpec::Warn => Outcome::Warn,
    }
}

fn severity_of(spec: SeveritySpec) -> Severity {
    match spec {
        SeveritySpec::Critical => Severity::Critical,
        SeveritySpec::High => Severity::High,
        SeveritySpec::Medium => Severity::Medium,
        SeveritySpec::Low => Severity::Low,
        SeveritySpec::Info => Severity::Info,
    }
}

fn value_of(spec: ValueSpec) -> PullPolicyValue {
    match spec {
        ValueSpec::Effective => PullPolicyValue::Effective,
        ValueSpec::Written => PullPolicyValue::Written,
    }
}

fn pull_policy(spec: PullPolicySpec) -> PullPolicy {
    match spec {
        PullPolicySpec::Always => PullPolicy::Always,
        PullPolicySpec::IfNotPresent => PullPolicy::IfNotPresent,
        PullPolicySpec::Never => PullPolicy::Never,
    }
}
