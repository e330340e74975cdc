//! How findings ended, decided at the evaluation that no longer has them: later evaluations cannot see it.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::issue::{Ending, Interval, Issue};
use tagwatch_core::policy::Policy;
use tagwatch_core::rules::{self, RuleGroup};
use tagwatch_core::workload::{Container, ContainerType, Workload};

use super::bounds::{self, MAX_LONG, MAX_SHORT};
use super::first_seen::Open;

/// Type and name of a container, as a report shows it.
type Place = (ContainerType, String);

/// What an evaluation says of the places of findings that it no longer has.
pub(super) struct Endings<'a> {
    workload: &'a Workload,
    policy: &'a Policy,
    /// The containers of each place by image, as a report shows it.
    places: BTreeMap<Place, BTreeMap<String, &'a Container>>,
    /// The place, image and rule of each exempt result.
    exempt: BTreeSet<(Place, String, &'static str)>,
}

impl<'a> Endings<'a> {
    pub(super) fn new(workload: &'a Workload, policy: &'a Policy, issues: &[&Issue]) -> Self {
        let mut places: BTreeMap<Place, BTreeMap<String, &Container>> = BTreeMap::new();
        for container in &workload.containers {
            let place = (container.container_type, bounds::shown(&container.name, MAX_SHORT));
            let image = bounds::shown(&container.image, MAX_LONG);
            places.entry(place).or_default().entry(image).or_insert(container);
        }
        let exempt = issues.iter().filter(|issue| issue.is_exempt()).map(|issue| {
            let place = (issue.container_type, bounds::shown(&issue.container, MAX_SHORT));
            (place, bounds::shown(&issue.image, MAX_LONG), issue.rule.id)
        });
        Self { workload, policy, places, exempt: exempt.collect() }
    }

    /// How a finding ended that this evaluation no longer has.
    pub(super) fn of(&self, open: &Open) -> Ending {
        let (Some(rule), Some(container_type)) = (rules::find(open.rule.raw()), open.container_type) else {
            return Ending::Resolved;
        };
        let place = (container_type, open.container.json().to_owned());
        let images = self.places.get(&place);
        // An image that is there no more has been replaced in its place; where several run there, the first stands for all.
        let replaced = || images.and_then(BTreeMap::first_key_value);
        let found = images.and_then(|images| images.get_key_value(open.image.json())).or_else(replaced);
        let Some((image, container)) = found else { return Ending::Fixed };
        let is_replaced = image != open.image.json();
        if self.exempt.contains(&(place, image.clone(), rule.id)) {
            return Ending::Exempted;
        }
        if !self.policy.checks(rule.id, &self.workload.id, container) {
            return Ending::RuleOff;
        }
        let is_changed = is_replaced
            || open.pull_policy.as_ref().is_some_and(|then| then.json() != pull_policy(container));
        if is_changed || rule.group == RuleGroup::ImageDrift { Ending::Fixed } else { Ending::Resolved }
    }
}

/// The pull policy as a report shows it.
fn pull_policy(container: &Container) -> String {
    let written = container.pull_policy.as_ref();
    written.map_or(Interval::UNSET.to_owned(), |policy| bounds::shown(policy, MAX_SHORT))
}
