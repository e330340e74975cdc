//! Profiles: sets of rules to start from.

use std::fmt;
use std::str::FromStr;

use crate::rules::{RuleMeta, RuleSet};
use crate::suggest;

/// A set of rules with a name (`rules.md`, section 5). A policy can change anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// By the tag: what can move and is not pulled again is what hurts.
    #[default]
    Recommended,
    /// A digest on each image.
    Strict,
    /// `Always` on each image that no digest pins.
    Always,
    /// The Datadog rule on pull policies.
    Datadog,
    /// The pair of Magalix' `KubeAdvisor`.
    Magalix,
}

impl Profile {
    /// Every profile, in the order in which documentation lists them.
    pub const ALL: [Self; 5] = [Self::Recommended, Self::Strict, Self::Always, Self::Datadog, Self::Magalix];

    /// The name in a policy and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Strict => "strict",
            Self::Always => "always",
            Self::Datadog => "datadog",
            Self::Magalix => "magalix",
        }
    }

    /// The rules that are on, as the profile sets them.
    pub fn rules(self) -> RuleSet {
        RuleSet::of(|rule| self.has(rule))
    }

    fn has(self, rule: &RuleMeta) -> bool {
        match self {
            Self::Recommended => rule.enabled,
            Self::Strict => match rule.id {
                "unpinned-image" => true,
                "missing-tag" | "latest-tag" | "floating-tag" | "unclassified-tag" => false,
                _ => rule.enabled,
            },
            Self::Always => match rule.id {
                "pull-policy-not-always" => true,
                "stale-pull-policy" | "pull-policy-never" => false,
                _ => rule.enabled,
            },
            Self::Datadog => rule.id == "kubernetes-image-pull-policy-of-container-is-not-always",
            Self::Magalix => matches!(
                rule.id,
                "missing-tag" | "latest-tag" | "invalid-image-reference" | "pull-policy-not-allowed"
            ),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no profile has; the message names the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let known = Self::ALL.into_iter().find(|profile| profile.as_str() == name);
        known.ok_or_else(|| UnknownProfile(suggest::unknown("profile", name, &Self::ALL.map(Self::as_str))))
    }
}
