//! The rules and exemptions that apply to a workload, with their origin.

use super::subject::Subject;
use super::{Exemption, Policy};
use crate::rules::{RuleMeta, RuleSetting};
use crate::workload::WorkloadId;

/// A rule as it applies, with the origin of its setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveRule {
    /// Identity and documentation of the rule.
    pub rule: &'static RuleMeta,
    /// Its setting, without overrides that match only some containers or images.
    pub setting: RuleSetting,
    /// The origins of the setting, in order: the profile, then fields of the policy.
    pub origins: Vec<String>,
    /// Overrides that change it for some containers or images.
    pub for_some_containers: Vec<String>,
}

impl Policy {
    /// Every rule as it applies to a workload; without one, as it applies where no override matches.
    pub fn effective(&self, id: Option<&WorkloadId>) -> Vec<EffectiveRule> {
        let origin = format!("profile {}", self.profile);
        let mut rules: Vec<EffectiveRule> = self
            .profile
            .rules()
            .iter()
            .map(|(rule, setting)| EffectiveRule {
                rule,
                setting: setting.clone(),
                origins: vec![origin.clone()],
                for_some_containers: Vec::new(),
            })
            .collect();
        for (rule, (_, setting)) in rules.iter_mut().zip(self.rules.iter()) {
            if self.changes.iter().any(|change| change.id == rule.rule.id) {
                rule.setting = setting.clone();
                rule.origins.push("spec.rules".to_owned());
            }
        }
        let Some(id) = id else { return rules };
        let subject = Subject::new(id, &self.kinds);
        let matching =
            self.overrides.iter().enumerate().filter(|(_, layer)| layer.matcher.admits_workload(&subject));
        let mut settings = self.rules.clone();
        for (index, layer) in matching {
            let origin = format!("spec.overrides[{index}]");
            let for_all = layer.matcher.is_for_every_container();
            for change in &layer.changes {
                let Some(rule) = rules.iter_mut().find(|rule| rule.rule.id == change.id) else { continue };
                if for_all {
                    change.apply(&mut settings);
                    rule.setting = settings.get(change.id).cloned().unwrap_or_default();
                    rule.origins.push(origin.clone());
                } else {
                    rule.for_some_containers.push(origin.clone());
                }
            }
        }
        rules
    }

    /// The exemptions that match a workload, or some of its containers, by their index.
    pub fn exemptions_for<'a>(&'a self, id: &'a WorkloadId) -> impl Iterator<Item = (usize, &'a Exemption)> {
        let subject = Subject::new(id, &self.kinds);
        self.exemptions
            .iter()
            .enumerate()
            .filter(move |(_, exemption)| exemption.matcher.admits_workload(&subject))
    }
}
