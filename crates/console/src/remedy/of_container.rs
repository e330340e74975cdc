//! The one change of a container that closes the most of its issues, as a patch and a command.

use tagwatch_core::issue::Issue;
use tagwatch_core::workload::ContainerType;

use super::{Remedy, Target};
use crate::snapshot::{ContainerFacts, Workload};

/// How many issues the change of its container closes together with this one; 0 where it does not close this one, and where
/// the page of this one offers another change.
pub(crate) fn closed_at_once(workload: &Workload, issue: &Issue) -> usize {
    let container = workload.container(issue).filter(|container| can_change(container));
    let fix = container.and_then(|container| container.fix.as_ref());
    let fix = fix.filter(|fix| issue.is_open() && fix.closes.contains(&issue.rule.id));
    let is_offered =
        |change| Target::new(workload, issue).is_some_and(|target| target.changes().contains(&Some(change)));
    fix.filter(|fix| is_offered(fix.change())).map_or(0, |fix| fix.closes.len())
}

/// Whether the object contains the container, and the API server accepts a change of it or of its successor.
fn can_change(container: &ContainerFacts) -> bool {
    container.edit_mode.is_in_object() && container.container_type != ContainerType::Ephemeral
}

/// The change of a container that closes what its [`ContainerFix`] says; `issue` is one of its issues. `None` where the
/// object does not contain the container, and where nothing closes anything.
pub fn remedy_of_container(workload: &Workload, container: &ContainerFacts, issue: &Issue) -> Option<Remedy> {
    let change = container.fix.as_ref()?.change();
    let target = Target::new(workload, issue).filter(|_| can_change(container))?;
    target.remedy(change)
}
