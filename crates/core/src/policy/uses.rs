//! Which rules a policy has on.

use super::Policy;
use crate::reference::Reference;
use crate::rules;
use crate::workload::{Container, WorkloadId};

impl Policy {
    /// Whether a rule is on for a container.
    pub fn checks(&self, rule: &str, id: &WorkloadId, container: &Container) -> bool {
        let reference = Reference::parse(container.image.raw());
        self.rules_for(id, container, reference.as_ref().ok(), |_| ()).is_enabled(rule)
    }

    /// Whether a rule is on, if only for some workloads.
    pub fn uses_rule(&self, id: &str) -> bool {
        let mut changes = self.overrides.iter().flat_map(|layer| &layer.changes);
        self.rules.is_enabled(id) || changes.any(|change| change.enabled == Some(true) && change.id == id)
    }

    /// Whether a rule of a group is on, if only for some workloads: else its evidence need not be collected.
    pub fn uses(&self, group: rules::RuleGroup) -> bool {
        let of_group = |id: &str| rules::find(id).is_some_and(|rule| rule.group == group);
        let changes = self.overrides.iter().flat_map(|layer| &layer.changes);
        self.rules.enabled().any(|(rule, _)| rule.group == group)
            || changes.into_iter().any(|change| change.enabled == Some(true) && of_group(change.id))
    }
}
