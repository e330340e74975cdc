//! How to mend an issue, as something to paste: what the manifest is to say, and the command that says it to the
//! cluster.

mod place;

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::Policy;
use tagwatch_core::workload::ContainerType;

use crate::snapshot::{Issue, Mend, PULL_FAILING, Workload};
use crate::text::quote;
use place::Place;

/// One way to mend an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remedy {
    pub(crate) title: &'static str,
    /// What to know before.
    pub(crate) note: Option<&'static str>,
    /// A patch of the object, as YAML. `<digest>` stands for what the command finds out.
    pub(crate) patch: String,
    /// A command for a POSIX shell; null where the object cannot be changed in place.
    pub(crate) command: Option<String>,
}

const RECREATE: &str = "Nobody may change the pod template of this object: change the manifest, delete the object, and apply it anew.";
const POD: &str =
    "A Pod's pull policy cannot be changed: change the manifest, delete the Pod, and apply it anew.";
const STOPGAP: &str = "A stopgap: the kubelet asks the registry at every start, though a mirror or a cache can still \
                       answer with an old digest.";

/// Ways to mend an issue, best first. None where the place that was judged is not the object's own, and none for an
/// ephemeral container, which nobody can change.
pub(crate) fn remedies(workload: &Workload, issue: &Issue) -> Vec<Remedy> {
    let is_own = workload.mend != Mend::Elsewhere && issue.container_type != ContainerType::Ephemeral;
    let Some(place) = Place::parse(&issue.field_path).filter(|_| is_own) else { return Vec::new() };
    let target = Target { workload, issue, place };
    [target.pin(), target.pull()].into_iter().flatten().collect()
}

struct Target<'a> {
    workload: &'a Workload,
    issue: &'a Issue,
    place: Place<'a>,
}

impl Target<'_> {
    /// The digest that the tag means now, beside the tag; a `latest` says nothing beside a digest.
    fn pin(&self) -> Option<Remedy> {
        // What does not come by its tag does not come by its digest.
        if self.issue.rule.id == PULL_FAILING {
            return None;
        }
        let image = self.issue.image.raw();
        let reference = Reference::parse(image).ok().filter(|reference| reference.digest().is_none())?;
        let moves =
            self.workload.container(self.issue).is_some_and(|container| container.tag_class.is_mutable());
        if self.issue.rule.policy == Policy::ImagePullPolicy && !moves {
            return None;
        }
        let named = if reference.tag() == Some("latest") { image.strip_suffix(":latest")? } else { image };
        let inspect = "docker buildx imagetools inspect --format '{{.Manifest.Digest}}'";
        let command = self.patch(&self.place.image(), "replace", &format!("{named}@"), "\"$digest\"");
        Some(Remedy {
            title: "Pin what the tag means today",
            note: (self.workload.mend == Mend::Recreate).then_some(RECREATE),
            patch: self.place.yaml(&self.issue.container, &format!("{named}@sha256:<digest>").into()),
            command: command
                .filter(|_| self.workload.mend != Mend::Recreate)
                .and_then(|patch| Some(format!("digest=$({inspect} {}) &&\n{patch}", quote(image)?))),
        })
    }

    fn pull(&self) -> Option<Remedy> {
        if self.issue.rule.policy != Policy::ImagePullPolicy {
            return None;
        }
        let (title, policy) = match self.issue.rule.id {
            "needless-pull" => ("Let nodes use the copy they have", PullPolicy::IfNotPresent),
            _ => ("Pull at every start", PullPolicy::Always),
        };
        let place = self.place.pull_policy(self.issue.container_type);
        let note = match self.workload.mend {
            Mend::Recreate => Some(RECREATE),
            Mend::Pod => Some(POD),
            _ => (policy == PullPolicy::Always).then_some(STOPGAP),
        };
        let command = self.patch(&place.image(), "add", policy.as_str(), "");
        Some(Remedy {
            title,
            note,
            patch: place.yaml(&self.issue.container, &policy.as_str().into()),
            command: command.filter(|_| self.workload.mend == Mend::Template),
        })
    }

    /// A JSON patch (RFC 6902), which every kind takes. It tests the container's name first: a list that has changed
    /// since is not patched. `tail` is shell text at the end of the value.
    fn patch(&self, pointer: &str, operation: &str, value: &str, tail: &str) -> Option<String> {
        let Workload { namespace, kind, name, .. } = self.workload;
        if name.raw().starts_with('-') {
            return None;
        }
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let test = format!(
            "{{\"op\":\"test\",\"path\":{},\"value\":{}}}",
            json(&self.place.name()),
            json(self.issue.container.raw())
        );
        let value = json(value);
        let open = value.strip_suffix('"')?;
        let head = format!("[{test},{{\"op\":\"{operation}\",\"path\":{},\"value\":{open}", json(pointer));
        let patch = if tail.is_empty() {
            quote(&format!("{head}\"}}]"))?.into_owned()
        } else {
            format!("{}{tail}{}", quote(&head)?, quote("\"}]")?)
        };
        Some(format!(
            "kubectl patch {} {} --namespace {} --type json \\\n  --patch {patch}",
            quote(&kind.raw().to_ascii_lowercase())?,
            quote(name.raw())?,
            quote(namespace.raw())?,
        ))
    }
}
