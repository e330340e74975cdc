//! How to fix an issue: a patch of the manifest, and the command that applies it to the cluster.

mod container_field;
mod of_container;

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::issue::{EditMode, Issue};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::{RuleGroup, ids};
use tagwatch_core::workload::ContainerType;

use crate::snapshot::{ContainerChange, ContainerFacts, Workload, name_to_pin};
use crate::text::quote;
use container_field::ContainerField;
pub(crate) use of_container::closed_at_once;
pub use of_container::remedy_of_container;

/// One way to fix an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// `pin` or `pull`: names it in the addresses of its files.
    pub id: &'static str,
    /// What the change does, in one phrase.
    pub title: &'static str,
    /// Side effects and limits.
    pub note: Option<String>,
    /// A patch of the object, as YAML. `<digest>` is a placeholder that the command fills in.
    pub patch: String,
    /// A command for a POSIX shell; null where the object cannot be changed in place.
    pub command: Option<String>,
}

impl Remedy {
    const PIN: &'static str = "pin";
    const PULL: &'static str = "pull";
    /// Every [`Remedy::id`].
    pub(crate) const IDS: [&'static str; 2] = [Self::PIN, Self::PULL];
}
const PIN: &str = "Pin what the tag means today";
const PULL: &str = "Pull at every start";
const CACHED: &str = "Let nodes use the copy they have";
const PIN_AND_PULL: &str = "Pin what the tag means today, and pull at every start";
const PIN_AND_CACHE: &str = "Pin what the tag means today, and let nodes use the copy they have";

const RECREATE: &str = "The API server accepts no change of this pod template: change the manifest, delete the object, and apply it anew.";
const REPLACE: &str = "Pods that run keep what they were made with: delete them once the template is changed, and new ones \
                       take their place.";
const CUSTOM: &str =
    "Whether this change is accepted, and when it reaches pods, is up to the controller of this kind.";
const POD: &str = "Of a Pod nothing but the images of its containers can be changed: change the manifest, delete the Pod, \
                   and apply it anew.";
const MIRROR: &str = "A kubelet runs this Pod from a file on its node and takes no change from the API server: change the \
                      file.";
const STOPGAP: &str = "A stopgap: the kubelet asks the registry at every start, though a mirror or a cache can still \
                       answer with an old digest.";
const MOVES: &str =
    "Nodes that hold a copy keep it, whatever the tag has come to mean: pin the image as well.";

const ADDED: &str = "The pod template of this object does not have this place: something adds it to the pods, such as a \
                     webhook that injects sidecars. Change it there.";
const OTHER_IMAGE: &str = "The pod template of this object names another image here. Pods have this one because admission \
                           (such as a webhook that rewrites images) or another client changed it, or because they are of \
                           an earlier template. Change it there, or delete those pods.";
const OLDER_REVISION: &str = "Pods of an older revision have this image, and the pod template of this object does not name it \
                              any more: there is nothing to patch. Finish or undo the rollout (kubectl rollout status, \
                              kubectl rollout undo), or scale down what the older revision left behind.";
const ELSEWHERE: &str = "The image was read from what this object made, its pods or what makes them: change it where the \
                         object names it.";
const EPHEMERAL: &str = "An ephemeral container cannot be changed: it is removed with its Pod. Start the next one with the right image.";

/// Ways to fix an issue, best first; empty when [`why_none`] gives a reason. Each of them closes it: the engine has tried.
pub fn remedies(workload: &Workload, issue: &Issue) -> Vec<Remedy> {
    let Some(target) = Target::new(workload, issue).filter(|_| why_none(workload, issue).is_none()) else {
        return Vec::new();
    };
    target.changes().into_iter().flatten().filter_map(|change| target.remedy(change)).collect()
}

/// Why there is no patch: the object does not contain the field that was checked, or the field is immutable.
pub(crate) fn why_none(workload: &Workload, issue: &Issue) -> Option<&'static str> {
    match (issue.container_type, workload.edit_mode(issue)) {
        (ContainerType::Ephemeral, _) => Some(EPHEMERAL),
        (_, EditMode::Added) => Some(ADDED),
        (_, EditMode::OtherImage) => Some(OTHER_IMAGE),
        (_, EditMode::OlderRevision) => Some(OLDER_REVISION),
        (_, EditMode::Elsewhere) => Some(ELSEWHERE),
        _ => None,
    }
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

/// One operation of a JSON patch, on a field with a text.
struct Operation {
    pointer: String,
    name: &'static str,
    value: String,
    /// Shell text that is appended to the value.
    tail: &'static str,
}

struct Target<'a> {
    workload: &'a Workload,
    issue: &'a Issue,
    field: ContainerField<'a>,
}

impl<'a> Target<'a> {
    /// `None` where the path of the issue leads to no container.
    fn new(workload: &'a Workload, issue: &'a Issue) -> Option<Self> {
        Some(Self { workload, issue, field: ContainerField::parse(&issue.field_path)? })
    }

    /// What closes the issue: with a digest, and with a pull policy alone. What closes others of the container as well comes
    /// first: a list of issues promises it.
    fn changes(&self) -> [Option<ContainerChange>; 2] {
        let Some(container) = self.workload.container(self.issue) else { return [None, None] };
        let allowed = &container.allowed_pull_policies;
        let is_allowed = |policy| allowed.is_empty() || allowed.contains(&policy);
        let changes = container.closing.of(self.issue.rule.id);
        let (pins, pulls): (Vec<_>, Vec<_>) = changes
            .filter(|change| change.pull_policy.is_none_or(is_allowed))
            .partition(|change| change.pins);
        let is_about_pull_policies = self.issue.rule.group == RuleGroup::ImagePullPolicy;
        // A digest makes no image available, and it is no way to change a pull policy that is wrong for any image.
        let is_about_the_reference =
            ![ids::IMAGE_PULL_FAILING, ids::PULL_POLICY_NOT_ALLOWED, ids::CACHED_PRIVATE_IMAGE]
                .contains(&self.issue.rule.id);
        let may_pin = is_about_the_reference && (!is_about_pull_policies || self.is_mutable());
        // Of a reference that stays, the copy of a node is right.
        let preferred = if self.is_mutable() { PullPolicy::Always } else { PullPolicy::IfNotPresent };
        let pull = pulls.iter().find(|change| change.pull_policy == Some(preferred)).or(pulls.first());
        let pin = pins.first().copied().filter(|_| may_pin);
        let pull = pull.copied().filter(|_| is_about_pull_policies);
        match self.shared_change(container) {
            Some(shared) => [Some(shared), if shared.pins { pull } else { pin }],
            None => [pin, pull],
        }
    }

    /// The change of the container that closes the most, where it closes this issue and others.
    fn shared_change(&self, container: &ContainerFacts) -> Option<ContainerChange> {
        let fix = container.fix.as_ref().filter(|fix| fix.closes.len() > 1)?;
        let closes_it = self.issue.is_open() && fix.closes.contains(&self.issue.rule.id);
        // Of a Pod, the image alone can be changed in place.
        let is_in_place = fix.pull_policy.is_none() || container.edit_mode != EditMode::Pod;
        (closes_it && is_in_place).then(|| fix.change())
    }

    /// A change as a patch and a command.
    fn remedy(&self, ContainerChange { pins, pull_policy }: ContainerChange) -> Option<Remedy> {
        let named = if pins { Some(name_to_pin(self.issue.image.raw())?) } else { None };
        let is_image_of_container =
            pull_policy.is_none() && self.issue.container_type != ContainerType::ImageVolume;
        let (of_change, is_in_place) = self.change(is_image_of_container);
        let of_policy = match pull_policy {
            _ if pins => None,
            // A digest is the same image wherever it comes from.
            Some(PullPolicy::Always) => self.is_mutable().then_some(STOPGAP),
            Some(_) => self.is_mutable().then_some(MOVES),
            None => None,
        };
        let notes: Vec<&str> = [of_change, of_policy].into_iter().flatten().collect();
        let operations = named.map(|named| self.pin_operation(named));
        let operations: Vec<_> =
            operations.into_iter().chain(pull_policy.map(|policy| self.pull_operation(policy))).collect();
        let command = if pins { self.pinning(&operations) } else { self.patch(&operations) };
        Some(Remedy {
            id: if pins { Remedy::PIN } else { Remedy::PULL },
            title: title(pins, pull_policy),
            note: (!notes.is_empty()).then(|| notes.join(" ")),
            patch: self.yaml_of(named, pull_policy)?,
            command: command.filter(|_| is_in_place),
        })
    }

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

    fn pin_yaml(&self, named: &str) -> String {
        self.field.yaml(&self.issue.container, &format!("{named}@sha256:<digest>").into())
    }

    fn pin_operation(&self, named: &str) -> Operation {
        let (name, value) = ("replace", format!("{named}@"));
        Operation { pointer: self.field.pointer(), name, value, tail: "\"$digest\"" }
    }

    /// A command that finds out the digest of the image, and puts it where an operation has `$digest`.
    fn pinning(&self, operations: &[Operation]) -> Option<String> {
        let inspect = "docker buildx imagetools inspect --format '{{.Manifest.Digest}}'";
        let image = quote(self.issue.image.raw())?;
        Some(format!("digest=$({inspect} {image}) &&\n{}", self.patch(operations)?))
    }

    fn pull_operation(&self, policy: PullPolicy) -> Operation {
        let pointer = self.field.pull_policy(self.issue.container_type).pointer();
        Operation { pointer, name: "add", value: policy.as_str().to_owned(), tail: "" }
    }

    /// Whether the same reference can name another image later.
    fn is_mutable(&self) -> bool {
        self.issue.tag_class.is_mutable()
    }

    /// A note on changing the object, and whether the API server accepts the change. `of_image` is true for the image of
    /// a container.
    fn change(&self, of_image: bool) -> (Option<&'static str>, bool) {
        match self.workload.edit_mode(self.issue) {
            EditMode::Template => (None, true),
            EditMode::Replace => (Some(REPLACE), true),
            EditMode::Custom => (Some(CUSTOM), true),
            EditMode::Pod if of_image => (None, true),
            EditMode::Pod => (Some(POD), false),
            EditMode::Mirror => (Some(MIRROR), false),
            EditMode::Recreate => (Some(RECREATE), false),
            EditMode::Added | EditMode::OtherImage | EditMode::OlderRevision | EditMode::Elsewhere => {
                (None, false)
            }
        }
    }

    /// What the object must still hold for a change to be right: the container, its image, and the pull policy where that
    /// is replaced. Another client may have changed the object since it was checked.
    fn expected(&self, operations: &[Operation]) -> Vec<(String, &str)> {
        let pull_policy = self.field.pull_policy(self.issue.container_type).pointer();
        let written =
            self.workload.container(self.issue).and_then(|container| container.pull_policy.as_ref());
        let written = written.filter(|_| operations.iter().any(|operation| operation.pointer == pull_policy));
        let mut expected = vec![
            (self.field.name_pointer(), self.issue.container.raw()),
            (self.field.pointer(), self.issue.image.raw()),
        ];
        expected.extend(written.map(|written| (pull_policy, written.raw())));
        expected
    }

    /// A command with a JSON patch (RFC 6902), which every kind accepts. The patch tests first what it replaces, so it
    /// changes nothing where the object has changed.
    fn patch(&self, operations: &[Operation]) -> Option<String> {
        let Workload { namespace, kind, name, .. } = self.workload;
        if name.raw().starts_with('-') {
            return None;
        }
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let mut shell = String::new();
        let tests = self.expected(operations);
        let tests = tests.iter().map(|(pointer, value)| {
            format!("{{\"op\":\"test\",\"path\":{},\"value\":{}}}", json(pointer), json(value))
        });
        let mut literal = format!("[{}", tests.collect::<Vec<_>>().join(","));
        for Operation { pointer, name, value, tail } in operations {
            let value = json(value);
            let open = value.strip_suffix('"')?;
            let _ = write!(literal, ",{{\"op\":\"{name}\",\"path\":{},\"value\":{open}", json(pointer));
            if !tail.is_empty() {
                shell.push_str(&quote(&literal)?);
                shell.push_str(tail);
                literal.clear();
            }
            literal.push_str("\"}");
        }
        literal.push(']');
        shell.push_str(&quote(&literal)?);
        Some(format!(
            "kubectl patch {} {} --namespace {} --type json \\\n  --patch {shell}",
            quote(&kind.raw().to_ascii_lowercase())?,
            quote(name.raw())?,
            quote(namespace.raw())?,
        ))
    }
}
