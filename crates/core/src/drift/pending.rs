//! When something is due that no event will announce.

use std::time::Duration;

use crate::policy::Policy;
use crate::reference::Reference;
use crate::rules::{self, RuleSet};
use crate::workload::{Container, Workload};

/// In how long a workload has to be judged again, because a state lasts that a rule gives some time; `None` when
/// nothing is due.
pub fn next_look(policy: &Policy, workload: &Workload) -> Option<Duration> {
    workload
        .containers
        .iter()
        .filter(|container| container.drift.is_some())
        .filter_map(|container| {
            let reference = Reference::parse(container.image.raw()).ok();
            due_in(container, &policy.rules_for(&workload.id, container, reference.as_ref()))
        })
        .min()
}

fn due_in(container: &Container, rules: &RuleSet) -> Option<Duration> {
    let drift = container.drift.as_deref()?;
    let left =
        |grace: Option<Duration>, lasted: Duration| grace?.checked_sub(lasted).filter(|left| !left.is_zero());
    let mixed = drift.mixed.as_ref().and_then(|mixed| left(rules::mixed_digests_grace(rules), mixed.lasted));
    let failing = drift.pull_failure.as_ref().filter(|failure| failure.reason.is_passing());
    let failing = failing.and_then(|failure| left(rules::image_pull_failing_grace(rules), failure.lasted));
    [mixed, failing].into_iter().flatten().min()
}
