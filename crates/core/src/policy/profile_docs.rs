//! The profiles' documentation, made from what they set.

use std::fmt::Write as _;

use super::Profile;

/// What a profile's page says beside its rules.
#[derive(Debug, PartialEq, Eq)]
pub struct ProfileMeta {
    /// One line.
    pub summary: &'static str,
    /// For whom it is, and what it leaves out: Markdown.
    pub about: &'static str,
}

static RECOMMENDED: ProfileMeta = ProfileMeta {
    summary: "What can move, and above all what can move and is not pulled again",
    about: "\
The default. It judges the tag and the pull policy together: a tag that moves
is advice as long as each start asks the registry, and a failure where nodes
keep what they pulled once. Full versions, commits, dates and build numbers
pass, for by convention they are pushed once.",
};

static STRICT: ProfileMeta = ProfileMeta {
    summary: "A digest on each image",
    about: "\
For clusters in which each image is given by digest. `unpinned-image` alone
judges tags: a full version fails as `latest` does, with a lower severity.
Pull policies are judged as in the recommended profile.",
};

static ALWAYS: ProfileMeta = ProfileMeta {
    summary: "Always on each image that no digest pins",
    about: "\
For organisations that want each start to ask the registry, whatever the tag.
`pull-policy-not-always` alone judges pull policies, by the value that counts:
an unset one is `Always` for `latest` and for no tag. An image that a digest
pins is exempt. Tags are judged as in the recommended profile.

`Always` is no promise that the image is fresh: a mirror or a cache can answer
with an old digest.",
};

static DATADOG: ProfileMeta = ProfileMeta {
    summary: "Datadog's rule on pull policies, to the letter",
    about: "\
For those who are measured by the Infrastructure as Code rule
`kubernetes-image-pull-policy-of-container-is-not-always`, and want the same
answer before a merge and in the cluster. Nothing else is judged: neither
tags, nor whether an image is a reference at all.

The rule compares text, so a registry's port counts as a tag, and a
placeholder (`$IMAGE:1.2`) is judged like any image.",
};

static MAGALIX: ProfileMeta = ProfileMeta {
    summary: "The pair of Magalix' KubeAdvisor: a tag, and a written pull policy",
    about: "\
The pair of policies that KubeAdvisor had on images. `image_tags_enforce` asks
for a tag, and for one other than `latest`; a digest counts as a tag. Here it
is `missing-tag` and `latest-tag`, and the parameter `tags` of `latest-tag`
forbids further ones. Its companion asks for `imagePullPolicy` to be written;
here it is `pull-policy-not-allowed`, whose parameter `allowed` names the
values that may be.

Objects in a cluster always carry a pull policy, so a missing one shows only
in manifests. An image that is no reference is an error, for nobody can tell
whether it has a tag.",
};

impl Profile {
    /// The profile's documentation.
    pub fn meta(self) -> &'static ProfileMeta {
        match self {
            Self::Recommended => &RECOMMENDED,
            Self::Strict => &STRICT,
            Self::Always => &ALWAYS,
            Self::Datadog => &DATADOG,
            Self::Magalix => &MAGALIX,
        }
    }
}

/// A profile's page for docs/profiles; `rules` is the path of the rules' pages, such as `../rules`.
pub fn render_profile_markdown(profile: Profile, rules: &str) -> String {
    let ProfileMeta { summary, about } = profile.meta();
    let mut page = format!(
        "# Profile {profile}\n\n{summary}.\n\n{about}\n\n```yaml\nspec:\n  profile: {profile}\n```\n\n\
         `tagwatch scan --profile {profile} PATH` tries it without a policy.\n\n\
         | Rule | Policy | Severity | Result | What it finds |\n|---|---|---|---|---|\n"
    );
    for (rule, _) in profile.rules().enabled() {
        let meta = rule.meta();
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| [`{id}`]({rules}/{id}.md) | `{policy}` | {severity} | {result} | {summary} |",
            id = meta.id,
            policy = meta.policy.as_str(),
            severity = meta.severity.as_str(),
            result = meta.outcome.as_str(),
            summary = meta.summary,
        );
    }
    page.push_str(
        "\nSeverity and result are the highest that a rule gives; its page says when it gives less.\n",
    );
    page
}

/// The page that lists all profiles.
pub fn render_profile_index() -> String {
    let mut page = String::from(
        "# Profiles\n\nA profile is a set of rules to start from. A policy names one and changes what it likes \
         (docs/policy.md).\n\n| Profile | What it asks for |\n|---|---|\n",
    );
    for profile in Profile::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| [`{profile}`]({profile}.md) | {} |", profile.meta().summary);
    }
    page
}
