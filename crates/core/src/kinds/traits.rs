//! What the objects of a kind are to tagwatch.

/// How the objects of a kind are read and reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindTraits {
    /// Where its objects are reported.
    pub role: KindRole,
    /// What says that a rollout is over.
    pub rollout: RolloutStatus,
    /// The conditions of which one is `True` when an object has ended, and nothing will be pulled for it again.
    pub ends_by: &'static [&'static str],
    /// What the objects that one owner controls are to each other.
    pub siblings: Siblings,
    /// What its objects control.
    pub controls: Controls,
    /// The annotation in which its controller numbers rollouts, on what it makes for each of them: one of
    /// [`REVISION_ANNOTATIONS`].
    pub revision_annotation: Option<&'static str>,
    /// The API server refuses each change of its pod template.
    pub is_template_immutable: bool,
    /// Kubernetes itself serves it: the API server has filled in every pull policy.
    pub is_built_in: bool,
    /// The controller watches it; a scan reads the others too.
    pub is_watched: bool,
}

/// Every annotation in which a controller numbers rollouts. kubernetes/kubernetes: pkg/controller/deployment/util;
/// argoproj/argo-rollouts: utils/annotations; openshift/library-go: pkg/apps/appsutil.
pub const REVISION_ANNOTATIONS: [&str; 3] = [
    "deployment.kubernetes.io/revision",
    "rollout.argoproj.io/revision",
    "openshift.io/deployment-config.latest-version",
];

/// Where the objects of a kind are reported (`docs/design/verdicts.md`, "Where images are found").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindRole {
    /// On their own, also where another object controls them: a Deployment that an operator made is still what people
    /// roll out. Only an owner of a custom kind that is watched is reported instead.
    Workload,
    /// Under their controller, where they have one.
    Dependent,
    /// Under their controller; they hold no template and link their owner with what they own.
    Link,
}

/// What the objects of a kind control. Any user who may create an object can name any controller in it; a reference that
/// names one of these kinds for something that it never makes is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controls {
    /// Whatever names it: what a custom kind makes is known to its own controller alone.
    Anything,
    /// These kinds alone, by group and kind.
    Only(&'static [(&'static str, &'static str)]),
}

impl Controls {
    /// Whether an object of this kind can be of its making.
    pub fn includes(self, group: &str, kind: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Only(kinds) => kinds.contains(&(group, kind)),
        }
    }
}

/// What the objects of a kind that one owner controls are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Siblings {
    /// Nothing that the kind says.
    Peers,
    /// The newest replaces those before.
    Revisions,
    /// Each runs to an end of its own; several may do so at the same time.
    Runs,
}

/// What says whether a rollout of a kind is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutStatus {
    /// The status of a Deployment.
    Deployment,
    /// The status and the partition of a `StatefulSet`.
    StatefulSet,
    /// The status of a `DaemonSet`.
    DaemonSet,
    /// Nothing: pods are of the template as it is.
    Immediate,
    /// What depends on the object.
    Dependents,
}

impl KindTraits {
    /// A custom kind whose objects are workloads.
    pub(super) const CUSTOM: Self = Self {
        role: KindRole::Workload,
        rollout: RolloutStatus::Dependents,
        ends_by: &[],
        siblings: Siblings::Peers,
        controls: Controls::Anything,
        revision_annotation: None,
        is_template_immutable: false,
        is_built_in: false,
        is_watched: true,
    };

    pub(super) const fn built_in(role: KindRole, rollout: RolloutStatus) -> Self {
        Self { role, rollout, is_built_in: true, ..Self::CUSTOM }
    }
}
