//! The one change of a container that closes the most of its issues, as a patch and a command.

use tagwatch_core::issue::{EditMode, Issue};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::workload::ContainerType;

use super::container_field::ContainerField;
use super::{CACHED, MOVES, PIN, PULL, Remedy, STOPGAP, Target};
use crate::snapshot::{ContainerFacts, ContainerFix, Workload, name_to_pin};

const PIN_AND_PULL: &str = "Pin what the tag means today, and pull at every start";
const PIN_AND_CACHE: &str = "Pin what the tag means today, and let nodes use the copy they have";

/// How many issues the change of its container closes together with this one; 0 where it does not close this one.
pub(crate) fn closed_at_once(workload: &Workload, issue: &Issue) -> usize {
    let container = workload.container(issue).filter(|container| can_change(container));
    let fix = container.and_then(|container| container.fix.as_ref());
    fix.filter(|fix| issue.is_open() && fix.closes.contains(&issue.rule.id)).map_or(0, |fix| fix.closes.len())
}

/// Whether the object contains the container, and the API server accepts a change of it or of its successor.
fn can_change(container: &ContainerFacts) -> bool {
    let is_elsewhere = matches!(container.edit_mode, EditMode::Added | EditMode::Elsewhere);
    !is_elsewhere && container.container_type != ContainerType::Ephemeral
}

/// The change of a container that closes what its [`ContainerFix`] says; `issue` is one of its issues. `None` where the
/// object does not contain the container, and where nothing closes anything.
pub fn remedy_of_container(workload: &Workload, container: &ContainerFacts, issue: &Issue) -> Option<Remedy> {
    let ContainerFix { pins, pull_policy, .. } = *container.fix.as_ref()?;
    if !can_change(container) {
        return None;
    }
    let field = ContainerField::parse(&issue.field_path)?;
    let target = Target { workload, issue, field };
    let named = if pins { Some(name_to_pin(issue.image.raw())?) } else { None };
    let is_image_of_container =
        pull_policy.is_none() && container.container_type != ContainerType::ImageVolume;
    let (of_change, is_in_place) = target.change(is_image_of_container);
    let of_policy = match pull_policy {
        _ if pins => None,
        Some(PullPolicy::Always) => Some(STOPGAP),
        Some(_) => target.is_mutable().then_some(MOVES),
        None => None,
    };
    let notes: Vec<&str> = [of_change, of_policy].into_iter().flatten().collect();
    let operations = named.map(|named| target.pin_operation(named));
    let operations: Vec<_> =
        operations.into_iter().chain(pull_policy.map(|policy| target.pull_operation(policy))).collect();
    let command = if pins { target.pinning(&operations) } else { target.patch(&operations) };
    Some(Remedy {
        id: if pins { Remedy::PIN } else { Remedy::PULL },
        title: title(pins, pull_policy),
        note: (!notes.is_empty()).then(|| notes.join(" ")),
        patch: target.yaml_of(named, pull_policy)?,
        command: command.filter(|_| is_in_place),
    })
}

fn title(pins: bool, pull_policy: Option<PullPolicy>) -> &'static str {
    match (pins, pull_policy) {
        (true, None) => PIN,
        (true, Some(PullPolicy::Always)) => PIN_AND_PULL,
        (true, Some(_)) => PIN_AND_CACHE,
        (false, Some(PullPolicy::Always)) => PULL,
        (false, _) => CACHED,
    }
}

impl Target<'_> {
    /// The manifest with both fields. They are in one mapping, so the second is one more line of the first.
    fn yaml_of(&self, named: Option<&str>, pull_policy: Option<PullPolicy>) -> Option<String> {
        let pin = named.map(|named| self.pin_yaml(named));
        let pull = pull_policy.map(|policy| {
            let field = self.field.pull_policy(self.issue.container_type);
            field.yaml(&self.issue.container, &policy.as_str().into())
        });
        match (pin, pull) {
            (Some(pin), Some(pull)) => Some(format!("{pin}{}\n", pull.lines().last()?)),
            (one, other) => one.or(other),
        }
    }
}
