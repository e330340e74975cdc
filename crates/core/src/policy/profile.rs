//! Profiles: sets of rules to start from.

use std::fmt;
use std::str::FromStr;

use crate::rules::{self, RuleMeta, RuleSet, ids};
use crate::suggest;

/// A set of rules with a name (docs/design/verdicts.md, "Rules and profiles"). A policy can change each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// What can move, above all where it is not pulled again.
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

/// What a profile sets, and its documentation.
#[derive(Debug, PartialEq, Eq)]
pub struct ProfileMeta {
    /// The name in a policy and on the command line.
    pub name: &'static str,
    on: On,
    /// The profile in one line of plain text.
    pub summary: &'static str,
    /// Whom it is for, and what it leaves out: Markdown.
    pub about: &'static str,
}

/// The rules of a profile, by their ids.
#[derive(Debug, PartialEq, Eq)]
enum On {
    /// The recommended rules, but for some.
    Recommended {
        with: &'static [&'static str],
        without: &'static [&'static str],
    },
    Only(&'static [&'static str]),
}

static RECOMMENDED: ProfileMeta = ProfileMeta {
    name: "recommended",
    on: On::Recommended { with: &[], without: &[] },
    summary: "What can move, and above all what can move and is not pulled again",
    about: "\
The default. It checks the tag and the pull policy together: a tag that moves
is advice as long as each start asks the registry, and a failure where nodes
keep what they pulled once. Full versions, commits, dates and build numbers
pass, for by convention they are pushed once.",
};

static STRICT: ProfileMeta = ProfileMeta {
    name: "strict",
    on: On::Recommended {
        with: &[ids::UNPINNED_IMAGE],
        without: &[ids::MISSING_TAG, ids::LATEST_TAG, ids::FLOATING_TAG, ids::UNCLASSIFIED_TAG],
    },
    summary: "A digest on each image",
    about: "\
For clusters in which each image is given by digest. `unpinned-image` alone
checks tags: a full version fails as `latest` does, with a lower severity.
Pull policies are checked as in the recommended profile.",
};

static ALWAYS: ProfileMeta = ProfileMeta {
    name: "always",
    on: On::Recommended {
        with: &[ids::PULL_POLICY_NOT_ALWAYS],
        without: &[ids::STALE_PULL_POLICY, ids::PULL_POLICY_NEVER],
    },
    summary: "Always on each image that no digest pins",
    about: "\
For organisations that want each start to ask the registry, whatever the tag.
`pull-policy-not-always` alone checks pull policies, by the value that applies:
an unset one is `Always` for `latest` and for no tag. An image that a digest
pins is exempt. Tags are checked as in the recommended profile.

`Always` is no promise that the image is fresh: a mirror or a cache can answer
with an old digest.",
};

static DATADOG: ProfileMeta = ProfileMeta {
    name: "datadog",
    on: On::Only(&[ids::DATADOG]),
    summary: "Datadog's rule on pull policies, to the letter",
    about: "\
For those who are measured by the Infrastructure as Code rule
`kubernetes-image-pull-policy-of-container-is-not-always`, and want the same
answer before a merge and in the cluster. Nothing else is checked: neither
tags, nor whether an image is a reference at all.

The rule compares text, so a registry's port counts as a tag, and a
placeholder (`$IMAGE:1.2`) is checked like any image.",
};

static MAGALIX: ProfileMeta = ProfileMeta {
    name: "magalix",
    on: On::Only(&[
        ids::MISSING_TAG,
        ids::LATEST_TAG,
        ids::INVALID_IMAGE_REFERENCE,
        ids::PULL_POLICY_NOT_ALLOWED,
    ]),
    summary: "The pair of Magalix' KubeAdvisor: a tag, and a written pull policy",
    about: "\
The pair of policies that KubeAdvisor had on images. `image_tags_enforce` asks
for a tag, and for one other than `latest`; a digest counts as a tag. Here it
is `missing-tag` and `latest-tag`, and the parameter `tags` of `latest-tag`
forbids further ones. Its companion asks for `imagePullPolicy` to be written;
here it is `pull-policy-not-allowed`, whose parameter `allowed` names the
values that may be.

Objects in a cluster always carry a pull policy, so a missing one shows only
in manifests. An image that is no reference is an error, because it may or may
not have a tag.",
};

impl Profile {
    /// Every profile, in the order in which documentation lists them.
    pub const ALL: [Self; 5] = [Self::Recommended, Self::Strict, Self::Always, Self::Datadog, Self::Magalix];

    /// What it sets, and its documentation.
    pub fn meta(self) -> &'static ProfileMeta {
        match self {
            Self::Recommended => &RECOMMENDED,
            Self::Strict => &STRICT,
            Self::Always => &ALWAYS,
            Self::Datadog => &DATADOG,
            Self::Magalix => &MAGALIX,
        }
    }

    /// The name in a policy and on the command line.
    pub fn as_str(self) -> &'static str {
        self.meta().name
    }

    /// Every rule, as the profile sets it.
    pub fn rules(self) -> RuleSet {
        rules::rule_set(|rule| self.has(rule))
    }

    fn has(self, rule: &RuleMeta) -> bool {
        match self.meta().on {
            On::Recommended { with, without } => {
                with.contains(&rule.id) || (rule.enabled && !without.contains(&rule.id))
            }
            On::Only(ids) => ids.contains(&rule.id),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An unknown name of a profile; the message suggests the closest one.
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
