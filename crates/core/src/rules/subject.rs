//! What a rule sees: one container, with everything known about it.

use super::meta::RuleGroup;
use super::parameters::Parameters;
use super::settings::RuleSet;
use crate::drift::DriftEvidence;
use crate::outcome::Outcome;
use crate::pull_policy::{ComposePullPolicy, PullPolicy};
use crate::reference::{Reference, ReferenceError};
use crate::tag::{Classification, Confidence, TagClass};
use crate::workload::{ComposeService, Container, ObservedPods, Origin};

/// A container with everything known about it.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Subject<'a> {
    pub container: &'a Container,
    pub origin: Origin,
    pub reference: Result<&'a Reference, &'a ReferenceError>,
    pub classification: &'a Classification,
    /// The written pull policy, or the API server's default; that of a Compose service is [`Self::compose`].
    pub effective_pull_policy: PullPolicy,
    /// Whether the pod names `imagePullSecrets`.
    pub image_pull_secrets: bool,
    /// Whether the policy declares the AlwaysPullImages admission plugin.
    pub always_pull_images: bool,
    /// Every rule's setting for this container.
    pub rules: &'a RuleSet,
    /// The parameters of the rule that checks the container.
    pub parameters: &'a Parameters,
}

/// How messages name who pulls the image, and its pull policies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// What asks the registry.
    pub(super) reader: &'static str,
    /// What reads the reference.
    pub(super) platform: &'static str,
    /// The pull policy of each start.
    pub(super) always: &'static str,
    /// What holds copies.
    pub(super) machine: &'static str,
    /// The pull policy of a machine without a copy.
    pub(super) if_not_present: &'static str,
}

impl<'a> Subject<'a> {
    pub(crate) fn tag(&self) -> Option<&'a str> {
        self.reference.ok().and_then(Reference::tag)
    }

    /// Whether the reference means `latest`, written or implied. A digest beside it changes nothing here.
    pub(super) fn names_latest(&self) -> bool {
        self.reference.is_ok_and(|reference| reference.tag_or_default() == Some("latest"))
    }

    /// The pull policy of a Compose service, and what else it says.
    pub(crate) fn compose(&self) -> Option<(ComposePullPolicy, ComposeService)> {
        match self.origin {
            Origin::Compose(service) => {
                Some((ComposePullPolicy::of(self.container.pull_policy.as_ref()), service))
            }
            _ => None,
        }
    }

    /// The field that holds the pull policy.
    pub(super) fn pull_policy_field(&self) -> &'static str {
        self.origin.pull_policy_field(self.container.container_type)
    }

    /// The words of who pulls the image.
    pub(super) fn words(&self) -> Words {
        match self.origin {
            Origin::Compose(_) => Words {
                reader: "Compose",
                platform: "Compose",
                machine: "machine",
                always: "always",
                if_not_present: "missing",
            },
            _ => Words {
                reader: "the kubelet",
                platform: "Kubernetes",
                machine: "node",
                always: PullPolicy::Always.as_str(),
                if_not_present: PullPolicy::IfNotPresent.as_str(),
            },
        }
    }

    /// Whether there is something to judge for a group: not the tag of an image that is built, and no pull policy that is
    /// decided elsewhere.
    pub(crate) fn is_judged_by(&self, group: RuleGroup) -> bool {
        match (group, self.origin) {
            (RuleGroup::ImageTag, Origin::Compose(_)) => {
                ComposePullPolicy::of(self.container.pull_policy.as_ref()) != ComposePullPolicy::Build
            }
            (RuleGroup::ImagePullPolicy, Origin::Compose(service)) => !service.is_pull_policy_open,
            (RuleGroup::ImagePullPolicy, Origin::Kustomization) => false,
            (RuleGroup::ImagePullPolicy, Origin::HelmValues) => self.container.pull_policy.is_some(),
            _ => true,
        }
    }

    /// The most that a finding of a group can be for where the image is written: tags of Compose files and values of charts
    /// give advice at most.
    pub(crate) fn at_most(&self, group: RuleGroup, outcome: Outcome) -> Outcome {
        match (self.origin, group, outcome) {
            (Origin::Compose(_), RuleGroup::ImageTag, Outcome::Fail)
            | (Origin::HelmValues, _, Outcome::Fail | Outcome::Error) => Outcome::Warn,
            _ => outcome,
        }
    }

    /// What the cluster showed of the image.
    pub(crate) fn drift(&self) -> Option<&'a DriftEvidence> {
        self.container.drift.as_deref()
    }

    /// Whether the reference can be expected to move.
    pub(crate) fn is_mutable(&self) -> bool {
        self.classification.class.is_mutable()
    }

    /// Whether the tag may move, or may be one that is pushed once: a number alone, a branch with a number, two numbers
    /// of a publisher that is not known to move them.
    pub(super) fn may_move(&self) -> bool {
        self.classification.class == TagClass::Floating
            && self.classification.confidence == Confidence::Unknown
    }

    /// Whether there are live pods, and all of them run by digest where the template names a tag.
    pub(super) fn pods_by_digest(&self) -> bool {
        self.container.observed.is_some_and(ObservedPods::all_by_digest)
    }

    /// Whether there are live pods, and all of them carry `Always` though the template has another policy.
    pub(super) fn pods_with_always(&self) -> bool {
        self.effective_pull_policy != PullPolicy::Always
            && self.container.observed.is_some_and(ObservedPods::all_always)
    }

    /// Whether there are live pods, and not all of them carry the `Always` of the template.
    pub(crate) fn pods_without_always(&self) -> bool {
        let lacks = |observed: ObservedPods| observed.pods > 0 && !observed.all_always();
        self.effective_pull_policy == PullPolicy::Always && self.container.observed.is_some_and(lacks)
    }

    /// Whether admission sets `Always` in place of another pull policy: every live pod shows it, or the policy
    /// declares it.
    pub(super) fn admission_pulls_always(&self) -> bool {
        self.pods_with_always()
            || (self.always_pull_images && self.effective_pull_policy != PullPolicy::Always)
    }

    /// A tag rule's outcome: at most a warning while every live pod runs by digest
    /// (docs/design/verdicts.md, "Rules and profiles").
    pub(crate) fn tag_outcome(&self, outcome: Outcome) -> Outcome {
        if self.pods_by_digest() { outcome.max(Outcome::Warn) } else { outcome }
    }
}
