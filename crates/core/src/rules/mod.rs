//! The rules: one file each, in an explicit registry, with their documentation beside their code.

mod cached_private_image;
mod datadog;
mod docs;
mod drift_words;
mod floating_tag;
pub mod ids;
mod image_pull_failing;
mod invalid_image_reference;
mod latest_tag;
mod message;
mod missing_tag;
mod mixed_digests;
mod moved_tag;
mod needless_pull;
mod outdated_image;
mod pass;
mod pull_policy_never;
mod pull_policy_not_allowed;
mod pull_policy_not_always;
mod resolution;
mod settings;
mod stale_pull_policy;
mod unclassified_tag;
mod unpinned_image;

use std::fmt;

use crate::drift::DriftEvidence;
use crate::finding::{Finding, Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::reference::{Reference, ReferenceError};
use crate::tag::{Classification, Confidence, TagClass};
use crate::workload::{Container, ObservedPods, Origin};

pub use docs::{closest, find, render_markdown, render_markdown_table, render_table, render_text};
pub(crate) use image_pull_failing::grace as image_pull_failing_grace;
pub(crate) use mixed_digests::grace as mixed_digests_grace;
pub(crate) use pass::pass;
pub use settings::{Parameter, Parameters, PullPolicyValue, RuleSet, RuleSetting};

/// The groups of rules; a report's `policy` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// What the reference says.
    ImageTag,
    /// How the node gets the image.
    ImagePullPolicy,
    /// What really runs.
    ImageDrift,
}

impl Policy {
    /// Every policy, in the order in which a container's results are written.
    pub const ALL: [Self; 3] = [Self::ImageTag, Self::ImagePullPolicy, Self::ImageDrift];

    /// Name in reports, metrics and `scan -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageTag => "image-tag",
            Self::ImagePullPolicy => "image-pull-policy",
            Self::ImageDrift => "image-drift",
        }
    }

    /// Category of its rules in reports and dashboards.
    pub const fn category(self) -> &'static str {
        match self {
            Self::ImageTag => "Mutable Tags",
            Self::ImagePullPolicy => "Pull Policy",
            Self::ImageDrift => "Image Drift",
        }
    }

    /// The rule under which a pass is written when no rule of the policy fires and this one is on.
    pub fn leading_rule(self) -> &'static RuleMeta {
        match self {
            Self::ImageTag => &floating_tag::META,
            Self::ImagePullPolicy => &stale_pull_policy::META,
            Self::ImageDrift => &moved_tag::META,
        }
    }

    /// Whether a container in which nothing fires gets a pass. That nobody saw an image drift proves nothing.
    pub fn gives_passes(self) -> bool {
        self != Self::ImageDrift
    }
}

/// A rule's identity and its documentation, from which pages, `explain` and the README table are made.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// Names the problem, so that `ignore <id>` reads right.
    pub id: &'static str,
    /// The group it belongs to.
    pub policy: Policy,
    /// Category in reports and dashboards.
    pub category: &'static str,
    /// Whether the recommended profile has it on.
    pub enabled: bool,
    /// The parameters that it reads.
    pub parameters: &'static [Parameter],
    /// Its own severity, the highest that the rule gives.
    pub severity: Severity,
    /// Outcome that its own profiles give, as `rules.md` lists it; where a cell differs, `why` says so.
    pub outcome: Outcome,
    /// First version of tagwatch that has it.
    pub since: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Why it matters: Markdown paragraphs.
    pub why: &'static str,
    /// YAML that violates it.
    pub bad: &'static str,
    /// YAML that does not.
    pub good: &'static str,
    /// How to mend it: Markdown.
    pub fix: &'static str,
}

/// A container with what is known of it, as a rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The container.
    pub container: &'a Container,
    /// Where it was read.
    pub origin: Origin,
    /// The parsed image.
    pub reference: Result<&'a Reference, &'a ReferenceError>,
    /// How mutable it is.
    pub classification: &'a Classification,
    /// The pull policy that counts.
    pub effective_pull_policy: PullPolicy,
    /// Whether the pod names `imagePullSecrets`.
    pub image_pull_secrets: bool,
    /// Whether the policy declares the AlwaysPullImages admission plugin.
    pub always_pull_images: bool,
    /// Every rule's setting for this container.
    pub rules: &'a RuleSet,
    /// The parameters of the rule that is asked.
    pub parameters: &'a Parameters,
}

impl<'a> Subject<'a> {
    /// The tag as written.
    fn tag(&self) -> Option<&'a str> {
        self.reference.ok().and_then(Reference::tag)
    }

    /// Whether the reference means `latest`, written or implied. A digest beside it changes nothing here.
    fn names_latest(&self) -> bool {
        self.reference.is_ok_and(|reference| reference.tag_or_default() == Some("latest"))
    }

    /// What the cluster showed of the image.
    fn drift(&self) -> Option<&'a DriftEvidence> {
        self.container.drift.as_deref()
    }

    /// Whether the reference can be expected to move.
    fn is_mutable(&self) -> bool {
        self.classification.class.is_mutable()
    }

    /// Whether the tag is one number alone: a major version, which moves, or a build number, which does not.
    fn is_lone_number(&self) -> bool {
        self.classification.class == TagClass::Floating
            && self.classification.confidence == Confidence::Unknown
    }

    /// Whether there are live pods, and all of them run by digest where the template names a tag.
    fn pods_by_digest(&self) -> bool {
        self.container.observed.is_some_and(ObservedPods::all_by_digest)
    }

    /// Whether there are live pods, and all of them carry `Always` where the template says otherwise.
    fn pods_with_always(&self) -> bool {
        self.effective_pull_policy != PullPolicy::Always
            && self.container.observed.is_some_and(ObservedPods::all_always)
    }

    /// Whether there are live pods, and not all of them carry the `Always` that the template says.
    fn pods_without_always(&self) -> bool {
        let lacks = |observed: ObservedPods| observed.pods > 0 && !observed.all_always();
        self.effective_pull_policy == PullPolicy::Always && self.container.observed.is_some_and(lacks)
    }

    /// Whether admission makes `Always` of a pull policy that says otherwise: every live pod shows it, or the
    /// policy declares it.
    fn admission_pulls_always(&self) -> bool {
        self.pods_with_always()
            || (self.always_pull_images && self.effective_pull_policy != PullPolicy::Always)
    }

    /// Whether `latest-tag` is on and told to judge this tag, which is not `latest`.
    fn tag_is_forbidden(&self) -> bool {
        let is_listed = |tag: &str| {
            let setting = self.rules.get(latest_tag::META.id).filter(|setting| setting.enabled);
            setting.is_some_and(|setting| setting.parameters.tags.iter().any(|listed| listed == tag))
        };
        let is_fixed = matches!(self.classification.class, TagClass::Digest | TagClass::DeclaredImmutable);
        !is_fixed && self.tag().is_some_and(is_listed)
    }

    /// A tag rule's outcome: at most a warning while every live pod runs by digest (`rules.md`, section 2).
    pub(crate) fn tag_outcome(&self, outcome: Outcome) -> Outcome {
        if self.pods_by_digest() { outcome.max(Outcome::Warn) } else { outcome }
    }
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Fail, error or warn.
    pub outcome: Outcome,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming the container and the image.
    pub message: String,
    /// How to mend it, best way first.
    pub resolution: String,
}

/// One rule. Rules are independent of each other and see one container at a time.
pub trait Rule: Sync {
    /// Identity and documentation.
    fn meta(&self) -> &'static RuleMeta;

    /// Whether it reads the text alone, so that it can judge what is no image reference.
    fn judges_unparsed(&self) -> bool {
        false
    }

    /// Says what is wrong with a container, or `None`.
    fn check(&self, subject: &Subject<'_>) -> Option<Violation>;
}

impl fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meta().id)
    }
}

/// Whether a rule is silent where another one says more, by [`drop_repeated`].
pub(crate) fn may_repeat(rule: &RuleMeta) -> bool {
    *rule == moved_tag::META
}

/// Takes out `moved-tag` where `mixed-digests` says more of the same reference. An exempt finding says nothing, so this
/// is for after exempting.
pub(crate) fn drop_repeated(container: &Container, findings: &mut Vec<Finding>) {
    let says_more =
        |finding: &Finding| *finding.rule == mixed_digests::META && finding.outcome != Outcome::Skip;
    let is_same = container.drift.as_deref().is_some_and(|drift| {
        let of_moved = drift.moved.as_ref().map(|moved| &moved.reference);
        of_moved.is_some() && of_moved == drift.mixed.as_ref().map(|mixed| &mixed.resolutions.reference)
    });
    if is_same && findings.iter().any(says_more) {
        findings.retain(|finding| !may_repeat(finding.rule));
    }
}

/// Every rule, in the order in which documentation lists them.
pub fn registry() -> &'static [&'static dyn Rule] {
    &[
        &missing_tag::MissingTag,
        &latest_tag::LatestTag,
        &floating_tag::FloatingTag,
        &unclassified_tag::UnclassifiedTag,
        &unpinned_image::UnpinnedImage,
        &invalid_image_reference::InvalidImageReference,
        &stale_pull_policy::StalePullPolicy,
        &pull_policy_never::PullPolicyNever,
        &pull_policy_not_always::PullPolicyNotAlways,
        &pull_policy_not_allowed::PullPolicyNotAllowed,
        &needless_pull::NeedlessPull,
        &cached_private_image::CachedPrivateImage,
        &datadog::Datadog,
        &moved_tag::MovedTag,
        &mixed_digests::MixedDigests,
        &image_pull_failing::ImagePullFailing,
        &outdated_image::OutdatedImage,
    ]
}
