//! A rule as the policy sets it.

use tagwatch_core::issue::Tally;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::rules::{RuleMeta, RuleSet, RuleSetting};

/// A rule with the setting that holds where no override matches.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RuleState {
    pub rule: &'static RuleMeta,
    pub enabled: bool,
    pub severity: Severity,
    pub outcome: Outcome,
}

impl RuleState {
    /// Every rule of a policy.
    pub fn all_of(rules: &RuleSet) -> Vec<Self> {
        rules.iter().map(|(rule, setting)| Self::of(rule, setting)).collect()
    }

    /// Whether it is on at all: where no override matches, or where one does that has it on, which what it found shows.
    pub(crate) fn is_on(&self, tally: &Tally) -> bool {
        let found = tally.of_rule(self.rule.id);
        self.enabled || found.findings > 0 || found.exempt > 0
    }

    fn of(rule: &'static RuleMeta, setting: &RuleSetting) -> Self {
        Self {
            rule,
            enabled: setting.enabled,
            severity: setting.severity.unwrap_or(rule.severity),
            outcome: setting.outcome.unwrap_or(rule.outcome),
        }
    }
}
