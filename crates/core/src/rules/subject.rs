//! What a rule sees: one container, with everything known about it.

use super::parameters::Parameters;
use super::settings::RuleSet;
use crate::drift::DriftEvidence;
use crate::outcome::Outcome;
use crate::pull_policy::PullPolicy;
use crate::reference::{Reference, ReferenceError};
use crate::tag::{Classification, Confidence, TagClass};
use crate::workload::{Container, ObservedPods, Origin};

/// A container with everything known about it.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Subject<'a> {
    pub container: &'a Container,
    pub origin: Origin,
    pub reference: Result<&'a Reference, &'a ReferenceError>,
    pub classification: &'a Classification,
    /// The written pull policy, or the API server's default.
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

impl<'a> Subject<'a> {
    pub(crate) fn tag(&self) -> Option<&'a str> {
        self.reference.ok().and_then(Reference::tag)
    }

    /// Whether the reference means `latest`, written or implied. A digest beside it changes nothing here.
    pub(super) fn names_latest(&self) -> bool {
        self.reference.is_ok_and(|reference| reference.tag_or_default() == Some("latest"))
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
