//! The setting of every rule, as a policy decides it.

use super::meta::RuleMeta;
use super::parameters::Parameters;
use crate::outcome::{Outcome, Severity};

/// A rule as a policy sets it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSetting {
    /// Whether the rule is on.
    pub enabled: bool,
    /// The result, where it is not the rule's own.
    pub outcome: Option<Outcome>,
    /// The severity, where it is not the rule's own.
    pub severity: Option<Severity>,
    /// The parameters, with defaults where the policy sets none.
    pub parameters: Parameters,
}

/// The setting of every rule, in the order of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet(Vec<(&'static RuleMeta, RuleSetting)>);

impl RuleSet {
    /// The rules that `enabled` picks are on, with their own results, severities and parameters.
    pub(super) fn new(
        rules: impl Iterator<Item = &'static RuleMeta>,
        enabled: impl Fn(&RuleMeta) -> bool,
    ) -> Self {
        Self(
            rules
                .map(|rule| (rule, RuleSetting { enabled: enabled(rule), ..RuleSetting::default() }))
                .collect(),
        )
    }

    /// Every rule with its setting.
    pub fn iter(&self) -> impl Iterator<Item = (&'static RuleMeta, &RuleSetting)> {
        self.0.iter().map(|(rule, setting)| (*rule, setting))
    }

    /// The rules that are on.
    pub fn enabled(&self) -> impl Iterator<Item = (&'static RuleMeta, &RuleSetting)> {
        self.iter().filter(|(_, setting)| setting.enabled)
    }

    /// A rule's setting; `None` for an unknown id.
    pub fn get(&self, id: &str) -> Option<&RuleSetting> {
        self.iter().find(|(rule, _)| rule.id == id).map(|(_, setting)| setting)
    }

    /// A rule's setting, to be changed; `None` for an unknown id.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut RuleSetting> {
        self.0.iter_mut().find(|(rule, _)| rule.id == id).map(|(_, setting)| setting)
    }

    /// A rule's setting, where the rule is on.
    pub(crate) fn get_enabled(&self, id: &str) -> Option<&RuleSetting> {
        self.get(id).filter(|setting| setting.enabled)
    }

    /// Whether a rule is on.
    pub fn is_enabled(&self, id: &str) -> bool {
        self.get_enabled(id).is_some()
    }
}
