//! A judged workload.

use tagwatch_core::outcome::Outcome;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use super::{ClosedInterval, ImageChange, Issue, WorkloadName};
use crate::url::key;

/// A workload with all that is known of it.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its namespace.
    pub namespace: UntrustedText,
    /// Its kind as metrics label it: see [`tagwatch_core::kinds::kind_label`].
    pub kind: UntrustedText,
    /// Its name.
    pub name: UntrustedText,
    /// Whether it is fine.
    pub status: Status,
    /// Why, where the issues do not tell.
    pub reason: Option<String>,
    /// Every container and image volume, in the order of the pod spec.
    pub containers: Vec<ContainerFacts>,
    /// What was found.
    pub issues: Vec<Issue>,
    /// What was found and is over.
    pub closed: Vec<ClosedInterval>,
    /// Whether there may have been more that is over than somebody remembers.
    pub is_history_full: bool,
    /// Images that changed, as far back as somebody remembers.
    pub image_changes: Vec<ImageChange>,
}

/// One container.
#[derive(Debug, Clone)]
pub struct ContainerFacts {
    /// Name of the container or image volume.
    pub name: UntrustedText,
    /// What kind of place it is.
    pub container_type: ContainerType,
    /// The image as written.
    pub image: UntrustedText,
    /// How mutable it is.
    pub tag_class: TagClass,
    /// What the class rests on, in words.
    pub matched: Option<UntrustedText>,
    /// The pull policy as written.
    pub pull_policy: Option<UntrustedText>,
    /// The pull policy that counts.
    pub effective_pull_policy: PullPolicy,
}

/// Whether a workload is fine, worst first, as `tagwatch_workloads` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// At least one fail.
    Violating,
    /// No fail, and something that could not be judged.
    Error,
    /// Neither, and something that is exempt.
    Exempt,
    /// None of these; a warning alone is compliant.
    Compliant,
}

impl Status {
    /// Every status, worst first.
    pub const ALL: [Self; 4] = [Self::Violating, Self::Error, Self::Exempt, Self::Compliant];

    /// The name in metrics and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violating => "violating",
            Self::Error => "error",
            Self::Exempt => "exempt",
            Self::Compliant => "compliant",
        }
    }

    /// What the results of a workload make of it.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let of = |outcome| match outcome {
            Outcome::Fail => Self::Violating,
            Outcome::Error => Self::Error,
            Outcome::Skip => Self::Exempt,
            Outcome::Warn | Outcome::Pass => Self::Compliant,
        };
        outcomes.into_iter().map(of).min().unwrap_or(Self::Compliant)
    }
}

/// How the place that was judged can be changed, which decides the patch and the command that a page offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditMode {
    /// The object holds it, and a change of it is rolled out.
    Template,
    /// The object holds it, and pods keep what they were made with until they are replaced (a ReplicaSet).
    Replace,
    /// The object is of a custom kind and holds it: what a change does is up to the controller of that kind.
    Custom,
    /// The object is a Pod: the images of its containers can be changed in place, and nothing else.
    Pod,
    /// The object is what the API server shows of a Pod that a kubelet runs from a file.
    Mirror,
    /// The object holds it, but nobody may change it (a Job): it has to be made anew.
    Recreate,
    /// Only pods have it: something adds it to those that the object asks for.
    Added,
    /// It was read from something that the object made, which is of a kind whose own fields nobody reads.
    Elsewhere,
}

impl Workload {
    /// As addresses name it.
    pub(crate) fn full_name(&self) -> WorkloadName {
        (key(&self.namespace), key(&self.kind), key(&self.name))
    }

    pub(super) fn order(&self) -> impl Ord + use<'_> {
        (self.namespace.raw(), self.kind.raw(), self.name.raw())
    }

    /// Issues that want a hand.
    pub fn open(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| !issue.is_exempt())
    }

    /// The facts of a container that an issue names.
    pub(crate) fn container(&self, issue: &Issue) -> Option<&ContainerFacts> {
        self.containers.iter().find(|container| {
            container.name == issue.container
                && container.container_type == issue.container_type
                && container.image == issue.image
        })
    }
}
