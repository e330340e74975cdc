//! Every rule.

use super::meta::RuleMeta;
use super::rule::Rule;
use super::settings::{RuleSet, RuleSetting};
use super::{
    cached_private_image, datadog, floating_tag, image_pull_failing, invalid_image_reference, latest_tag,
    missing_tag, mixed_digests, moved_tag, needless_pull, outdated_image, pull_policy_never,
    pull_policy_not_allowed, pull_policy_not_always, stale_pull_policy, unclassified_tag, unpinned_image,
};
use crate::suggest;

/// In the order in which documentation lists them.
static REGISTRY: [&dyn Rule; 17] = [
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
];

/// Every rule's metadata, in the order in which documentation lists the rules.
pub fn all() -> impl Iterator<Item = &'static RuleMeta> {
    REGISTRY.iter().map(|rule| rule.meta())
}

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static RuleMeta> {
    all().find(|meta| meta.id == id)
}

/// The rule whose id is closest to an unknown one, where one is close enough to be meant.
pub fn closest(unknown: &str) -> Option<&'static RuleMeta> {
    suggest::closest(unknown, all().map(|meta| meta.id)).and_then(find)
}

/// The message for an unknown id; safe for a terminal.
pub fn unknown(id: &str) -> String {
    let ids: Vec<&str> = all().map(|meta| meta.id).collect();
    suggest::unknown("rule", id, &ids)
}

/// The rules that `enabled` picks are on, with their own results, severities and parameters.
pub(crate) fn rule_set(enabled: impl Fn(&RuleMeta) -> bool) -> RuleSet {
    RuleSet::new(all(), enabled)
}

/// The rules that are on, each with its setting.
pub(crate) fn enabled(rules: &RuleSet) -> impl Iterator<Item = (&'static dyn Rule, &RuleSetting)> {
    // A set holds every rule, in the order of the registry.
    let with_settings = REGISTRY.iter().zip(rules.iter());
    with_settings.filter(|(_, (_, setting))| setting.enabled).map(|(rule, (_, setting))| (*rule, setting))
}
