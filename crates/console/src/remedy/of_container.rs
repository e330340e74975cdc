//! The one change of a container that closes the most of its issues, as a patch and a command.

use tagwatch_core::issue::Issue;
use tagwatch_core::workload::ContainerType;

use super::{Remedy, Target};
use crate::snapshot::{ContainerChange, ContainerFacts, ContainerFix, Workload};

/// How many issues the change of its container closes together with this one; 0 where it does not close this one.
pub(crate) fn closed_at_once(workload: &Workload, issue: &Issue) -> usize {
    let container = workload.container(issue).filter(|container| can_change(container));
    let fix = container.and_then(|container| container.fix.as_ref());
    fix.filter(|fix| issue.is_open() && fix.closes.contains(&issue.rule.id)).map_or(0, |fix| fix.closes.len())
}

/// Whether the object contains the container, and the API server accepts a change of it or of its successor.
fn can_change(container: &ContainerFacts) -> bool {
    container.edit_mode.is_in_object() && container.container_type != ContainerType::Ephemeral
}

/// The change of a container that closes what its [`ContainerFix`] says; `issue` is one of its issues. `None` where the
/// object does not contain the container, and where nothing closes anything.
pub fn remedy_of_container(workload: &Workload, container: &ContainerFacts, issue: &Issue) -> Option<Remedy> {
    let ContainerFix { pins, pull_policy, .. } = *container.fix.as_ref()?;
    let target = Target::new(workload, issue).filter(|_| can_change(container))?;
    target.remedy(ContainerChange { pins, pull_policy })
}
