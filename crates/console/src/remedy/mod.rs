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

use crate::snapshot::{Workload, name_to_pin};
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
const ELSEWHERE: &str = "The image was read from what this object made, its pods or what makes them: change it where the \
                         object names it.";
const EPHEMERAL: &str = "An ephemeral container cannot be changed: it is removed with its Pod. Start the next one with the right image.";

/// Ways to fix an issue, best first; empty when [`why_none`] gives a reason.
pub fn remedies(workload: &Workload, issue: &Issue) -> Vec<Remedy> {
    let Some(field) =
        ContainerField::parse(&issue.field_path).filter(|_| why_none(workload, issue).is_none())
    else {
        return Vec::new();
    };
    let target = Target { workload, issue, field };
    [target.pin(), target.pull()].into_iter().flatten().collect()
}

/// Why there is no patch: the object does not contain the field that was checked, or the field is immutable.
pub(crate) fn why_none(workload: &Workload, issue: &Issue) -> Option<&'static str> {
    match (issue.container_type, workload.edit_mode(issue)) {
        (ContainerType::Ephemeral, _) => Some(EPHEMERAL),
        (_, EditMode::Added) => Some(ADDED),
        (_, EditMode::Elsewhere) => Some(ELSEWHERE),
        _ => None,
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

impl Target<'_> {
    /// Adds the current digest of the tag to the image. The tag stays, unless it is `latest`, which says nothing beside a
    /// digest.
    fn pin(&self) -> Option<Remedy> {
        // A digest makes no image available, and changes no pull policy.
        if [ids::IMAGE_PULL_FAILING, ids::PULL_POLICY_NOT_ALLOWED, ids::CACHED_PRIVATE_IMAGE]
            .contains(&self.issue.rule.id)
        {
            return None;
        }
        let named = name_to_pin(self.issue.image.raw())?;
        if self.issue.rule.group == RuleGroup::ImagePullPolicy && !self.is_mutable() {
            return None;
        }
        let (note, is_in_place) = self.change(self.issue.container_type != ContainerType::ImageVolume);
        Some(Remedy {
            id: Remedy::PIN,
            title: PIN,
            note: note.map(str::to_owned),
            patch: self.pin_yaml(named),
            command: self.pinning(&[self.pin_operation(named)]).filter(|_| is_in_place),
        })
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

    fn pull(&self) -> Option<Remedy> {
        if self.issue.rule.group != RuleGroup::ImagePullPolicy {
            return None;
        }
        let wanted: &[PullPolicy] = match self.issue.rule.id {
            ids::NEEDLESS_PULL => &[PullPolicy::IfNotPresent],
            ids::PULL_POLICY_NOT_ALLOWED | ids::PULL_POLICY_NEVER if self.is_mutable() => {
                &[PullPolicy::Always, PullPolicy::IfNotPresent]
            }
            ids::PULL_POLICY_NOT_ALLOWED | ids::PULL_POLICY_NEVER => {
                &[PullPolicy::IfNotPresent, PullPolicy::Always]
            }
            _ => &[PullPolicy::Always],
        };
        let allowed = &self.workload.container(self.issue)?.allowed_pull_policies;
        let policy = wanted.iter().copied().find(|policy| allowed.contains(policy))?;
        let field = self.field.pull_policy(self.issue.container_type);
        let (title, of_policy) = match policy {
            PullPolicy::Always => (PULL, Some(STOPGAP)),
            _ => (CACHED, self.is_mutable().then_some(MOVES)),
        };
        let (of_change, is_in_place) = self.change(false);
        let notes: Vec<&str> = [of_change, of_policy].into_iter().flatten().collect();
        let command = self.patch(&[self.pull_operation(policy)]);
        Some(Remedy {
            id: Remedy::PULL,
            title,
            note: (!notes.is_empty()).then(|| notes.join(" ")),
            patch: field.yaml(&self.issue.container, &policy.as_str().into()),
            command: command.filter(|_| is_in_place),
        })
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
            EditMode::Added | EditMode::Elsewhere => (None, false),
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
