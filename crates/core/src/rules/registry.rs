//! The list of all rules, grouped, and the check of a container by those that a policy turns on.

use super::meta::RuleMeta;
use super::rule::{Rule, Violation};
use super::settings::{RuleSet, RuleSetting};
use super::subject::Subject;
use super::{
    cached_private_image, datadog, floating_tag, image_pull_failing, invalid_image_reference, latest_tag,
    missing_tag, mixed_digests, moved_tag, needless_pull, outdated_image, pull_policy_never,
    pull_policy_not_allowed, pull_policy_not_always, stale_pull_policy, unclassified_tag, unpinned_image,
};
use crate::suggest;

/// In the order in which documentation lists them.
static REGISTRY: [Rule; 17] = [
    rule(&missing_tag::META, missing_tag::check),
    rule(&latest_tag::META, latest_tag::check),
    rule(&floating_tag::META, floating_tag::check),
    rule(&unclassified_tag::META, unclassified_tag::check),
    rule(&unpinned_image::META, unpinned_image::check),
    rule(&invalid_image_reference::META, invalid_image_reference::check),
    rule(&stale_pull_policy::META, stale_pull_policy::check),
    rule(&pull_policy_never::META, pull_policy_never::check),
    rule(&pull_policy_not_always::META, pull_policy_not_always::check),
    Rule { is_of_kubernetes: true, ..rule(&pull_policy_not_allowed::META, pull_policy_not_allowed::check) },
    rule(&needless_pull::META, needless_pull::check),
    Rule { is_of_kubernetes: true, ..rule(&cached_private_image::META, cached_private_image::check) },
    Rule { is_of_kubernetes: true, ..rule(&datadog::META, datadog::check) },
    rule(&moved_tag::META, moved_tag::check),
    Rule { due_in: mixed_digests::due_in, ..rule(&mixed_digests::META, mixed_digests::check) },
    Rule { due_in: image_pull_failing::due_in, ..rule(&image_pull_failing::META, image_pull_failing::check) },
    rule(&outdated_image::META, outdated_image::check),
];

/// A rule without a grace time, for every kind of input.
const fn rule(meta: &'static RuleMeta, check: fn(&Subject<'_>) -> Option<Violation>) -> Rule {
    Rule { meta, check, is_of_kubernetes: false, due_in: |_| None }
}

/// Every rule's metadata, in the order in which documentation lists the rules.
pub fn all() -> impl Iterator<Item = &'static RuleMeta> {
    REGISTRY.iter().map(|rule| rule.meta)
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
pub(crate) fn enabled(rules: &RuleSet) -> impl Iterator<Item = (&'static Rule, &RuleSetting)> {
    // A set holds every rule, in the order of the registry.
    let with_settings = REGISTRY.iter().zip(rules.iter());
    with_settings.filter(|(_, (_, setting))| setting.enabled).map(|(rule, (_, setting))| (rule, setting))
}
